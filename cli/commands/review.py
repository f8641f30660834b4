"""Review in the terminal: the least sure first, a number for each class, and the next document."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from cli.command import command
from cli.exit_codes import OK, USAGE
from cli.session import Session
from cli.steps import StepFailedError

SHOWN_CHARACTERS = 3_000
# More are not listed at once.
LISTED = 200
_HELP = "numbers: the classes that are right · enter: as the model says · s skip for good · u undo · q quit"

Id = Annotated[str, typer.Argument(metavar="ID", help="As pigeonhole review list shows it.")]
Class = Annotated[str | None, typer.Option("--class", metavar="NAME", help="Only what the model gave this class.")]
By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who decides; kept with the decision.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Review what the model is not sure of; a decision becomes a label.")
    command(group, examples=("review start", "review start --class complaint --by kim"))(start)
    command(group, "list", examples=("review list", "review list --limit 100 --json"))(show_queue)
    command(group, "show", examples=("review show ID",))(show_item)
    command(
        group,
        "decide",
        examples=("review decide ID complaint billing", "review decide ID --skip"),
    )(decide)
    command(group, "undo", examples=("review undo ID",))(undo)
    app.add_typer(group, name="review", no_args_is_help=True)


def _list(session: Session, *, limit: int, name: str | None) -> dict[str, Any]:
    asked = {"limit": limit, **({"class": name} if name else {})}
    found: dict[str, Any] = session.api.call("GET", f"/api/reviews?{urlencode(asked)}")
    return found


def _address(review: str) -> str:
    return f"/api/reviews/{quote(review, safe='')}"


def show_queue(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LISTED, help="Show so many at most.")] = 20,
    name: Class = None,
) -> int:
    """List what waits for review, the least sure first."""
    found = _list(session, limit=limit, name=name)
    session.answer(found, lambda: _show_queue(session, found))
    return OK


def _show_queue(session: Session, found: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Column, Table

    if not found["reviews"]:
        session.out.print("Nothing waits for review.")
        return
    # An id is taken whole, so it is never cut.
    width = max(len(each["id"]) for each in found["reviews"])
    table = Table(Column("id", min_width=width, no_wrap=True), "document", "confidence", "classes", "why")
    for each in found["reviews"]:
        why = "to check the accepted" if each["reason"] == "audit" else "not sure enough"
        confidence = "" if each["confidence"] is None else f"{each['confidence']:.2f}"
        table.add_row(escape(each["id"]), escape(each["name"]), confidence, escape(_classes(each)), why)
    session.out.print(table)
    if found.get("more"):
        session.out.print("... and more (--limit)")


def _classes(item: dict[str, Any]) -> str:
    return ", ".join(f"{each['name']} {each['confidence']:.2f}" for each in item["classes"]) or "no class"


def show_item(session: Session, review: Id) -> int:
    """Show one document that waits, with its text."""
    item = session.api.call("GET", _address(review))
    session.answer(item, lambda: _show_item(session, item))
    return OK


def decide(
    session: Session,
    review: Id,
    classes: Annotated[list[str] | None, typer.Argument(metavar="CLASS", help="The right classes.")] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Decide nothing; it leaves the queue.")] = False,
    none: Annotated[bool, typer.Option("--none", help="No class is right (multi-label projects).")] = False,
    by: By = None,
) -> int:
    """Decide what one document is.

    It becomes a label of the next training.
    """
    if bool(classes) + skip + none != 1:
        raise StepFailedError(
            "it is not said what to decide", do="name classes, or give --skip or --none", exit_code=USAGE
        )
    item = session.api.call("PUT", _address(review), _decision(list(classes or ()), skip=skip, by=by))
    session.answer(item, lambda: session.out.print(f"{item['name']}: {_decided(item)}", markup=False))
    return OK


def undo(session: Session, review: Id) -> int:
    """Take a decision back; the document waits again."""
    item = session.api.call("DELETE", _address(review))
    session.answer(item, lambda: session.out.print("It waits for review again."))
    return OK


def _decision(classes: list[str], *, skip: bool, by: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"skip": True} if skip else {"classes": classes}
    return body | ({"by": by} if by else {})


def _decided(item: dict[str, Any]) -> str:
    review = item.get("review")
    return "skipped" if not review else ", ".join(review["classes"]) or "no class"


def start(session: Session, name: Class = None, by: By = None) -> int:
    """Review one document after the other.

    Number keys for classes, enter for the model's own, s to skip, u to undo, q to end.
    """
    decided: list[str] = []
    skipped: set[str] = set()
    count = 0
    while (item := _next(session, name, {*decided, *skipped})) is not None:
        _show_item(session, item)
        answer = _ask(session, item)
        if answer == "q":
            break
        if answer == "u":
            count -= _undo_last(session, decided)
            continue
        if answer == "s":
            skipped.add(item["id"])
        if _put(session, item, answer, by):
            decided.append(item["id"])
            count += 1
    session.answer({"decided": count}, lambda: session.out.print(f"{count} decided. pigeonhole train takes them in."))
    return OK


def _next(session: Session, name: str | None, known: set[str]) -> dict[str, Any] | None:
    """The first of the queue that this session has not seen: a listing may still show what was decided just now."""
    from cli.api import ApiError

    listed = _list(session, limit=min(len(known) + 20, LISTED), name=name)["reviews"]
    for each in listed:
        if each["id"] in known:
            continue
        try:
            item: dict[str, Any] = session.api.call("GET", _address(each["id"]))
        except ApiError as error:
            if error.status not in (404, 409):
                raise
            if error.status == 409:  # it was overwritten or deleted, and waits no longer
                session.err.print(f"Passed over: {error}", markup=False)
            continue
        if item.get("state") != "decided":
            return item
    return None


def _show_item(session: Session, item: dict[str, Any]) -> None:
    from rich.markup import escape

    console = session.out
    console.rule(escape(f"{item['name']}   {_classes(item)}"))
    text = str(item.get("text") or "")
    console.print(_plain(text[:SHOWN_CHARACTERS]), markup=False)
    if item.get("truncated") or len(text) > SHOWN_CHARACTERS:
        console.print("... (the beginning)", style="dim")
    for number, choice in enumerate(item["choices"], start=1):
        is_the_models = any(each["name"] == choice for each in item["classes"])
        console.print(f"  {number:>2} {'*' if is_the_models else ' '} {choice}", markup=False)


def _plain(text: str) -> str:
    """Without control characters: a document must not move the cursor or change a terminal's title."""
    return "".join(each if each in "\n\t" or (each.isprintable()) else "\ufffd" for each in text.replace("\r\n", "\n"))


