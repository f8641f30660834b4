"""Progress on stderr, and waiting until documents have their records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.api import Api, ApiError
from cli.records import Counted, count_records
from cli.storage import UserStorage
from cli.target import Target

_FIRST_POLL_SECONDS, _LAST_POLL_SECONDS = 0.3, 10.0
SAID_EVERY_SECONDS = 30.0


@contextmanager
def bar(console: Console, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar; what it yields sets how many are done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)


def watch(
    console: Console,
    api: Api,
    storage: UserStorage,
    target: Target,
    *,
    prefix: str = "",
    wanted: Mapping[str, str] | None = None,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Counted:
    """Wait until each document has the record of its current version, or `seconds` are over; says what for."""
    deadline, poll_seconds, said, said_at = time.monotonic() + seconds, _FIRST_POLL_SECONDS, "", 0.0
    counted = count_records(storage, target, prefix=prefix, wanted=wanted)
    with bar(console, "Classifying", counted.documents) as show:
        while True:
            show(counted.classified + counted.failed)
            if not counted.waiting or time.monotonic() >= deadline:
                return counted
            if time.monotonic() - said_at >= SAID_EVERY_SECONDS:
                reason, said_at = _what_is_waited_for(api) or _why_first(api, counted), time.monotonic()
                if reason and reason != said:
                    console.print(f"  waiting: {reason}", markup=False)
                said = reason
            sleep(poll_seconds)
            poll_seconds = min(poll_seconds * 1.2, _LAST_POLL_SECONDS)
            counted = count_records(storage, target, prefix=prefix, wanted=wanted)


def _why_first(api: Api, counted: Counted) -> str:
    """Where the app waits for nothing: why the first of the documents has no record yet."""
    if not counted.first_waiting:
        return ""
    name = counted.first_waiting[0]
    try:
        found = api.call("GET", f"/api/documents?name={quote(name, safe='')}")
    except ApiError as error:
        return str(error)
    return f"{name}: {found['why']}"


def _what_is_waited_for(api: Api) -> str:
    """In the status's own words; nothing where all goes its way. A status that fails stops no watching."""
    try:
        status: dict[str, Any] = api.call("GET", "/api/status")
    except ApiError as error:
        return str(error)
    if status.get("waiting"):
        return str(status["waiting"]["why"])
    waits = [f"{each['what']}: {each['reason']}" for each in status.get("waits") or ()]
    return "; ".join([*waits, *(status.get("problems") or ())])
