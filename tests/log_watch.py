"""Watches all logs of the suite: no line may hold a key, a token, or the text of a document that a test uploaded.

In this process a handler sees every record (`LogWatch`, an autouse fixture of tests/conftest.py); what other processes
wrote is searched when a test's cloud ends (`shown_in`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path

# So many characters in a row in common with a document show it.
RUN = 20
# Of a long document as much is watched for, from its beginning and from its end.
WATCHED = 400

# Storage's well-known development key begins so; the others have the form of a secret.
SECRETS = re.compile(
    r"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1"
    r"|AccountKey=(?!\*)\S"
    r"|\bsig=(?!\*)\S"
    r"|(?i:bearer)\s+(?!\*)[A-Za-z0-9._~+/-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|(?i:ocp-apim-subscription-key)\W+(?!\*)\w{4,}"
    r"|\btest-key\b"
)


def runs_of(text: str, *, name: str = "") -> set[str]:
    """The runs of a document's text that may not be seen; its name, which is no secret, may be."""
    watched = text if len(text) <= 2 * WATCHED else f"{text[:WATCHED]}\0{text[-WATCHED:]}"
    pieces = re.split(re.escape(name.removesuffix(".txt")), watched) if name else [watched]
    parts = [part for piece in pieces for part in piece.split("\0")]
    return {part[start : start + RUN] for part in parts for start in range(len(part) - RUN + 1)}


def shows(line: str, runs: set[str]) -> bool:
    return any(line[start : start + RUN] in runs for start in range(len(line) - RUN + 1))


def shown_in(logs: Iterable[Path], runs: set[str], secrets: Iterable[str] = ()) -> list[str]:
    """Lines of these files that hold a text or a secret, each with its file's name."""
    known = [secret for secret in secrets if len(secret) >= 8]
    found = []
    for path in logs:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if SECRETS.search(line) or any(secret in line for secret in known) or shows(line, runs):
                found.append(f"{path.name}: {line[:300]}")
    return found


class LogWatch(logging.Handler):
    """Remembers the lines that hold what no line may hold, for one test at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def note(self, name: str, data: bytes) -> None:
        """A test uploaded that document."""
        self.runs |= runs_of(data.decode("utf-8", "ignore"), name=name)
        if len(name) >= RUN:
            self.names.add(name)

    def begin(self) -> None:
        self.runs: set[str] = set()
        self.names: set[str] = set()
        self.found: list[str] = []
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        try:
            lines = self.format(record).splitlines()
        except (TypeError, ValueError):
            return  # arguments that do not fit: logging itself reports them
        for line in lines:
            # A text may hold another document's name.
            nameless = line
            for name in self.names:
                nameless = nameless.replace(name, "")
            if SECRETS.search(line) or shows(nameless, self.runs):
                self.found.append(f"{record.name}: {line}")


WATCH = LogWatch()