def _ask(session: Session, item: dict[str, Any]) -> list[str] | str:
    """The classes, or one of s, u, q."""
    choices, is_single = item["choices"], item["kind"].startswith("single")
    while True:
        try:
            said = session.err.input(f"{_HELP}\n> ").strip().lower()
        except EOFError:
            return "q"
        if said in ("s", "u", "q"):
            return said
        if not said:
            return [each["name"] for each in item["classes"]]
        numbers = said.replace(",", " ").split()
        if all(each.isdigit() and 1 <= int(each) <= len(choices) for each in numbers):
            chosen = [choices[int(each) - 1] for each in dict.fromkeys(numbers)]
            if not is_single or len(chosen) == 1:
                return chosen
            session.err.print("This project takes one class for each document.")
        else:
            session.err.print(f"That is neither a number up to {len(choices)} nor one of s, u, q.")


def _put(session: Session, item: dict[str, Any], answer: list[str] | str, by: str | None) -> bool:
    """Whether it was decided; another's decision, or a new version of the document, is said and passed over."""
    from cli.api import ApiError

    body = _decision(answer if isinstance(answer, list) else [], skip=answer == "s", by=by)
    try:
        session.api.call("PUT", _address(item["id"]), body)
    except ApiError as error:
        if error.status != 409:
            raise
        session.err.print(f"Not decided: {error}", markup=False)
        return False
    return answer != "s"


def _undo_last(session: Session, decided: list[str]) -> int:
    if not decided:
        session.err.print("There is nothing to undo.")
        return 0
    session.api.call("DELETE", _address(decided.pop()))
    return 1
