"""Labels: from the forms of other tools, checked for mistakes, and shown."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.command import Project, Yes, command
from cli.exit_codes import INCOMPLETE, NOT_FOUND, OK, REFUSED, USAGE
from cli.forms.names import Form
from cli.session import Session
from cli.steps import StepFailedError

if TYPE_CHECKING:
    from cli.forms.collect import Collected
    from shared.models.labels_file import LabelsFile

SHOWN_REFUSED = 50
# What the app takes for golden where the labels do not say (GOLDEN_PERCENT).
GOLDEN_PERCENT = 20


class Kind(StrEnum):
    """What a document may have: exactly one class, or several."""

    SINGLE = "single"
    MULTI = "multi"


KindOption = Annotated[
    Kind | None,
    typer.Option("--kind", metavar="single|multi", help="One class for each document or several (as the file has)."),
]
TextOption = Annotated[str | None, typer.Option("--text", metavar="NAME", help="The column or member with the text.")]
LabelOption = Annotated[
    str | None, typer.Option("--label", metavar="NAME", help="The column, member or control with the classes.")
]
DelimiterOption = Annotated[str, typer.Option("--delimiter", metavar="TEXT", help="Between several classes in a cell.")]
ClassesOption = Annotated[
    str | None,
    typer.Option("--classes", metavar="A,B,...", help="Names of classes that the file has as numbers, from 0."),
]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Labelled documents: read them from other tools' forms, check them, show them.")
    command(
        group,
        "from",
        examples=(
            "labels from folders letters/ --dry-run",
            "labels from csv letters.csv --text body --label topic",
            "labels from label-studio export.json",
            "labels from jsonl train.jsonl --classes billing,shipping",
            "labels from vertex import.jsonl --output letters/labels.json",
        ),
    )(read_from)
    command(
        group,
        "check",
        examples=("labels check", "labels check csv letters.csv", "labels check --limit 200 --json"),
    )(check)
    command(group, "show", examples=("labels show", "labels show billing", "labels show --output labels.json"))(show)
    app.add_typer(group, name="labels", no_args_is_help=True)


def read_from(
    session: Session,
    form: Annotated[Form, typer.Argument(metavar="FORM", help="One of: " + ", ".join(Form) + ".", show_choices=False)],
    path: Annotated[Path, typer.Argument(metavar="PATH", exists=True, help="The file or folder.")],
    kind: KindOption = None,
    text: TextOption = None,
    label: LabelOption = None,
    delimiter: DelimiterOption = "|",
    class_names: ClassesOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the labels, and the texts beside, here only."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read and report.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Keep the labels of other documents.")] = False,
    project: Project = None,
    yes: Yes = False,
) -> int:
    """Make labels of another tool's file.

    Each text goes into the training container under a name that follows from its content, so that reading it again
    changes nothing. What is left out is counted; what is refused is named by its line, with exit code 6.

    \b
    FORM is one of
      folders       PATH/CLASS/*.txt, or PATH/train/CLASS/*.txt and test/
      csv           with a header: text or file, label; several labels with | between them
      jsonl         as Hugging Face datasets: {"text": ..., "label": ...} on each line
      label-studio  JSON or JSON-MIN export, choices only
      doccano       JSONL export of a text classification project
      comprehend    CSV without a header, or a Ground Truth manifest
      vertex        Vertex AI's JSONL or CSV, AutoML Natural Language's CSV
      service       a labels file of the Language service, beside its documents
    """
    collected = _read(form, path, kind, text=text, label=label, delimiter=delimiter, class_names=class_names)
    report = _report(collected)
    if not session.is_json:
        _show_report(session, collected, report)
    if not collected.documents:
        raise StepFailedError(
            f"no labelled document could be read from {path}", do="see: pigeonhole labels from --help", exit_code=USAGE
        )
    stored: dict[str, Any] = {}
    if output is not None:
        _write(collected, output)
        session.err.print(f"Wrote {output} and {len(collected.documents)} texts beside it", markup=False)
    elif not dry_run:
        stored = _store(session, collected, project, add=add, yes=yes)
    session.answer(report | ({"stored": stored} if stored else {}), lambda: None)
    return INCOMPLETE if collected.refused else OK


def _read(
    form: Form,
    path: Path,
    kind: Kind | None,
    *,
    text: str | None,
    label: str | None,
    delimiter: str,
    class_names: str | None,
) -> Collected:
    from cli.forms.collect import read_form
    from cli.forms.rows import Columns
    from shared.language.values import ProjectKind

    names = tuple(name.strip() for name in (class_names or "").split(",") if name.strip())
    columns = Columns(text, label, delimiter or "|", names)
    kinds = {Kind.SINGLE: ProjectKind.SINGLE, Kind.MULTI: ProjectKind.MULTI}
    return read_form(form, path, columns, kind=kinds[kind] if kind else None)


def _report(collected: Collected) -> dict[str, Any]:
    labels = collected.labels()
    return {
        "form": collected.form.value,
        "kind": collected.kind.value,
        "read": collected.rows,
        "documents": len(labels.documents),
        "classes": labels.counts,
        "dropped": dict(collected.dropped),
        "refused": [{"place": each.place, "what": each.what} for each in collected.refused],
    }


def _show_report(session: Session, collected: Collected, report: dict[str, Any]) -> None:
    out = session.out
    out.print(f"Read {report['read']} rows: {report['documents']} documents, {report['kind'].replace('_', '-')}")
    for name, count in report["classes"].items():
        out.print(f"  {count:>6}  {name}", markup=False)
    for reason, count in report["dropped"].items():
        out.print(f"Left out {count}: {reason}", markup=False)
    for each in collected.refused[:SHOWN_REFUSED]:
        out.print(f"Refused {each.place}: {each.what}", markup=False)
    if len(collected.refused) > SHOWN_REFUSED:
        out.print(f"Refused {len(collected.refused) - SHOWN_REFUSED} more (--json names all)")


def _write(collected: Collected, output: Path) -> None:
    """A dataset as first-run and the form `service` read it: the labels file, and the texts in training/ beside it."""
    from shared.models.labels_file import to_july_form

    output.parent.mkdir(parents=True, exist_ok=True)
    for name in collected.documents:
        place = output.parent / "training" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(collected.text_of(name))
    output.write_bytes(to_july_form(collected.labels()))


def _store(session: Session, collected: Collected, name: str | None, *, add: bool, yes: bool) -> dict[str, Any]:
    import json

    from cli.progress import bar
    from cli.stored_labels import read_labels
    from cli.teach import PATIENCE_SECONDS
    from shared.models.labels_file import to_july_form

    project = _project(session, session.project(name), collected)
    labels, there = collected.labels(), read_labels(session.storage, session.containers, project)
    others = [each for each in there.documents if each.location not in collected.documents]
    if add:
        labels = _together(labels, others)
    elif others:
        question = (
            f"The project {project['name']} has labels of {len(others)} other documents: replace them all by these "
            f"{len(labels.documents)}? (--add keeps them)"
        )
        session.confirm(question, yes=yes)
    done = 0
    with bar(session.err, "Uploading", len(collected.sources)) as show_done:

        def count() -> None:
            nonlocal done
            done += 1
            show_done(done)

        session.storage.upload(project["container"], collected.sources, on_each=count)
    address = f"/api/projects/{project['name']}/labels"
    stored: dict[str, Any] = session.api.call_patiently(
        "PUT", address, json.loads(to_july_form(labels)), seconds=PATIENCE_SECONDS
    )
    for warning in stored["warnings"]:
        session.err.print(f"warning: {warning['place']}: {warning['what']}", markup=False)
    session.err.print(f"Stored: {stored['documents']} documents. Next: pigeonhole labels check, pigeonhole train")
    return stored


def _project(session: Session, name: str, collected: Collected) -> dict[str, Any]:
    """The project, made if it is not there."""
    from cli.api import ApiError
    from cli.teach import make_project
    from shared.language.values import ProjectKind

    try:
        project: dict[str, Any] = session.api.call("GET", f"/api/projects/{name}")
    except ApiError as error:
        if error.status != 404 or not error.body:
            raise
        project = make_project(
            session.api,
            session.storage,
            container=session.target.training,
            project=name,
            kind=collected.kind,
            description=f"labels from {collected.form}",
        )
    if project["kind"] == ProjectKind.SINGLE.value and collected.kind is ProjectKind.MULTI:
        raise StepFailedError(
            f"the project {name} takes one class for each document, and these have several",
            do="read them with --kind single, which names the rows that do not fit, or take another --project",
            exit_code=REFUSED,
        )
    return project


def _together(labels: LabelsFile, others: list[Any]) -> LabelsFile:
    from shared.models.labels_file import LabelsFile

    documents = {each.location: each for each in (*others, *labels.documents)}
    return LabelsFile(sorted({name for each in documents.values() for name in each.classes}), documents)


def show(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="CLASS", help="List the documents with this class.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the labels file here.")
    ] = None,
    project: Project = None,
) -> int:
    """Show the labels: documents by class."""
    from cli.stored_labels import count_reviewed, read_labels
    from shared.models.golden import split
    from shared.models.labels_file import to_july_form

    found = session.api.call("GET", f"/api/projects/{session.project(project)}")
    labels = read_labels(session.storage, session.containers, found)
    if not labels.documents:
        raise StepFailedError(
            f"the project {found['name']} has no labels", do="pigeonhole labels from FORM PATH", exit_code=NOT_FOUND
        )
    if output is not None:
        output.write_bytes(to_july_form(labels))
    sides = split(labels.documents, percent=GOLDEN_PERCENT)
    reviewed = count_reviewed(session.storage, session.containers, found)
    shown = [each for each in labels.documents if name is None or name in each.classes]
    if not shown:
        raise StepFailedError(f"no document has the class {name}", do="pigeonhole labels show", exit_code=NOT_FOUND)
    data = {
        "project": found["name"],
        "kind": found["kind"],
        "documents": len(labels.documents),
        "unlabelled": len(labels.unlabelled),
        "golden": len(sides.golden),
        "reviewed": reviewed,
        "classes": labels.counts,
        **({"locations": [each.location for each in shown]} if name else {}),
    }

    def print_them() -> None:
        if name:
            for document in shown:
                session.out.print(f"{document.location}  {', '.join(document.classes)}", markup=False)
            return
        session.out.print(f"{len(labels.documents)} documents, {len(sides.golden)} of them golden", markup=False)
        if reviewed:
            session.out.print(f"and {reviewed} decided in reviews, which each training adds", markup=False)
        for each, count in sorted(labels.counts.items(), key=lambda one: (-one[1], one[0])):
            session.out.print(f"  {count:>6}  {each}", markup=False)

    session.answer(data, print_them)
    return OK


def check(
    session: Session,
    form: Annotated[
        Form | None,
        typer.Argument(metavar="FORM", help="Check a file instead of the project's labels.", show_choices=False),
    ] = None,
    path: Annotated[Path | None, typer.Argument(metavar="PATH", exists=True, help="That file or folder.")] = None,
    kind: KindOption = None,
    text: TextOption = None,
    label: LabelOption = None,
    delimiter: DelimiterOption = "|",
    class_names: ClassesOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Name so many likely mistakes at most.")] = 20,
    golden_percent: Annotated[
        int, typer.Option("--golden-percent", min=0, max=50, help="As the app's setting GOLDEN_PERCENT.")
    ] = GOLDEN_PERCENT,
    near: Annotated[float, typer.Option("--near", min=0.5, max=1, help="How alike near-duplicates are.")] = 0.9,
    project: Project = None,
) -> int:
    """Find what is likely wrong with labels.

    Small classes, near-duplicates, leaks, and likely mistakes.

    A leak is a text that models are trained on and judged by. Likely mistakes come from models of the other documents;
    where cleanlab is installed, its own order of the same figures is printed beside. Nothing is changed.
    """
    from cli.label_report import check_labels

    if form is not None and path is not None:
        collected = _read(form, path, kind, text=text, label=label, delimiter=delimiter, class_names=class_names)
        documents = list(collected.documents.values())
        texts = [collected.text_of(each.location).decode("utf-8-sig", errors="replace") for each in documents]
        is_single = collected.kind.value == "single_label"
    elif form is None:
        documents, texts, is_single = _stored(session, project)
    else:
        raise StepFailedError("a form needs the path of its file", do="labels check FORM PATH", exit_code=USAGE)
    with session.err.status(f"Checking {len(documents)} documents ..."):
        report = check_labels(
            documents, texts, is_single=is_single, golden_percent=golden_percent, near=near, limit=limit
        )
    session.answer(report.as_json(), lambda: report.show(session.out))
    return OK


def _stored(session: Session, name: str | None) -> tuple[list[Any], list[str], bool]:
    from cli.stored_labels import read_labels, read_texts

    project = session.api.call("GET", f"/api/projects/{session.project(name)}")
    labels = read_labels(session.storage, session.containers, project)
    if not labels.documents:
        raise StepFailedError(
            f"the project {project['name']} has no labels", do="pigeonhole labels from FORM PATH", exit_code=NOT_FOUND
        )
    texts = read_texts(session.storage, project["container"], labels.documents)
    there = [(each, text) for each, text in zip(labels.documents, texts, strict=True) if text is not None]
    for each, text in zip(labels.documents, texts, strict=True):
        if text is None:
            session.err.print(f"left out: {each.location} is not in {project['container']}", markup=False)
    return [each for each, _ in there], [text for _, text in there], project["kind"] == "single_label"
