"""How the pipeline is, and what it has done by day."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.command import command
from cli.exit_codes import OK
from cli.session import Session


def add_to(app: typer.Typer) -> None:
    command(app, examples=("status", "status --json", "status --environment letters"))(status)
    command(app, examples=("metrics", "metrics --days 30"))(metrics)


def status(session: Session) -> int:
    """Say how the pipeline is.

    The model in use, what waits and why, what failed, and what has to be put right.
    """
    found = session.api.call("GET", "/api/status")
    session.answer(found, lambda: _show(session, found))
    return OK


def _show(session: Session, found: dict[str, Any]) -> None:
    for title, lines in (
        ("Model", _model(found.get("active_model"))),
        ("Acceptance", _acceptance(found)),
        ("Documents", _documents(found)),
        ("Waiting", _waiting(found)),
        ("Failures", _failures(found)),
        ("To be put right", [str(each) for each in found.get("problems") or ()]),
    ):
        for number, line in enumerate(lines):
            session.out.print(f"{title if number == 0 else '':<16}{line}", markup=False)


def _model(model: dict[str, Any] | None) -> list[str]:
    if model is None:
        return ["none is in use: documents wait for one (pigeonhole first-run, or pigeonhole train)"]
    lines = [f"{model['label']}, in use since {_minute(model['published'])} ({model['project']}, {model['kind']})"]
    if model.get("held_until"):
        lines.append(f"models are being switched until {_minute(model['held_until'])}")
    return [*lines, *([model["warning"]] if model.get("warning") else [])]


def _acceptance(found: dict[str, Any]) -> list[str]:
    acceptance = found.get("acceptance")
    if acceptance is None:
        return []
    if acceptance.get("threshold") is None:
        needed = acceptance.get("documents_needed")
        more = f": it takes about {needed} golden documents, and there are {acceptance['documents']}" if needed else ""
        return [f"a precision of {acceptance['precision']:g} cannot be promised yet, so everything is reviewed{more}"]
    lines = [
        f"from a confidence of {acceptance['threshold']:.2f} on, for a precision of {acceptance['precision']:g} "
        f"({acceptance['documents']} golden documents)"
    ]
    if acceptance.get("accepted") is not None:
        counted = f", counted {_minute(found['documents']['as_of'])}" if found.get("documents") else ""
        lines.append(f"{acceptance['accepted']} accepted, {acceptance['review']} for review{counted}")
    in_use = acceptance.get("precision_in_use")
    if in_use:
        lines.append(
            f"in use {in_use['right']} of {in_use['of']} audited were right "
            f"({in_use['low']:.2f} to {in_use['high']:.2f}, since {_minute(in_use['since'])})"
        )
    return lines


def _documents(found: dict[str, Any]) -> list[str]:
    totals = found.get("documents")
    if totals is None:
        return ["not counted yet: the first walk of reconcile has not ended"]
    return [
        f"{totals['documents']}: {totals['classified']} classified, {totals['failed']} failed, "
        f"{totals['missing']} without a record (counted {_minute(totals['as_of'])})"
    ]


def _waiting(found: dict[str, Any]) -> list[str]:
    lines = []
    queued = sum((found.get("queues") or {}).values())
    batches = found.get("batches") or {}
    opened = {name: each for name, each in batches.items() if isinstance(each, dict) and each["batches"]}
    for name, each in opened.items():
        lines.append(f"{each['documents']} documents in {each['batches']} batches: {name.replace('_', ' ')}")
    if queued:
        lines.append(f"about {queued} messages in the queues")
    if found.get("oldest_waiting"):
        lines.append(f"the oldest document since {_minute(found['oldest_waiting'])}")
    if found.get("waiting"):
        lines.append(f"why: {found['waiting']['why']}")
    for each in found.get("waits") or ():
        until = f", tried again {_minute(each['until'])}" if each.get("until") else ""
        lines.append(f"{each['what']}: {each['reason'].replace('_', ' ')}{until}")
    return lines or ["nothing"]


def _failures(found: dict[str, Any]) -> list[str]:
    recent = found.get("recent_failures") or ()
    lines = [
        f"{_minute(each['failed'])}  {each['code']:<16} {each['record'].removesuffix('.json')}" for each in recent[:5]
    ]
    if len(recent) > 5:
        lines.append("... more: pigeonhole failures")
    return lines or ["none"]


def _minute(moment: object) -> str:
    return str(moment)[:16].replace("T", " ")


def metrics(
    session: Session,
    days: Annotated[int, typer.Option("--days", min=1, max=30, help="So many days back.")] = 7,
) -> int:
    """Show what was classified by day.

    And how sure the models were, and whether the documents have changed since they were tried.
    """
    found = session.api.call("GET", f"/api/metrics?days={days}")
    session.answer(found, lambda: _show_metrics(session, found))
    return OK


def _show_metrics(session: Session, found: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not found["days"]:
        session.out.print("Nothing was classified in these days.")
    else:
        table = Table("day", "model", "documents", "accepted", "review", "right (estimated)", "most frequent classes")
        for each in found["days"]:
            classes = sorted(each["classes"].items(), key=lambda one: (-one[1], one[0]))[:3]
            accuracy = each.get("estimated_accuracy")
            table.add_row(
                str(each["day"]),
                escape(each["model"] or "unknown"),
                str(each["documents"]),
                *(str(each.get(name) if each.get(name) is not None else "") for name in ("accepted", "review")),
                "" if accuracy is None else f"{accuracy:.2f}",
                escape(", ".join(f"{name} {count}" for name, count in classes)),
            )
        session.out.print(table)
    for each in found.get("models") or ():
        drift = each.get("drift")
        if drift and drift.get("has_left"):
            session.out.print(
                f"[yellow]{escape(each['model'])}[/yellow]: the documents are no longer those it was tried on "
                f"(p {drift['p_value']:.4f}, {drift['documents']} documents, most of all {escape(str(drift['class']))})"
            )
    if not found.get("listed_all", True):
        session.out.print("There were more batches than are counted: the figures are of a part.")
