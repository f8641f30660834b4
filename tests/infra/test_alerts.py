"""Every alert rule, judged: Microsoft's language service reads its query, and the query runs over lines of the app.

Each rule fires on the lines of a run in which its cause was produced, and no rule fires on those of a healthy run. How
lines become rows is in log_analytics.py. Rules over Event Grid's own metrics cannot be run here: only Azure has the
metrics, so only their names are checked.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from azurite_process.azurite import node_binary
from shared.documents.dead_letters import BLOB_TRIGGER_QUEUE
from shared.errors import StorageUnavailableError
from tests.fakes import START
from tests.infra.alert_rules import TYPES, deployed_alerts, log_alerts
from tests.infra.log_analytics import TABLES, Workspace
from tests.infra.observed_app import ObservedApp, upload_letters

JUDGE = Path(__file__).with_name("kusto")
HOUR = timedelta(hours=1)
A_YEAR = timedelta(days=365)
# https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-eventgrid-systemtopics-metrics
TOPIC_METRICS = {
    "AdvancedFilterEvaluationCount",
    "DeadLetteredCount",
    "DeliveryAttemptFailCount",
    "DeliverySuccessCount",
    "DestinationProcessingDurationInMs",
    "DroppedEventCount",
    "MatchedEventCount",
    "PublishFailCount",
    "PublishSuccessCount",
    "PublishSuccessLatencyInMs",
    "ServerDeliverySuccessRate",
    "UnmatchedEventCount",
}


def new_app(**changes: object) -> ObservedApp:
    """With a model that was published by the app's own steps, a year from its end, and trained with a configuration of
    today."""
    app = ObservedApp(api_version="2023-04-01", changes=changes)
    app.authoring.expires = (START + A_YEAR).date()
    app.authoring.configs = {"2026-01-01": (START + A_YEAR).date().isoformat()}
    app.publish("first")
    return app


def fired(workspace: Workspace, end: datetime, *, start: datetime = START + HOUR) -> set[str]:
    """The rules that fire, each looking at its own times: first when an hour has passed, as silence asks."""
    times = workspace.firing_times(log_alerts().values(), start, end)
    return {name for name, found in times.items() if found}


# The healthy run


@cache
def healthy() -> ObservedApp:
    """A working day: documents all the time, one of them bad, a model trained and published, a busy service once."""
    app = new_app()
    for quarter in range(12):
        upload_letters(app, [f"letter-{quarter}-{number}.txt" for number in range(30)])
        if quarter == 4:
            app.upload("empty.txt", b"")
            app.retrain()
        app.pass_time(timedelta(minutes=15))
    return app


def test_no_rule_fires_on_a_healthy_run() -> None:
    app = healthy()
    assert app.violations() == []
    assert len(app.records()) == 360
    seen = {message.partition(" ")[0] for message in app.messages()}
    assert {"pipeline_metrics", "events_waiting", "deployment_expires", "training_config_expires"} <= seen
    assert fired(app.workspace, app.clock()) == set()


# What the causes are


def app_is_stopped() -> ObservedApp:
    app = new_app()
    app.pass_hours(1)
    app.is_up = False
    app.pass_hours(2)
    return app


def app_never_starts() -> ObservedApp:
    """As with a setting that is missing: 0 functions, so that not a line is written."""
    app = ObservedApp()
    app.is_up = False
    app.pass_hours(2)
    return app


def all_timers_stop() -> ObservedApp:
    """As after a deployment on Flex Consumption (azure-functions-host #11828): everything else goes on."""
    app = new_app()
    app.pass_hours(0.5)
    app.stopped = {"sweep", "reconcile"}
    for number in range(8):
        upload_letters(app, [f"letter-{number}.txt"])
        app.pass_hours(0.25)
    assert len(app.records()) == 8
    return app


def reconcile_alone_stops() -> ObservedApp:
    app = new_app()
    app.stopped = {"reconcile"}
    app.pass_hours(2)
    return app


def sweep_never_comes_to_its_end() -> ObservedApp:
    """One part of it, of those that no alert of their own watches."""
    app = new_app()
    app.queues["collect"].clear()
    refuse(app, "batches.list_open")
    app.pass_hours(2)
    return app


def refuse(app: ObservedApp, _what: str) -> None:
    store = app.services.batches.store

    def list_open() -> Any:
        raise ValueError("a bug of ours")

    object.__setattr__(store, "list_open", list_open)


def unreadable_message_in(queue: str) -> Callable[[], ObservedApp]:
    def cause() -> ObservedApp:
        app = new_app()
        app.pass_hours(1)
        app.abandon(queue, "not base64 at all")
        app.pass_hours(0.5)
        assert any(f"dead_letter_kept queue={queue} " in each for each in app.messages())
        return app

    return cause


def unreadable_document_message() -> ObservedApp:
    """No function is triggered by this queue: the collector keeps what it cannot read."""
    app = new_app()
    app.pass_hours(1)
    app.queues["documents"].send_raw("not base64 at all")
    app.pass_hours(0.5)
    assert any("dead_letter_kept queue=documents " in each for each in app.messages())
    return app


def model_in_use_is_damaged() -> ObservedApp:
    app = new_app()
    app.pass_hours(1)
    app.stores["state"].write_unhooked("models/active.json", b"{")
    app.services.active_model.forget()
    app.pass_hours(0.25)
    return app


def no_model_is_published() -> ObservedApp:
    app = ObservedApp(api_version="2023-04-01")
    upload_letters(app, ["letter.txt"])
    app.pass_hours(2.5)
    return app


def many_documents_are_no_text() -> ObservedApp:
    app = new_app()
    for number in range(30):
        app.upload(f"picture-{number}.txt", bytes(range(256)))
    app.pass_hours(1.5)
    assert len(app.stores["failures"].blobs) == 30
    return app


def few_documents_are_no_text() -> ObservedApp:
    app = new_app()
    for number in range(20):
        app.upload(f"picture-{number}.txt", bytes(range(256)))
    app.pass_hours(1.5)
    return app


def a_queue_takes_no_message() -> ObservedApp:
    """The documents are sent by events that come again and again, until the host gives them up."""
    app = new_app()
    app.pass_hours(1)
    send = app.queues["documents"].send

    def refused(*_: object, **__: object) -> NoReturn:
        raise StorageUnavailableError("the queue takes no message")

    app.queues["documents"].send = refused  # type: ignore[method-assign]
    upload_letters(app, [f"letter-{number}.txt" for number in range(3)])
    app.pass_time(timedelta(minutes=4))
    app.queues["documents"].send = send  # type: ignore[method-assign]
    app.pass_hours(1)
    return app


def service_throttles() -> ObservedApp:
    app = new_app()

    def busy(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.startswith("/language/analyze"):
            return None
        error = {"error": {"code": "TooManyRequests", "message": "Rate limit is exceeded."}}
        return httpx.Response(429, headers={"retry-after": "30"}, json=error)

    app.authoring.answer = busy
    upload_letters(app, [f"letter-{number:03}.txt" for number in range(200)])
    app.pass_hours(1.25)
    return app


def events_are_lost() -> ObservedApp:
    app = new_app()
    app.pass_hours(1)
    upload_letters(app, [f"letter-{number}.txt" for number in range(30)], event=False)
    app.pass_hours(1)
    assert app.violations() == []
    return app


def deployment_expires_soon() -> ObservedApp:
    """A newer training configuration is there to train the next model with."""
    app = new_app()
    app.authoring.configs["2026-12-01"] = (START + 2 * A_YEAR).date().isoformat()
    app.clock.now = START + A_YEAR - timedelta(days=20)
    app.pass_hours(3)
    return app


def configuration_expires_soon() -> ObservedApp:
    """The service has no newer one, and the model in use lasts longer, as it may."""
    app = new_app()
    app.authoring.configs["2026-01-01"] = (START + timedelta(days=10)).date().isoformat()
    app.pass_hours(1.25)
    return app


def events_are_not_taken() -> ObservedApp:
    app = new_app()
    app.stopped = {"accept_event"}
    app.pass_hours(1)
    upload_letters(app, ["letter.txt"])
    app.pass_hours(2)
    return app


CAUSES: dict[str, tuple[Callable[[], ObservedApp], set[str]]] = {
    "the app is stopped": (app_is_stopped, {"pigeonhole-app-silent"}),
    "the app never starts": (app_never_starts, {"pigeonhole-app-silent"}),
    "all timers stop": (all_timers_stop, {"pigeonhole-timers-stopped"}),
    "reconcile alone stops": (reconcile_alone_stops, {"pigeonhole-timers-stopped"}),
    "sweep never comes to its end": (
        sweep_never_comes_to_its_end,
        {"pigeonhole-timers-stopped", "pigeonhole-failed-executions"},
    ),
    **{
        f"a dead letter of {queue}": (unreadable_message_in(queue), {"pigeonhole-dead-letters"})
        for queue in ("collect", "batches", "operations", "events", BLOB_TRIGGER_QUEUE)
    },
    "a dead letter of documents": (unreadable_document_message, {"pigeonhole-dead-letters"}),
    "the model in use is damaged": (model_in_use_is_damaged, {"pigeonhole-unreadable-state"}),
    "no model is published": (no_model_is_published, {"pigeonhole-oldest-waiting"}),
    "many documents are no text": (many_documents_are_no_text, {"pigeonhole-failed-documents"}),
    "few documents are no text": (few_documents_are_no_text, set()),
    "a queue takes no message": (a_queue_takes_no_message, {"pigeonhole-failed-executions", "pigeonhole-dead-letters"}),
    "the service throttles": (service_throttles, {"pigeonhole-throttled", "pigeonhole-oldest-waiting"}),
    "events are lost": (events_are_lost, {"pigeonhole-lost-events"}),
    "the deployment expires soon": (deployment_expires_soon, {"pigeonhole-deployment-expiry"}),
    "the training configuration expires soon": (configuration_expires_soon, {"pigeonhole-training-config-expiry"}),
    "events are not taken": (events_are_not_taken, {"pigeonhole-events-waiting"}),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_fires_its_rules_and_no_others(cause: str) -> None:
    produce, expected = CAUSES[cause]
    app = produce()
    start = max(START + HOUR, app.clock() - 2 * HOUR)
    assert fired(app.workspace, app.clock(), start=start) == expected


def test_every_rule_over_logs_has_a_cause() -> None:
    assert {name for _, rules in CAUSES.values() for name in rules} == set(log_alerts())


# Microsoft's language service


FAULTY = {
    "a column that is not there": "AppTraces | where Massage startswith 'x'",
    "a table that is not there": "AppTracez | count",
    "an operator for other types": "AppTraces | where Message > 3",
    "a word that is none": "AppTraces | where Message startwith 'x'",
}


def judged() -> dict[str, Any]:
    """Of each query of a rule, and of FAULTY, what the language service says."""
    assert (JUDGE / "node_modules").is_dir(), "the judge of KQL is not installed: run `make setup`"
    run = subprocess.run(
        [str(node_binary()), "judge.js"],
        cwd=JUDGE,
        input=json.dumps({"tables": TABLES, "queries": FAULTY | {n: each.query for n, each in log_alerts().items()}}),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_microsofts_language_service_accepts_every_query_and_would_say_so_if_not() -> None:
    found = judged()
    assert {name for name, each in found.items() if each["diagnostics"]} == set(FAULTY)
    for name in log_alerts():
        assert found[name]["columns"]["TimeGenerated"] == "datetime", name
        assert found[name]["columns"]["Value"] in ("int", "long", "real"), name


# What Azure asks of rules


def test_queries_begin_with_their_table_and_join_no_others() -> None:
    """Rules with `search` or `union` can be neither made nor changed (alerts-log-query.md)."""
    for rule in log_alerts().values():
        assert rule.query.partition(" ")[0] in TABLES, rule.name
        assert not {"union", "search", "take", "limit"} & set(rule.query.split()), rule.name


def test_rules_look_as_often_as_their_window_lasts_and_late_rows_are_seen() -> None:
    """Those that look once a day watch lines that each sweep writes again."""
    for rule in log_alerts().values():
        assert rule.frequency <= rule.window, rule.name
        assert rule.frequency >= timedelta(days=1) or rule.window >= 2 * rule.frequency, rule.name


def test_what_listens_for_silence_has_a_row_where_there_is_none() -> None:
    """A rule is not evaluated over no rows. Of a silent app only one says so."""
    assert fired(Workspace(), START, start=START) == {"pigeonhole-app-silent"}


def test_metric_rules_name_metrics_that_event_grid_has() -> None:
    names = [
        criterion["metricName"]
        for each in deployed_alerts().values()
        if each["type"] == TYPES[1]
        for criterion in each["properties"]["criteria"]["allOf"]
    ]
    assert sorted(names) == ["DeadLetteredCount", "DeliveryAttemptFailCount", "DroppedEventCount"]
    assert set(names) <= TOPIC_METRICS


def test_descriptions_say_what_happened_and_what_to_do() -> None:
    for name, each in deployed_alerts().items():
        assert each["properties"]["description"].count(". ") >= 1, name
