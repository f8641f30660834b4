"""The steps of retraining up to the gate. Each may be repeated after any crash and does its work at the service once.

Before a POST the intent is written down. A visit that finds the intent looks for what the POST may have started, and
posts only when there is nothing: the service takes no idempotency key.
"""

from __future__ import annotations

import json
from datetime import timedelta

from shared.errors import LanguageConflictError, LanguageNotFoundError, LanguageThrottledError, PermanentError
from shared.language.dialects import dialect_for
from shared.language.dialects.base import Call, Dialect
from shared.language.models import TERMINAL, AuthoringJob, Evaluation, OperationStatus, ServiceError
from shared.messages import OperationMessage
from shared.models.gate import evaluate_gate
from shared.models.labels import parse_labels
from shared.storage.ports import BlobNotFoundError
from shared.training.context import Training
from shared.training.operation import Operation, OperationState, Step, evaluation_record
from shared.training.operations import OpenOperation, enqueue_step, proceed, save_operation
from shared.training.projects import labels_blob

# Between the service's clock and ours.
CLOCK_SKEW = timedelta(minutes=5)


class LabelsMissingError(PermanentError):
    """The project has no labels file that could be sent."""


class LabelsFaultyError(PermanentError):
    """The labels file was put into the container past the check of PUT labels, and has faults."""


