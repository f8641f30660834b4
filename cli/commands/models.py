"""Models: train, list, publish."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.command import Project, Yes, command
from cli.exit_codes import OK, REFUSED, USAGE
from cli.session import Session
from cli.steps import StepFailedError

_VERDICTS = {
    "better": "better than the model in use",
    "as_good": "as good as the model in use",
    "worse": "worse than the model in use, by more than the tolerance",
    "unclear": "not told apart from the model in use: there are too few golden documents",
    "unpaired": "compared by the service's own figures, which rest on different documents",
}


def add_to(app: typer.Typer) -> None:
    command(
        app,
        examples=("train", "train --model june --tolerance 0.02", "train --no-publish", "train --force --yes"),
    )(train)
    command(app, examples=("models", "models june", "models --json"))(models)
    command(app, examples=("publish may", "publish may --yes"))(publish)
    command(
        app, examples=("acceptance", "acceptance --precision 0.95", "acceptance --precision 0.9 --right all_classes")
    )(acceptance)


def train(
    session: Session,
    model: Annotated[str | None, typer.Option("--model", metavar="LABEL", help="The new model's (made up).")] = None,
    project: Project = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="What the gate compares (micro_f1).")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", min=0, max=1, help="How much worse still passes (0.05).")
    ] = None,
    on_unclear: Annotated[
        str | None,
        typer.Option(
            "--on-unclear", metavar="WORD", help="by_estimate or refuse, when it cannot be told (by_estimate)."
        ),
    ] = None,
    class_loss: Annotated[
        float | None,
        typer.Option("--no-class-loses-more-than", min=0, max=1, help="Bounds what each class may lose of its recall."),
    ] = None,
    publishing: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Put it in use if the gate lets it pass.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Publish whatever the gate says.")] = False,
    yes: Yes = False,
) -> int:
    """Train a model, and publish it unless it is worse.

    It learns the stored labels and is compared with the model in use.

    A training that is under way is joined. Exit code 4 when the gate refuses it: the model in use stays.
    """
    from cli.teach import retrain

    name = session.project(project)
    if force:
        session.confirm("Put the new model in use even if it is worse?", yes=yes)
    gate = {
        "metric": metric,
        "tolerance": tolerance,
        "on_unclear": on_unclear,
        "no_class_loses_more_than": class_loss,
    }
    given = {key: value for key, value in gate.items() if value is not None}
    request: dict[str, Any] = {"publish": publishing, "force": force}
    request |= ({"gate": given} if given else {}) | ({"model": model} if model else {})
    record = retrain(session.err, session.api, name, request, title="Train")
    session.answer(record, lambda: _show_verdict(session, record))
    if record["state"] == "refused":
        return REFUSED
    if record["state"] != "succeeded":
        raise StepFailedError(
            f"the training ended as {record['state']}: {record['reason']}",
            do=f"GET /api/operations/{record['id']} has its history; running it again starts another training",
        )
    return OK


def _show_verdict(session: Session, record: dict[str, Any]) -> None:
    from rich.markup import escape

    gate = record.get("gate") or {}
    label = escape(str(record["label"]))
    verdict = _VERDICTS.get(str(gate.get("verdict")))
    session.out.print(f"[bold]{label}[/bold] {'is ' + verdict if verdict else record['state']}")
    if gate.get("reason"):
        session.out.print(f"  {escape(gate['reason'])}")
    if gate.get("difference") is not None and gate.get("interval"):
        low, high = gate["interval"]
        session.out.print(
            f"  {gate['metric']}: {gate['difference']:+.3f}, between {low:+.3f} and {high:+.3f} four times in five, "
            f"on {gate['documents']} golden documents"
        )
    for loss in (gate.get("losses") or ())[:5]:
        session.out.print(
            f"  {escape(loss['name'])} lost {loss['recall_lost']:.2f} of its recall ({loss['documents']} documents)"
        )
    if record.get("reason") and record["reason"] != gate.get("reason"):
        session.out.print(f"  {escape(str(record['reason']))}")


def models(
    session: Session,
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="Show this one's figures by class.")] = None,
    project: Project = None,
) -> int:
    """List the models, or show one model's figures by class."""
    address = f"/api/projects/{session.project(project)}"
    if model is None:
        found = session.api.call("GET", f"{address}/models")
        session.answer(found, lambda: _show_models(session, found["models"]))
        return OK
    evaluation = session.api.call("GET", f"{address}/evaluation?model={quote(model, safe='')}")
    session.answer(evaluation, lambda: _show_evaluation(session, evaluation))
    return OK


