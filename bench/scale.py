"""What grows with history: reconcile over synthetic storage up to a million documents, and what people ask on Azurite.

Judged are CPU, calls and memory. Seconds are printed, and judged only where a limit of the platform stands behind them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from azurite_process.azurite import running_azurite
from bench.report import Gate, report
from bench.synthetic_storage import ONE_FAILS_OF, PAGE, peak_memory_mb, synthetic_storage
from local.provision import provision
from local.settings import app_settings
from local.stack import settings_of
from shared.batches.answer_counts import AnswerCounts, AnsweredBy
from shared.documents.messages import WALK
from shared.documents.reconcile import read_totals
from shared.documents.record_schema import RecordFacts
from shared.messages import StepMessage
from shared.services import Services, build_services
from tests.faults.world import MODEL

NAME = "scale"
HELP = "CPU, calls and memory of reconcile, status, batches and the sweep beside much history"
FAILURES, CLOSED = 5_000, 800
# The sweep looks into five poison queues and three listings, whatever lies there.
MOST_CALLS = {"status": 10, "batches": 10, "metrics": 10, "metrics of models": 10, "sweep": 20}
REPEATS = 5
UPLOADERS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--records",
        type=int,
        action="append",
        metavar="N",
        help="documents that reconcile walks over; may be repeated (default: 1,000, 20,000, 100,000 and 1,000,000)",
    )
    parser.add_argument(
        "--documents", type=int, default=20_000, help="documents on Azurite, 0 to leave that out (default %(default)s)"
    )


def run(arguments: argparse.Namespace) -> bool:
    sizes = sorted(arguments.records or [1_000, 20_000, 100_000, 1_000_000])
    walks = [measure_walk(size) for size in sizes]
    gates = gates_of(walks)
    asked: dict[str, dict[str, float]] = {}
    if arguments.documents:
        asked = measure_answers(arguments.documents)
        gates += [Gate(f"{name}: calls", each["calls"], MOST_CALLS[name], at_most=True) for name, each in asked.items()]
        gates += [Gate(f"{name}: seconds of CPU", each["cpu"], 0.3, at_most=True) for name, each in asked.items()]
    return report(NAME, gates, {"reconcile": walks, "answers": asked})


def services_on(data_storage: str) -> Services:
    values = app_settings(data_storage=data_storage, language_endpoint="http://127.0.0.1:9", language_key="bench")
    return build_services(settings_of(values))


def measure_walk(documents: int) -> dict[str, Any]:
    """One walk, step by step, as the timer and its messages would take it."""
    with synthetic_storage(documents) as address:
        services = services_on(address)
        state = services.adapters.open_container(services.settings.pipeline_container)
        peak_memory_mb(reset=True)
        steps: list[float] = []
        began, cpu = time.monotonic(), time.process_time()
        timed(steps, services.reconcile)
        while state.find(f"reconcile/open/{WALK}.json") is not None:
            timed(steps, lambda: services.reconcile.advance(StepMessage(id=WALK)))
        cpu, seconds = time.process_time() - cpu, time.monotonic() - began
        totals = read_totals(state)
        services.close()
    if totals is None or (totals.documents, totals.missing) != (documents, 0):
        raise AssertionError(f"the walk over {documents} documents counted {totals}")
    found = {
        "documents": documents,
        "listing_calls": -(-documents // PAGE) * 2 + -(-documents // (PAGE * ONE_FAILS_OF)),
        "cpu_ms_a_document": cpu / documents * 1_000,
        "seconds": seconds,
        "steps": len(steps),
        "longest_step": max(steps),
        "peak_mb": peak_memory_mb(),
    }
    print(
        "reconcile: {documents:,} documents in {seconds:.1f} s and {steps} steps, the longest {longest_step:.1f} s; "
        "{cpu_ms_a_document:.4f} ms of CPU a document; peak {peak_mb:.0f} MB".format(**found),
        flush=True,
    )
    return found


def timed(steps: list[float], step: Callable[[], object]) -> None:
    began = time.monotonic()
    step()
    steps.append(time.monotonic() - began)


def gates_of(walks: list[dict[str, Any]]) -> list[Gate]:
    last = walks[-1]
    gates = [
        Gate("reconcile: ms of CPU a stored document", last["cpu_ms_a_document"], 0.06, at_most=True),
        Gate("reconcile: longest step in seconds", max(each["longest_step"] for each in walks), 60, at_most=True),
    ]
    # Full pages of all listings are the least that a walk can hold at once.
    full = [each for each in walks if each["documents"] >= 4 * PAGE]
    if len(full) > 1:
        grown = full[-1]["peak_mb"] / full[0]["peak_mb"]
        gates.append(Gate(f"reconcile: peak memory against {full[0]['documents']:,}", grown, 1.1, at_most=True))
    return gates


def measure_answers(documents: int) -> dict[str, dict[str, float]]:
    """Status, the list of batches and the sweep on Azurite with a day's history."""
    with running_azurite() as azurite:
        services = services_on(azurite.connection_string)
        provision(services)
        fill(services, documents)
        asked: dict[str, Callable[[], object]] = {
            "status": services.status,
            "batches": services.batch_report.list,
            "metrics": services.sweep.metrics.log_pipeline,
            "metrics of models": lambda: services.metrics_report(7),
            "sweep": services.sweep,
        }
        found = {
            name: measure(ask, lambda: len(azurite.process.log_text().splitlines())) for name, ask in asked.items()
        }
        services.close()
    for name, each in found.items():
        print(f"{name}: {each['seconds']:.3f} s, {each['cpu']:.3f} s of CPU, {each['calls']:.0f} calls", flush=True)
    return found


def measure(ask: Callable[[], object], count: Callable[[], int]) -> dict[str, float]:
    """Medians of REPEATS; `count` is how many calls storage has logged."""
    ask()
    before = count()
    seconds, cpu = [], []
    for _ in range(REPEATS):
        began, spent = time.monotonic(), time.process_time()
        ask()
        seconds.append(time.monotonic() - began)
        cpu.append(time.process_time() - spent)
    calls = (count() - before) / REPEATS
    return {"seconds": statistics.median(seconds), "cpu": statistics.median(cpu), "calls": calls}


def fill(services: Services, documents: int) -> None:
    """Documents, their records, FAILURES of them failed, and the closed batches of a day."""
    now = datetime.now(UTC)
    records, state = services.records, services.adapters.open_container(services.settings.pipeline_container)
    facts = RecordFacts(modified=now, size=2048, batch="0" * 32, model=MODEL.label)

    def put_document(number: int) -> None:
        name = f"letters/{number:06}.txt"
        etag = records.documents.put(name, b"text")
        store = records.failures if number < FAILURES else records.classifications
        metadata = facts.model_copy(update={"etag": etag, "code": "empty" if number < FAILURES else None}).to_metadata()
        store.put(f"{name}.json", b"{}", metadata=metadata)

    def put_batch(number: int) -> None:
        metadata = {"created": now.isoformat(), "due": now.isoformat(), "state": "submitted", "documents": "25"}
        metadata |= AnsweredBy(project=MODEL.project, label=MODEL.label, kind=MODEL.kind).to_metadata()
        classes = {f"class-{each}": 5 for each in range(5)}
        metadata |= AnswerCounts(classified=25, classes=classes, confidence=(1,) * 5 + (4,) * 5).to_metadata()
        state.put(f"batches/closed/{now.date()}/{number:032x}.json", b"{}", metadata=metadata)

    with ThreadPoolExecutor(UPLOADERS) as pool:
        list(pool.map(put_document, range(documents)))
        list(pool.map(put_batch, range(CLOSED)))
