"""Documents: upload, watch, results, and what became of one."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.command import command
from cli.exit_codes import INCOMPLETE, NOT_FOUND, OK, USAGE
from cli.session import Session
from cli.steps import StepFailedError
from cli.tables import Format, write_rows

if TYPE_CHECKING:
    from cli.records import Counted

WATCH_SECONDS = 3600.0

Prefix = Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Only documents whose name begins with it.")]
Seconds = Annotated[float, typer.Option("--seconds", metavar="S", help="Give up after so long.")]


class Decided(StrEnum):
    """What became of a classification."""

    ACCEPTED = "accepted"
    REVIEW = "review"


def add_to(app: typer.Typer) -> None:
    command(
        app,
        examples=("upload letters/ --prefix inbox/", "upload letter.txt --watch", "upload letters/ --json"),
    )(upload)
    command(app, examples=("watch", "watch --prefix inbox/ --seconds 600"))(watch)
    command(
        app,
        examples=(
            "results --format csv > results.csv",
            "results --decision review --output review.jsonl",
            "results --prefix inbox/ --output results.parquet",
        ),
    )(results)
    command(app, examples=("document inbox/letter.txt", "document inbox/letter.txt --json"))(document)


def upload(
    session: Session,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, or folders with all below them.")],
    prefix: Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Put in front of each name, as inbox/.")] = "",
    watching: Annotated[bool, typer.Option("--watch", help="Wait until each has its record.")] = False,
    seconds: Seconds = WATCH_SECONDS,
) -> int:
    """Upload documents.

    What is there with the same content is left as it is, and not classified again. A file gets its own name, and those
    of a folder get their path in it. What does not end in .txt is skipped.
    """
    from cli.progress import bar
    from cli.progress import watch as wait_for_records

    files, skipped = find_documents(paths, prefix)
    for name in skipped[:10]:
        session.err.print(f"skipped: {name} (only .txt are classified)", markup=False)
    if len(skipped) > 10:
        session.err.print(f"skipped: {len(skipped) - 10} more that are not .txt")
    if not files:
        raise StepFailedError("there is no .txt to upload", do="name files or folders that hold some", exit_code=USAGE)
    done = 0
    with bar(session.err, "Uploading", len(files)) as show:

        def count() -> None:
            nonlocal done
            done += 1
            show(done)

        uploads = session.storage.upload(session.containers.documents, files, on_each=count)
    answer = {"uploaded": len(files) - uploads.kept, "unchanged": uploads.kept, "skipped": skipped}
    kept = f"; {uploads.kept} were there already with the same content" if uploads.kept else ""
    if not watching:
        session.answer(
            answer,
            lambda: session.out.print(
                f"Uploaded {answer['uploaded']} of {len(files)} documents to {session.containers.documents}/{kept}"
            ),
        )
        return OK
    counted = wait_for_records(
        session.err,
        session.api,
        session.storage,
        session.containers,
        prefix=_shared_start(list(files)),
        wanted=uploads.etags,
        seconds=seconds,
    )
    return _answer_counted(session, counted, answer)


def find_documents(paths: list[Path], prefix: str) -> tuple[dict[str, Path | bytes], list[str]]:
    """The .txt by the name each gets, and what is skipped. Raises StepFailedError for a path that is not there."""
    from shared.documents.ref import is_document_name

    found: dict[str, Path | bytes] = {}
    skipped: list[str] = []
    for path in paths:
        if not path.exists():
            raise StepFailedError(f"there is no {path}", do="check the path", exit_code=USAGE)
        inside = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
        base = path.parent if path.is_file() else path
        for each in inside:
            name = prefix + each.relative_to(base).as_posix()
            if not is_document_name(name):
                skipped.append(str(each))
            elif found.setdefault(name, each) != each:
                raise StepFailedError(
                    f"{found[name]!s} and {each} would both be {name}",
                    do="upload one of them under another --prefix",
                    exit_code=USAGE,
                )
    return found, skipped


def _shared_start(names: list[str]) -> str:
    """What all names begin with, up to a slash."""
    first, last = min(names), max(names)
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[: first.rfind("/", 0, length) + 1]


def watch(session: Session, prefix: Prefix = "", seconds: Seconds = WATCH_SECONDS) -> int:
    """Wait until every document has its record.

    Of its current version; it says why where something waits.
    """
    from cli.progress import watch as wait_for_records

    counted = wait_for_records(
        session.err, session.api, session.storage, session.containers, prefix=prefix, seconds=seconds
    )
    return _answer_counted(session, counted, {})


def _answer_counted(session: Session, counted: Counted, more: dict[str, object]) -> int:
    data = more | {
        "documents": counted.documents,
        "classified": counted.classified,
        "failed": counted.failed,
        "waiting": counted.waiting,
    }
    words = f"{counted.classified} of {counted.documents} classified"
    words += f", {counted.failed} failed (see: pigeonhole failures)" if counted.failed else ""
    if counted.waiting:
        named = ", ".join(counted.first_waiting)
        words += f", {counted.waiting} waiting: {named} (why: pigeonhole document NAME)"
    session.answer(data, lambda: session.out.print(words))
    return INCOMPLETE if counted.failed or counted.waiting else OK


def results(
    session: Session,
    form: Annotated[
        Format | None,
        typer.Option("--format", metavar="csv|jsonl|parquet", help="The form (the file's ending, else csv)."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="A file (stdout).")] = None,
    prefix: Prefix = "",
    decision: Annotated[
        Decided | None,
        typer.Option("--decision", metavar="accepted|review", help="Only classifications with this decision."),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="With the documents' texts.")] = False,
) -> int:
    """Print the records of all documents.

    Classifications first, then failures, any number of them: each goes out as it comes.

    A CSV has several classes in one cell, with | between them. --json is --format jsonl.
    """
    from cli.records import read_rows

    chosen = form or _format(session, output)
    if output is None and chosen is Format.PARQUET and sys.stdout.isatty():
        raise StepFailedError("Parquet is no text", do="write it to a file: --output FILE", exit_code=USAGE)
    unreadable: list[str] = []
    rows = read_rows(
        session.storage,
        session.containers,
        prefix=prefix,
        decision=decision,
        with_text=text,
        on_unreadable=unreadable.append,
    )
    if output is None:
        count = write_rows(rows, chosen, sys.stdout.buffer, with_text=text)
        sys.stdout.buffer.flush()
    else:
        # A file of that name is replaced by a whole one, or not at all.
        part = output.with_name(f"{output.name}.part")
        with part.open("wb") as file:
            count = write_rows(rows, chosen, file, with_text=text)
        part.replace(output)
    for name in unreadable[:10]:
        session.err.print(f"left out: {name} cannot be read as a record", markup=False)
    session.err.print(f"{count} records" + (f" in {output}" if output else ""), markup=False)
    return INCOMPLETE if unreadable else OK


def _format(session: Session, output: Path | None) -> Format:
    ending = output.suffix.removeprefix(".").lower() if output else ""
    if ending in list(Format):
        return Format(ending)
    return Format.JSONL if session.is_json else Format.CSV


def document(
    session: Session, name: Annotated[str, typer.Argument(metavar="NAME", help="As it is in the container.")]
) -> int:
    """Say where one document is, and why."""
    from urllib.parse import quote

    from rich.markup import escape

    # As a query: not every proxy leaves an encoded slash in a path as it is.
    found = session.api.call("GET", f"/api/documents?name={quote(name, safe='')}")

    def show() -> None:
        session.out.print(f"[bold]{escape(found['name'])}[/bold]: {found['state']}, {escape(str(found['why']))}")
        record = found.get("classification")
        for each in (record or {}).get("classes", ()):
            session.out.print(f"  {each['confidence']:.2f}  {escape(each['name'])}")
        if record and not record.get("classes"):
            session.out.print("  no class")
        for each in (record or {}).get("warnings", ()):
            session.out.print(f"  note: {escape(each['message'])}")
        if record:
            session.out.print(f"  by model {escape(record['model']['label'])}{_decided(record)}")
        if found.get("failure"):
            failure = found["failure"]
            session.out.print(f"  failed with {failure['code']}: {escape(failure['message'])}")
            session.out.print(f"  once that is put right: pigeonhole send-again {escape(name)}")
        if found.get("batch"):
            session.out.print(f"  in batch {found['batch']['id']} ({found['batch']['state']})")

    session.answer(found, show)
    return NOT_FOUND if found["state"] == "deleted" else OK


def _decided(record: dict[str, Any]) -> str:
    review, decision = record.get("review"), record.get("decision")
    if review:
        return f"; {review['by']} decided: {', '.join(review['classes']) or 'no class'}"
    return f"; {decision['decision']}" if decision else ""