def _show_models(session: Session, found: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not found:
        session.out.print("There is no model yet: pigeonhole labels from ..., then pigeonhole train")
        return
    table = Table("model", "in use", "trained", "evaluated")
    for each in found:
        trained = str(each.get("trained_at") or each["trained"])[:19]
        table.add_row(escape(each["model"]), "yes" if each["in_use"] else "", trained, each["evaluated"])
    session.out.print(table)


def _show_evaluation(session: Session, found: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    session.out.print(
        f"[bold]{escape(str(found['label']))}[/bold]: micro-F1 {found['micro_f1']:.3f}, "
        f"macro-F1 {found['macro_f1']:.3f} (the service's own figures, on its test documents)"
    )
    table = Table("class", "precision", "recall", "F1", "documents")
    for name, each in sorted(found["classes"].items()):
        documents = each["true_positives"] + each["false_negatives"]
        figures = (f"{each[figure]:.3f}" for figure in ("precision", "recall", "f1"))
        table.add_row(escape(name), *figures, str(documents))
    session.out.print(table)


def publish(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The label of a trained model.")],
    project: Project = None,
    yes: Yes = False,
) -> int:
    """Put a trained model in use, without the gate.

    This is how to go back to an earlier one.
    """
    from cli.teach import follow_operation

    name = session.project(project)
    session.confirm(f"Put the model {model} in use?", yes=yes)
    record = follow_operation(
        session.err, session.api, f"/api/projects/{name}/publish", {"model": model}, title=f"Publish {model}"
    )
    session.answer(record, lambda: session.out.print(f"{record['state']}: {record['reason']}", markup=False))
    if record["state"] != "succeeded":
        raise StepFailedError(
            f"the publication ended as {record['state']}: {record['reason']}",
            do=f"GET /api/operations/{record['id']} has its history; the model in use is in: pigeonhole status",
        )
    return OK


def acceptance(
    session: Session,
    precision: Annotated[
        float | None, typer.Option("--precision", min=0, max=1, help="Of what is accepted, this share is right (0.95).")
    ] = None,
    confidence: Annotated[
        float | None, typer.Option("--confidence", min=0.5, max=1, help="How sure that is to be shown (0.9).")
    ] = None,
    right: Annotated[
        str | None, typer.Option("--right", metavar="exact|all_classes", help="What counts as right (exact).")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Ask for nothing: no decisions any more.")] = False,
    project: Project = None,
) -> int:
    """Show, or say, how often accepted results have to be right.

    Documents that are classified from then on are accepted, or go to review. docs/trust.md says what is promised.
    """
    address = f"/api/projects/{session.project(project)}"
    found = session.api.call("GET", address)
    given = {"precision": precision, "confidence": confidence, "right": right}
    rule: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if off and rule:
        raise StepFailedError("--off asks for nothing", do="give --off, or what is asked for", exit_code=USAGE)
    if off or rule:
        body = {name: found[name] for name in ("kind", "language", "multilingual", "description", "container")}
        if found["labels_file"]:
            body["labels_file"] = found["labels_file"]
        wanted = None if off else (found.get("acceptance") or {}) | rule
        found = session.api.call("PUT", address, body | {"acceptance": wanted})
    session.answer(found.get("acceptance"), lambda: _show_acceptance(session, found, is_new=bool(rule)))
    return OK


def _show_acceptance(session: Session, found: dict[str, Any], *, is_new: bool) -> None:
    rule = found.get("acceptance")
    if rule is None:
        session.out.print(f"{found['name']} asks for no precision: results have no decision", markup=False)
        return
    session.out.print(
        f"{found['name']}: {rule['precision']:g} of what is accepted is right ({rule['right']}), shown with confidence "
        f"{rule['confidence']:g}",
        markup=False,
    )
    for warning in found.get("warnings") or ():
        session.out.print(f"  {warning}", markup=False)
    if is_new:
        session.out.print("  What was classified before keeps no decision, or its own: pigeonhole send-again NAME")