def import_labels(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Send the stored labels file where the version wants it sent. Repeating it replaces the same by the same."""
    dialect, operation, _ = parts(opened)
    project = training.language.send(dialect.get_project(operation.project))
    name = labels_blob(project)
    try:
        content = json.loads(training.open_container(project.container).read(name).data)
    except (BlobNotFoundError, ValueError) as error:
        raise LabelsMissingError(
            f"the container {project.container!r} has no readable {name!r}; PUT the project's labels first"
        ) from error
    labels = parse_labels(content)
    faults = labels.problems + labels.kind_fits(project.kind)
    if faults:
        listed = "; ".join(f"{fault.place}: {fault.what}" for fault in faults[:5])
        raise LabelsFaultyError(f"{name!r} has {len(faults)} faults ({listed}); PUT the labels to see all of them")
    job_id = start_job(training, operation, dialect.import_labels(project, labels.classes, labels.documents))
    detail = f"import job {job_id} of {len(labels.documents)} documents"
    # Only a file that says Test of some document can decide the split by itself.
    manual = any((document.dataset or "").lower() == "test" for document in labels.documents)
    changes = {"import_job": job_id, "manual_split": manual, "step": Step.WAIT_IMPORT}
    changed = operation.evolve(training.now(), detail, **changes)
    proceed(training, opened, changed)


def wait_import(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """GET the import job; not ready is the next visit."""
    dialect, operation, _ = parts(opened)
    job = training.language.send(dialect.get_import_job(operation.project, operation.import_job or ""))
    if job.status not in TERMINAL:
        visit_later(training, opened, message, job)
    elif job.status is OperationStatus.SUCCEEDED:
        proceed(training, opened, operation.evolve(training.now(), "labels are imported", step=Step.TRAIN))
    else:
        end_badly(training, opened, job, "importing the labels")


def train(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """POST the training, once."""
    dialect, operation, label = parts(opened)
    if operation.began(Step.TRAIN):
        started = training.language.send(dialect.find_training(operation.project, label=label))
        if started is not None and not _is_older(started, operation):
            _trained(training, opened, started.id, "found under way after an interruption")
            return
    else:
        operation = operation.begin(Step.TRAIN, training.now())
        opened = save_operation(training, opened, operation)
    job_id = start_job(
        training, operation, dialect.train(operation.project, label=label, manual_split=operation.manual_split)
    )
    _trained(training, opened, job_id, f"training job {job_id}")


def _is_older(job: AuthoringJob, operation: Operation) -> bool:
    """A failed training leaves no model, so its label may be used again: such a job is not this operation's."""
    return job.created is not None and job.created < operation.created - CLOCK_SKEW


def _trained(training: Training, opened: OpenOperation, job_id: str, detail: str) -> None:
    changes = {"training_job": job_id or None, "step": Step.WAIT_TRAINING}
    proceed(training, opened, opened.operation.evolve(training.now(), detail, **changes))


def wait_training(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """GET the training job; not ready is the next visit."""
    dialect, operation, label = parts(opened)
    if operation.training_job:
        job = training.language.send(dialect.get_training_job(operation.project, operation.training_job))
    else:
        job = found(training.language.send(dialect.find_training(operation.project, label=label)))
    if job.status not in TERMINAL:
        visit_later(training, opened, message, job)
    elif job.status is OperationStatus.SUCCEEDED:
        ended = operation.evolve(training.now(), f"{label} is trained", step=Step.EVALUATE, percent=100)
        proceed(training, opened, ended)
    else:
        end_badly(training, opened, job, "training")


def evaluate(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Read the candidate's evaluation and the active model's."""
    dialect, operation, label = parts(opened)
    candidate = find_evaluation(training, operation, label)
    if candidate is None:  # a project that is gone has none either, which is no matter for the gate
        training.language.send(dialect.get_project(operation.project))
    active = training.active_model.find_label(operation.project)
    other = find_evaluation(training, operation, active) if active and active != label else None
    changed = operation.evolve(
        training.now(),
        "evaluated" if candidate else "the service has no evaluation of it",
        step=Step.GATE,
        candidate_evaluation=evaluation_record(label, candidate) if candidate else None,
        active_evaluation=evaluation_record(active, other) if active and other else None,
    )
    proceed(training, opened, changed)


def find_evaluation(training: Training, operation: Operation, label: str) -> Evaluation | None:
    """A model's evaluation, or None when the service has none (too few documents, or the model is gone)."""
    call = dialect_for(operation.api_version).get_evaluation(operation.project, label=label)
    try:
        return training.language.send(call)
    except LanguageNotFoundError:
        return None


def judge(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """The gate."""
    operation, now = opened.operation, training.now()
    decision = evaluate_gate(
        operation.request.gate,
        operation.candidate_evaluation,
        operation.active_evaluation,
        force=operation.request.force,
        active_label=training.active_model.find_label(operation.project),
    )
    changed = operation.model_copy(update={"gate": decision})
    if not decision.passed:
        proceed(training, opened, changed.end(now, OperationState.REFUSED, f"not published: {decision.reason}"))
    elif not operation.request.publish:
        proceed(training, opened, changed.end(now, OperationState.SUCCEEDED, "trained; publishing was not asked for"))
    else:
        proceed(training, opened, changed.evolve(now, decision.reason, step=Step.PUBLISH))


# What the steps of publication.py use too.


def start_job(training: Training, operation: Operation, call: Call[str]) -> str:
    """POST a job and return its id. The service does one thing at a time in a project: a conflict is waited out."""
    try:
        return training.language.send(call)
    except LanguageConflictError as error:
        raise LanguageThrottledError(f"project {operation.project!r} is busy with something else: {error}") from error


def parts(opened: OpenOperation) -> tuple[Dialect, Operation, str]:
    """The dialect the operation began under, the operation, and its model's label."""
    operation = opened.operation
    if operation.label is None:
        raise ValueError(f"operation {operation.id} names no model")
    return dialect_for(operation.api_version), operation, operation.label


def found(job: AuthoringJob | None) -> AuthoringJob:
    gone = ServiceError("NotFound", "the service no longer lists it")
    return job or AuthoringJob("", OperationStatus.FAILED, (gone,))


def visit_later(training: Training, opened: OpenOperation, message: OperationMessage, job: AuthoringJob) -> None:
    """The same step again by the schedule; a new percentage is written down."""
    operation = opened.operation
    if job.percent is not None and job.percent != operation.percent:
        opened = save_operation(training, opened, operation.model_copy(update={"percent": job.percent}))
    began = operation.began(operation.step) or operation.steps[-1].started
    delay = training.pipeline.delay(number=message.visit, elapsed=training.now() - began)
    enqueue_step(training, opened, OperationMessage(id=operation.id, visit=message.visit + 1), delay)


def end_badly(training: Training, opened: OpenOperation, job: AuthoringJob, what: str) -> None:
    """The service ended a job as failed or cancelled: so does the operation, with the errors as given."""
    now = training.now()
    told = "; ".join(f"{error.code}: {error.message}" for error in job.errors) or "no error was given"
    state = OperationState.CANCELLED if job.status is OperationStatus.CANCELLED else OperationState.FAILED
    reason = f"{what} {job.status.value}: {told}; {opened.operation.untouched}"
    proceed(training, opened, opened.operation.end(now, state, reason[:1000], job.errors))
