"""Storage transactions counted from Azurite's request log: those of the app, of the host and of the benchmark."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_LINE = re.compile(r'"(?P<method>[A-Z]+) /[^/ ]+/(?P<target>\S*) HTTP')
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
# The benchmark uploads, and counts records by listing a container no function lists while documents are classified.
_BENCH = (re.compile(r"^PUT documents/"), re.compile(r"^GET classifications\?"), re.compile(r"^[A-Z]+ training"))


def count_transactions(log_lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Requests by caller ("app", "host", "bench") and kind, such as "PUT classifications"."""
    counts: dict[str, Counter[str]] = {"app": Counter(), "host": Counter(), "bench": Counter()}
    for line in log_lines:
        found = _LINE.search(line)
        if found:
            request = f"{found['method']} {found['target']}"
            counts[_caller(request)][_kind(request)] += 1
    return counts


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
