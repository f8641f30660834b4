"""What failed, and how it is sent again."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from cli.command import Yes, command
from cli.exit_codes import INCOMPLETE, OK, USAGE
from cli.session import Session
from cli.steps import StepFailedError

Reason = Annotated[
    str | None, typer.Option("--reason", metavar="CODE", help="Only those that failed with this code, as poisoned.")
]
Prefix = Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Only documents whose name begins with it.")]


def add_to(app: typer.Typer) -> None:
    command(app, examples=("failures", "failures --reason poisoned", "failures --prefix inbox/ --json"))(failures)
    command(
        app,
        "send-again",
        examples=(
            "send-again inbox/letter.txt",
            "send-again --reason poisoned --dry-run",
            "send-again --all --yes",
        ),
    )(send_again)


def failures(
    session: Session,
    reason: Reason = None,
    prefix: Prefix = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Show so many at most.")] = 50,
) -> int:
    """List what failed, and why."""
    asked = {"limit": limit, **({"reason": reason} if reason else {}), **({"prefix": prefix} if prefix else {})}
    found = session.api.call("GET", f"/api/failures?{urlencode(asked)}")
    session.answer(found, lambda: _show(session, found))
    return OK


def _show(session: Session, found: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    by_reason = found.get("by_reason") or {}
    if not by_reason and not found["failures"]:
        session.out.print("Nothing has failed.")
        return
    at_least = "" if found.get("listed_all", True) else "at least "
    for code, count in sorted(by_reason.items(), key=lambda each: -each[1]):
        session.out.print(f"{at_least}{count:>6}  {escape(code)}")
    table = Table("document", "code", "failed")
    for each in found["failures"]:
        # The record's name where the document's was too long for it.
        name = str(each["name"] or each["record"])
        table.add_row(escape(name), escape(str(each["code"] or "unknown")), str(each["failed"])[:19])
    session.out.print(table)
    session.out.print("Why, of one: pigeonhole document NAME")
    session.out.print("Once the cause is put right: pigeonhole send-again NAME, or --reason CODE")


def send_again(
    session: Session,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Documents, as they are in the container.")
    ] = None,
    reason: Reason = None,
    prefix: Prefix = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that failed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Yes = False,
) -> int:
    """Send documents again.

    Some by name, whatever record they have, or what failed by a filter.

    By a filter it says first how many there are, and asks. It waits until all of them are sent, not until they are
    classified (pigeonhole watch does).
    """
    by_filter = bool(reason or prefix or everything)
    if bool(names) == by_filter:
        what = "names and a filter exclude each other" if names else "it is not said what to send again"
        raise StepFailedError(what, do="name documents, or give --reason, --prefix or --all", exit_code=USAGE)
    if names:
        return _send_named(session, names, dry_run=dry_run)
    return _send_failed(session, {"reason": reason, "prefix": prefix}, dry_run=dry_run, yes=yes)


def _send_named(session: Session, names: list[str], *, dry_run: bool) -> int:
    if dry_run:
        session.answer({"dry_run": True, "documents": len(names)}, lambda: session.out.print(f"{len(names)} documents"))
        return OK
    from cli.api import ApiError

    sent: list[dict[str, Any]] = []
    refused: list[tuple[str, ApiError]] = []
    for name in names:
        try:
            sent.append(session.api.call("POST", f"/api/documents/classify?name={quote(name, safe='')}"))
        except ApiError as error:
            if len(names) == 1 or error.may_pass:
                raise
            refused.append((name, error))
            session.err.print(f"not sent: {name}: {error}", markup=False)
    answer = {"sent": sent, "refused": [{"name": name, "problem": str(error)} for name, error in refused]}
    session.answer(answer, lambda: session.out.print(f"Sent again: {len(sent)} of {len(names)} documents"))
    return INCOMPLETE if refused else OK


def _send_failed(session: Session, chosen: dict[str, Any], *, dry_run: bool, yes: bool) -> int:
    from cli.progress import bar

    asked = {name: value for name, value in chosen.items() if value}
    counted = session.api.call("POST", "/api/failures/redrive", asked | {"dry_run": True})
    count = counted["documents"]
    if dry_run or not count:
        session.answer(counted, lambda: session.out.print(f"{count} documents would be sent again"))
        return OK
    session.confirm(f"Send {count} documents again? Each is classified, and paid for, once more.", yes=yes)
    started = session.api.call("POST", "/api/failures/redrive", asked | {"confirm": True})
    with bar(session.err, "Sending", count) as show:
        record = session.api.follow(
            started["operation"], on_change=lambda each: show(each.get("seen") or 0), seconds=6 * 3600
        )
    session.answer(
        record,
        lambda: session.out.print(
            f"Sent again: {record.get('sent', 0)} documents, {record.get('skipped', 0)} left out ({record['state']})"
        ),
    )
    if record["state"] != "succeeded":
        raise StepFailedError(
            f"it ended as {record['state']}: {record.get('reason')}",
            do=f"GET {started['operation']} has its history; running it again sends what is left",
        )
    return OK
