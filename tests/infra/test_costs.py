"""docs/costs.md is what tools/costs.py makes, and what that counts is what the app does and infra/ deploys."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from shared.config import Settings
from shared.models.acceptance import AcceptanceRule
from shared.reviews.sweep import LOOKED_AT
from tests.infra.alert_rules import TYPES, deployed_alerts
from tests.infra.bicep import INFRA, MAIN, ROOT, read_template
from tests.infra.observed_app import ObservedApp, upload_letters
from tests.infra.test_alerts import new_app
from tools import costs
from tools.costs import (
    PER_BATCH,
    PER_DOCUMENT,
    PER_DOCUMENT_FOR_REVIEW,
    PER_RECONCILE,
    PER_SWEEP,
    PER_SWEEP_OF_REVIEWS,
    Asked,
    Month,
    Price,
    filled,
    read_prices,
)

PARAMETERS = read_template(MAIN).parameters
WRITES = {"create", "replace", "put", "list"}
READS = {"read", "find"}
FREE = {"delete"}
# What may be counted and not happen: a change that saves calls need not wait for new tables. Never less than happens.
AT_MOST = 1.6


def test_the_page_holds_what_the_calculator_makes() -> None:
    page = costs.PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "run python -m tools.costs"


def test_every_price_names_its_source() -> None:
    for key, price in read_prices().items():
        assert len(price.source) >= len("unverified"), key
        assert price.usd > 0, key
    assert set(read_prices()) == set(Month(1).units())


def test_what_is_free_is_free_and_the_rest_is_paid() -> None:
    price = Price("thing", usd=0.40, per=1_000_000, source="a test", free=250_000)
    assert price.of(250_000) == 0
    assert price.of(1_250_000) == pytest.approx(0.40)


def test_longer_documents_cost_the_service_by_the_thousand_characters() -> None:
    prices = read_prices()
    short, long = (Month(100, characters).costs(prices)["custom_text_records"] for characters in (1_000, 1_001))
    assert long == 2 * short == pytest.approx(1.00)


def test_no_group_is_active_for_longer_than_its_runs_or_its_month() -> None:
    for documents in (0, 1_000, 10_000_000):
        month = Month(documents)
        for group, runs in month.runs().items():
            assert month.busy_seconds(group) <= runs * costs.SECONDS_A_RUN
    assert Month(10_000_000).busy_seconds("blob") == costs.MONTH_SECONDS


# What is counted


def measured(app: ObservedApp) -> Asked:
    """What the app has asked for so far."""
    calls: Counter[str] = Counter()
    for name, count in app.performed.items():
        store, _, method = name.partition(".")
        assert store == "language" or store.endswith("-queue") or method in WRITES | READS | FREE, name
        kind = "queue" if store.endswith("-queue") else "language" if store == "language" else method
        calls["write" if kind in WRITES else "read" if kind in READS else kind] += count
    rows = app.workspace.traces
    runs = Counter(row["Name"] for row in app.workspace.requests)
    return Asked(
        queue_operations=calls["queue"],
        blob_writes=calls["write"],
        blob_reads=calls["read"],
        log_rows=len(rows) + runs.total(),
        message_bytes=sum(len(row["Message"].encode()) for row in rows),
        runs=dict(runs),
    )


def counted(*parts: tuple[Asked, int]) -> Asked:
    def total(name: str) -> float:
        return sum(float(getattr(asked, name)) * count for asked, count in parts)

    # Here documents come by the events queue.
    runs = {
        group.replace("blob", "accept_event"): each * count
        for asked, count in parts
        for group, each in asked.runs.items()
    }
    return Asked(
        total("queue_operations"),
        total("blob_writes"),
        total("blob_reads"),
        log_rows=total("log_rows"),
        message_bytes=total("message_bytes"),
        runs=runs,
    )


def assert_enough(found: Asked, expected: Asked) -> None:
    for name in ("queue_operations", "blob_writes", "blob_reads", "log_rows", "message_bytes"):
        happened, planned = getattr(found, name), getattr(expected, name)
        assert happened <= planned <= AT_MOST * happened, f"{name}: {happened} happen, {planned} are counted"
    for group, happened in found.runs.items():
        assert happened <= expected.runs[group], group


def quiet_app() -> ObservedApp:
    """Of whose calls none have been counted yet, and whose timers do not run."""
    app = new_app()
    app.stopped = {"sweep", "reconcile"}
    app.workspace.traces.clear()
    app.workspace.requests.clear()
    app.performed.clear()
    return app


@pytest.mark.parametrize(("at_once", "rounds"), [(500, 1), (1, 20)])
def test_documents_and_batches_ask_for_no_more_than_is_counted(at_once: int, rounds: int) -> None:
    app = quiet_app()
    for number in range(rounds):
        upload_letters(app, [f"letter-{number}-{each}.txt" for each in range(at_once)])
        app.pass_time(timedelta(minutes=10))
    assert len(app.records()) == at_once * rounds
    batches = -(-at_once // costs.FULL_BATCH) * rounds
    assert_enough(measured(app), counted((PER_DOCUMENT, at_once * rounds), (PER_BATCH, batches)))


def test_what_waits_for_review_asks_for_no_more_than_is_counted() -> None:
    app = quiet_app()
    documents, batches, sweeps = 2 * LOOKED_AT, 2 * LOOKED_AT // costs.FULL_BATCH, 24
    app.services.promises.set_rule("letters", AcceptanceRule())  # no model has a trial: everything goes to review
    app.performed.clear()
    upload_letters(app, [f"letter-{number}.txt" for number in range(documents)])
    app.pass_time(timedelta(minutes=20))
    found = measured(app)
    expected = counted((PER_DOCUMENT, documents), (PER_BATCH, batches), (PER_DOCUMENT_FOR_REVIEW, documents))
    assert_enough(found, expected)
    assert found.blob_writes > counted((PER_DOCUMENT, documents), (PER_BATCH, batches)).blob_writes

    app.workspace.traces.clear()
    app.workspace.requests.clear()
    app.performed.clear()
    app.stopped = {"reconcile"}
    app.pass_hours(2)
    assert_enough(measured(app), counted((PER_SWEEP, sweeps), (PER_SWEEP_OF_REVIEWS, sweeps)))
    assert measured(app).blob_reads > counted((PER_SWEEP, sweeps)).blob_reads


def test_timers_ask_for_no_more_than_is_counted() -> None:
    app = quiet_app()
    app.stopped = {"reconcile"}
    app.pass_hours(2)
    assert_enough(measured(app), counted((PER_SWEEP, 24)))
    app = quiet_app()
    app.stopped = {"sweep"}
    app.pass_hours(2)
    listings = Asked(blob_writes=costs.LISTINGS)
    assert_enough(measured(app), counted((PER_RECONCILE, 8), (listings, 8)))


# What is deployed


def test_what_is_deployed_is_what_is_counted() -> None:
    types = Counter(each["type"] for each in deployed_alerts().values())
    # The kept rules are those of queue delivery, with one more than the default has.
    assert (types[TYPES[0]] - 1, types[TYPES[1]]) == (costs.LOG_ALERTS, costs.METRIC_ALERTS)
    network = (INFRA / "app" / "network.bicep").read_text(encoding="utf-8")
    zones = re.search(r"^var zones = \[\n(.*?)^\]", network, re.MULTILINE | re.DOTALL)
    endpoints = re.search(r"^var endpoints = \[\n(.*?)^\]", network, re.MULTILINE | re.DOTALL)
    assert zones is not None
    assert endpoints is not None
    assert len(zones[1].splitlines()) == costs.DNS_ZONES
    assert endpoints[1].count("name:") == costs.PRIVATE_ENDPOINTS


def test_defaults_are_those_of_the_app_and_its_deployment() -> None:
    host: dict[str, Any] = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]
    queues = host["queues"]["batchSize"] + host["queues"]["newBatchThreshold"]
    assert costs.AT_ONCE["blob"] == host["blobs"]["maxDegreeOfParallelism"]
    assert {costs.AT_ONCE["collect_documents"], costs.AT_ONCE["advance_batch"]} == {queues}
    assert Settings.model_fields["pipeline_linger_seconds"].default == costs.LINGER_SECONDS
    assert LOOKED_AT == costs.REVIEWS_A_SWEEP
    assert PARAMETERS["instanceMemoryMB"].default == costs.INSTANCE_GB * 1024
    schedules = {name: PARAMETERS[name].default for name in ("sweepSchedule", "reconcileSchedule")}
    assert schedules == {"sweepSchedule": "30 */5 * * * *", "reconcileSchedule": "0 */15 * * * *"}
    assert (costs.SWEEPS, costs.RECONCILES) == (costs.MONTH_SECONDS // 300, costs.MONTH_SECONDS // 900)
