"""Storage transactions and Language requests of a burst: exact counts, from Azurite's log and the emulator."""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bench.load import Load, add_host_argument, running_load, texts
from bench.report import Gate, report
from shared.models.acceptance import AcceptanceRule
from shared.models.trial import AnsweredClass, Trial, TrialDocument

NAME = "transactions"
# Golden documents of the trial that the promise rests on, all of them right.
GOLDEN = 300
HELP = "storage transactions by caller and operation, Language requests, fill of batches"

_LINE = re.compile(r'"(?P<method>[A-Z]+) /[^/ ]+/(?P<target>\S*) HTTP')
_READ = "GET documents"
_TRIGGER_QUEUES = r"(collect|batches|operations|events)"

# In this order; the first that matches names the caller. The host receives with its 10-minute lock, deletes the
# messages of trigger queues, keeps its books in azure-webjobs-*, scans the documents and looks each up for its event.
_HOST = (
    re.compile(r"^[A-Z]+ azure-webjobs-"),
    re.compile(r"^POST [a-z-]*-poison/"),
    re.compile(rf"^GET {_TRIGGER_QUEUES}/messages\?.*visibilitytimeout=600"),
    re.compile(rf"^(DELETE|PUT) {_TRIGGER_QUEUES}/messages/"),
    re.compile(r"^GET documents\?.*comp=list"),
    re.compile(r"^HEAD documents/"),
)
# Items that wait for review, and what was decided of them.
_REVIEWS = re.compile(r" /[^/ ]+/pipeline/reviews(%2F|/)", re.IGNORECASE)
# The benchmark uploads, and counts records by listing a container no function lists while documents are classified.
_BENCH = (
    re.compile(r"^PUT documents/"),
    re.compile(r"^GET classifications\?"),
    re.compile(r"^GET pipeline\?.*prefix=batches(%2F|/)open"),
    re.compile(r"^[A-Z]+ training"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_host_argument(parser)
    parser.add_argument("--documents", type=int, default=500, help="how many (default %(default)s)")
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="labels.json and new/ (default: newsgroups)")


def run(arguments: argparse.Namespace) -> bool:
    # What waits for review is counted apart, so nothing that can be accepted goes there.
    with running_load(arguments.host, settings={"audit_percent": "0"}) as load:
        contents = texts(arguments.documents, arguments.dataset)
        gates, details = measure(load, contents, host_reads_too=arguments.host == "real")
    return report(NAME, gates, details, host=arguments.host)


def measure(
    load: Load, contents: Sequence[bytes], *, host_reads_too: bool = False
) -> tuple[list[Gate], dict[str, Any]]:
    """`host_reads_too`: Microsoft's host reads each new blob by itself, in requests that look like the app's.

    The app reads each text once, as this benchmark shows on the stand-in, which reads none; what is more is the host's.
    """
    stack, documents = load.stack, len(contents)
    start, closed = len(load.log_lines()), set(_closed(load))
    httpx.delete(f"{stack.emulator_url}/_emulator/requests").raise_for_status()
    load.classify(contents)
    counts = _of_documents(load.log_lines()[start:], documents, host_reads_too=host_reads_too)
    requests = httpx.get(f"{stack.emulator_url}/_emulator/requests").raise_for_status().json()["total"]
    fills = [fill for name, fill in _closed(load).items() if name not in closed]
    failures = sum(1 for _ in stack.container(stack.settings.failures_container).list())
    app, host = sum(counts["app"].values()), sum(counts["host"].values())
    decided = _with_acceptance(load, contents, host_reads_too=host_reads_too)
    gates = [
        Gate("records", documents - failures, documents),
        Gate("mean fill of batches", sum(fills) / len(fills), 24.0),
        Gate("storage transactions a document, app", app / documents, 4.6, at_most=True, today="5.6"),
        Gate("more of them for a project with acceptance", decided - app / documents, 0.1, at_most=True),
        Gate("Language requests a document", requests / documents, 0.085, at_most=True, today="0.120"),
    ]
    details: dict[str, Any] = {"storage transactions a document, host": host / documents}
    for caller in ("app", "host"):
        for kind, count in counts[caller].most_common():
            details[f"{caller}: {kind}, a document"] = count / documents
    return gates, details


def _of_documents(lines: Iterable[str], documents: int, *, host_reads_too: bool) -> dict[str, Counter[str]]:
    counts = count_transactions(lines)
    if host_reads_too:
        more = max(0, counts["app"][_READ] - documents)
        counts["app"][_READ] -= more
        counts["host"][_READ] += more
    return counts


def _with_acceptance(load: Load, contents: Sequence[bytes], *, host_reads_too: bool) -> float:
    """The app's storage transactions a document once every classification is decided, all with a class as accepted.
    What waits for review, those without one, is apart."""
    services, documents = load.stack.services, len(contents)
    model = services.active_model.find_record()
    assert model is not None
    answer = TrialDocument(
        location="a.txt", etag='"1"', labels=("a",), classes=(AnsweredClass(name="a", confidence=1),)
    )
    trial = Trial(
        project=model.model.project,
        kind=model.model.kind,
        label=model.model.label,
        api_version=model.api_version,
        ended=datetime.now(UTC),
        documents=(answer,) * GOLDEN,
    )
    services.promises.trials.put(trial)
    services.promises.set_rule(model.model.project, AcceptanceRule())
    time.sleep(services.settings.pipeline_model_cache_seconds + 1)
    start = len(load.log_lines())
    load.classify(contents)
    lines = [line for line in load.log_lines()[start:] if not _REVIEWS.search(line)]
    spent = sum(_of_documents(lines, documents, host_reads_too=host_reads_too)["app"].values())
    listed = load.stack.container(services.settings.classifications_container).list(metadata=True)
    assert sum("decision" in info.metadata for info in listed) >= documents
    return spent / documents


def _closed(load: Load) -> dict[str, int]:
    """Documents by closed batch."""
    state = load.stack.container(load.stack.settings.pipeline_container)
    return {info.name: int(info.metadata["documents"]) for info in state.list("batches/closed/", metadata=True)}


def count_transactions(log_lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Requests by caller ("app", "host", "bench") and kind, such as "PUT classifications"."""
    counts: dict[str, Counter[str]] = {"app": Counter(), "host": Counter(), "bench": Counter()}
    for request in requests_in(log_lines):
        counts[_caller(request)][_kind(request)] += 1
    return counts


def requests_in(log_lines: Iterable[str]) -> Iterator[str]:
    """Method and target of each request in Azurite's log."""
    for line in log_lines:
        found = _LINE.search(line)
        if found:
            yield f"{found['method']} {found['target']}"


def _caller(request: str) -> str:
    if any(pattern.search(request) for pattern in _HOST):
        return "host"
    return "bench" if any(pattern.search(request) for pattern in _BENCH) else "app"


def _kind(request: str) -> str:
    method, _, target = request.partition(" ")
    path, _, query = target.partition("?")
    name = path.split("/", 1)[0]
    if "/messages" in path or "messagettl" in query or "numofmessages" in query or "popreceipt" in query:
        name = f"queue {name}"
    verb = "LIST" if "comp=list" in query else "PEEK" if "peekonly" in query else method
    return f"{verb} {name}"
