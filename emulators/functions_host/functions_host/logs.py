"""One line per event on stdout: `time level [function invocation] message`.

Categories follow the real host, so that `logging.logLevel` of host.json works: Host.<part> for this host,
Function.<name> for the start and end of invocations, Function.<name>.User for the app's own lines. An app's line that
belongs to no invocation is dropped, as the real host drops it. Message bodies, blob content and keys are never logged.
"""

from __future__ import annotations

import concurrent.futures
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from functions_host.worker.context import current_invocation

log = logging.getLogger("functions_host.logs")

HOST_LOGGER = "functions_host"
WORKER = "Worker"
"""The category of a line that belongs to no invocation."""

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
_HOST_FRAMES = tuple(str(Path(file).parent) for file in (__file__, concurrent.futures.__file__))
# The SDKs log every request at INFO, once per queue and poll.
_QUIET = ("azure", "urllib3", "uvicorn", "httpx", "httpcore")


class LevelFilter(logging.Filter):
    """The longest configured prefix of a record's category decides, as in .NET logging."""

    def __init__(self, levels: Mapping[str, str]) -> None:
        super().__init__()
        self._levels = {name: _LEVELS.get(level.lower(), logging.INFO) for name, level in levels.items()}

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self.level_of(category_of(record))

    def level_of(self, category: str) -> int:
        parts = category.lower().split(".")
        for length in range(len(parts), 0, -1):
            level = self._levels.get(".".join(parts[:length]))
            if level is not None:
                return level
        return self._levels.get("default", logging.INFO)


class LostLines(logging.Filter):
    """Drops what the app logs outside every invocation (azure-functions-host, GrpcWorkerChannel.cs: Log), and says so
    once for each logger."""

    def __init__(self) -> None:
        super().__init__()
        self._mentioned: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if category_of(record) != WORKER:
            return True
        if record.name not in self._mentioned:
            self._mentioned.add(record.name)
            log.warning(
                "Dropping what logger %r writes outside every invocation, as the real host does; "
                "--show-lost-lines shows it",
                record.name,
            )
        return False


class LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3] + "Z"
        message = record.getMessage()
        if record.name.startswith(HOST_LOGGER):
            # A blob's name or a request's path may hold a line break.
            message = message.replace("\r", "\\r").replace("\n", "\\n")
        line = f"{moment} {record.levelname:<7} [{_origin(record)}] {message}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        """The app's part of the traceback: the frames of this host and of the thread pool below it say nothing."""
        kind, error, trace = ei
        while trace is not None and trace.tb_next is not None and _is_host_frame(trace):
            trace = trace.tb_next
        return "".join(traceback.format_exception(kind, error, trace)).rstrip()


def _is_host_frame(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith(_HOST_FRAMES)


def category_of(record: logging.LogRecord) -> str:
    function_name = getattr(record, "function_name", None)
    if function_name is not None:
        return f"Function.{function_name}"
    if record.name.startswith(HOST_LOGGER):
        return "Host" + record.name[len(HOST_LOGGER) :]
    if record.name.startswith("uvicorn"):
        return "Host.web"
    invocation = current_invocation()
    return f"Function.{invocation.function_name}.User" if invocation else WORKER


def configure_logging(levels: Mapping[str, str], *, shows_lost_lines: bool = False) -> None:
    """`shows_lost_lines` keeps the app's lines that belong to no invocation."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    handler.addFilter(LevelFilter(levels))
    if not shows_lost_lines:
        handler.addFilter(LostLines())
    lowest = min((_LEVELS.get(level.lower(), logging.INFO) for level in levels.values()), default=logging.INFO)
    logging.basicConfig(level=min(lowest, logging.INFO), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _origin(record: logging.LogRecord) -> str:
    function_name = getattr(record, "function_name", None)
    invocation = current_invocation()
    if invocation is not None:
        return f"{invocation.function_name} {invocation.id[:8]}"
    return function_name or ("host" if record.name.startswith(HOST_LOGGER) else record.name)
