"""Upload documents, show each record as it arrives, and print them as a table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.api import Api
from cli.storage import UserStorage
from shared.documents.ref import record_name

SHOWN_LIVE = 40
_FIRST_POLL_SECONDS, _LAST_POLL_SECONDS = 0.2, 3.0


@dataclass
class Classified:
    """The records of what was uploaded, by document, each with the seconds since the upload."""

    wanted: int
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    """Those that got no classification."""


def classify(
    console: Console,
    api: Api,
    storage: UserStorage,
    *,
    containers: tuple[str, str, str],
    files: Mapping[str, Path],
    seconds: float,
) -> Classified:
    """Upload `files` by name, wait for the record of each, and print them.

    `containers` are those of documents, classifications and failures. Who got no classification in time, or failed, is
    listed with the app's own reason.
    """
    documents, *of_records = containers
    began = time.monotonic()
    with console.status(f"Uploading {len(files)} documents to {documents}/ ..."):
        uploads = storage.upload(documents, files)
    kept = f", {uploads.kept} of them were there already" if uploads.kept else ""
    console.print(f"Uploaded {len(files)} documents to {documents}/{kept}")
    found = Classified(len(files))
    found.records = _watch(console, storage, of_records, uploads.etags, began, seconds)
    show_table(console, found)
    found.missing = [name for name in files if found.records.get(name, {}).get("status") != "classified"]
    for name in found.missing[:10]:
        status = api.call_patiently("GET", f"/api/documents?name={quote(name, safe='')}", seconds=30)
        console.print(f"[red]not classified[/red] {escape(name)}: {status['state']}, {escape(str(status['why']))}")
    return found


def _watch(
    console: Console,
    storage: UserStorage,
    containers: list[str],
    etags: Mapping[str, str],
    began: float,
    seconds: float,
) -> dict[str, dict[str, Any]]:
    """The record of each document's current version, as it appears."""
    wanted = {record_name(name): name for name in etags}
    prefix = _shared_folder(list(etags))
    found: dict[str, dict[str, Any]] = {}
    poll_seconds = _FIRST_POLL_SECONDS
    columns = (TextColumn("Classifying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=len(wanted))
        while len(found) < len(wanted):
            for container in containers:
                for listed in storage.list_names(container, prefix):
                    name = wanted.get(listed)
                    record = storage.read_json(container, listed) if name and name not in found else None
                    if name is None or record is None or record["document"]["etag"] != etags[name]:
                        continue
                    found[name] = record | {"seconds": time.monotonic() - began}
                    if len(found) <= SHOWN_LIVE:
                        progress.console.print(f"  {escape(name)}: {escape(_classes(record))}")
            progress.update(bar, completed=len(found))
            if time.monotonic() - began >= seconds:
                break
            time.sleep(poll_seconds)
            poll_seconds = min(poll_seconds * 1.05, _LAST_POLL_SECONDS)
    return found


def _shared_folder(names: list[str]) -> str:
    """The folder that all names begin with, or an empty text."""
    folders = {name.rpartition("/")[0].partition("/")[0] if "/" in name else "" for name in names}
    return f"{folders.pop()}/" if len(folders) == 1 and "" not in folders else ""


def _classes(record: dict[str, Any]) -> str:
    if record["status"] == "failed":
        return f"failed ({record['code']})"
    return ", ".join(f"{each['name']} {each['confidence']:.2f}" for each in record["classes"]) or "no class"


def show_table(console: Console, found: Classified) -> None:
    """The table for small sets, the summary for all."""
    table = Table("document", "classes", "confidence", "seconds", title="Classifications")
    for name, record in sorted(found.records.items())[:SHOWN_LIVE]:
        classes = record.get("classes", [])
        names = "\n".join(each["name"] for each in classes) or record.get("code", "no class")
        confidences = "\n".join(f"{each['confidence']:.2f}" for each in classes)
        table.add_row(escape(name), escape(names), confidences, f"{record['seconds']:.1f}")
    console.print(table)
    if len(found.records) > SHOWN_LIVE:
        console.print(f"... and {len(found.records) - SHOWN_LIVE} more")
    if found.records:
        times = sorted(record["seconds"] for record in found.records.values())
        console.print(
            f"{len(found.records)} of {found.wanted} documents; first record after {times[0]:.1f} s, "
            f"median {times[len(times) // 2]:.1f} s, last {times[-1]:.1f} s"
        )


def show_agreement(console: Console, expected: Mapping[str, list[str]], records: Mapping[str, dict[str, Any]]) -> None:
    """How many of the documents that people judged got their classes."""
    judged = [
        (set(expected[name]), {each["name"] for each in record.get("classes", [])})
        for name, record in records.items()
        if name in expected
    ]
    if judged:
        exact = sum(wanted == found for wanted, found in judged)
        shared = sum(bool(wanted & found) for wanted, found in judged)
        console.print(f"Against people's labels: {exact} of {len(judged)} exactly the same, {shared} share a class")
