"""The steps of retraining and publishing. Each may be repeated after any crash and does its work at the service once.

Before a POST the intent is written down. A visit that finds the intent looks for what the POST may have started, and
posts only when there is nothing: the service takes no idempotency key.
"""

from __future__ import annotations

from shared.errors import LanguageConflictError, LanguageNotFoundError, LanguageThrottledError
from shared.language.dialects import dialect_for
from shared.language.dialects.base import Dialect
from shared.language.models import TERMINAL, AuthoringJob, Evaluation, ModelRef, OperationStatus, ServiceError
from shared.messages import OperationMessage
from shared.pipeline.waiting import wake_waiting_jobs
from shared.training.active_model import ActiveModelRecord
from shared.training.context import Training
from shared.training.gate import decide
from shared.training.operation import Operation, OperationKind, OperationState, Step, evaluation_record
from shared.training.operations import OpenOperation, enqueue_step, proceed, save_operation


def train(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """POST the training, once."""
    dialect, operation, label = _parts(opened)
    if operation.began(Step.TRAIN):
        started = training.language.send(dialect.find_training(operation.project, label=label))
        if started is not None:
            _trained(training, opened, started.id, "found under way after an interruption")
            return
    else:
        operation = operation.begin(Step.TRAIN, training.now())
        opened = save_operation(training, opened, operation)
    try:
        job_id = training.language.send(dialect.train(operation.project, label=label))
    except LanguageConflictError as error:
        # One training at a time for each project; somebody else's is under way. Theirs ends, then ours begins.
        raise LanguageThrottledError(f"another training of {operation.project!r} is under way: {error}") from error
    _trained(training, opened, job_id, f"training job {job_id}")


def _trained(training: Training, opened: OpenOperation, job_id: str, detail: str) -> None:
    changes = {"training_job": job_id or None, "step": Step.WAIT_TRAINING}
    proceed(training, opened, opened.operation.evolve(training.now(), detail, **changes))


def wait_training(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """GET the training job; not ready is the next visit."""
    dialect, operation, label = _parts(opened)
    if operation.training_job:
        job = training.language.send(dialect.get_training_job(operation.project, operation.training_job))
    else:
        job = _found(training.language.send(dialect.find_training(operation.project, label=label)))
    if job.status not in TERMINAL:
        _visit_later(training, opened, message, job)
    elif job.status is OperationStatus.SUCCEEDED:
        ended = operation.evolve(training.now(), f"{label} is trained", step=Step.EVALUATE, percent=100)
        proceed(training, opened, ended)
    else:
        _end_badly(training, opened, job, "training")


def evaluate(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Read the candidate's evaluation and the active model's."""
    _, operation, label = _parts(opened)
    candidate = find_evaluation(training, operation, label)
    active = training.active_model.find()
    other = None
    if active is not None and active.project == operation.project and active.label != label:
        other = find_evaluation(training, operation, active.label)
    changed = operation.evolve(
        training.now(),
        "evaluated" if candidate else "the service has no evaluation of it",
        step=Step.GATE,
        candidate_evaluation=evaluation_record(label, candidate) if candidate else None,
        active_evaluation=evaluation_record(active.label, other) if active and other else None,
    )
    proceed(training, opened, changed)


def find_evaluation(training: Training, operation: Operation, label: str) -> Evaluation | None:
    """A model's evaluation, or None when the service has none (too few documents, or the model is gone)."""
    try:
        return training.language.send(dialect_for(operation.api_version).get_evaluation(operation.project, label=label))
    except LanguageNotFoundError:
        return None


def judge(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """The gate."""
    operation, now = opened.operation, training.now()
    active = training.active_model.find()
    compared = active.label if active is not None and active.project == operation.project else None
    decision = decide(
        operation.request.gate,
        operation.candidate_evaluation,
        operation.active_evaluation,
        force=operation.request.force,
        active_label=compared,
    )
    changed = operation.model_copy(update={"gate": decision})
    if not decision.passed:
        proceed(training, opened, changed.end(now, OperationState.REFUSED, f"not published: {decision.reason}"))
    elif not operation.request.publish:
        proceed(training, opened, changed.end(now, OperationState.SUCCEEDED, "trained; publishing was not asked for"))
    else:
        proceed(training, opened, changed.evolve(now, decision.reason, step=Step.PUBLISH))


def publish(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """POST the publication, once."""
    dialect, operation, label = _parts(opened)
    if operation.began(Step.PUBLISH):
        started = training.language.send(dialect.find_publishing(operation.project, label=label))
        if started is not None:
            _published(training, opened, started.id, "found under way after an interruption")
            return
    else:
        operation = operation.begin(Step.PUBLISH, training.now())
        opened = save_operation(training, opened, operation)
    job_id = training.language.send(dialect.publish(operation.project, label=label))
    _published(training, opened, job_id, f"publishing job {job_id}")


def _published(training: Training, opened: OpenOperation, job_id: str, detail: str) -> None:
    changes = {"publishing_job": job_id or None, "step": Step.WAIT_PUBLISHING}
    proceed(training, opened, opened.operation.evolve(training.now(), detail, **changes))


def wait_publishing(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """GET the publishing job; not ready is the next visit."""
    dialect, operation, label = _parts(opened)
    if operation.publishing_job:
        job = training.language.send(dialect.get_publishing_job(operation.project, operation.publishing_job))
    else:
        job = _found(training.language.send(dialect.find_publishing(operation.project, label=label)))
    if job.status not in TERMINAL:
        _visit_later(training, opened, message, job)
    elif job.status is OperationStatus.SUCCEEDED and job.model_id:
        changed = operation.evolve(
            training.now(), f"published as {job.model_id}", step=Step.SWITCH, model_id=job.model_id
        )
        proceed(training, opened, changed)
    else:
        _end_badly(training, opened, job, "publishing")


def switch(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Make the published model the one in use, and tell the jobs that wait for one."""
    dialect, operation, label = _parts(opened)
    now = training.now()
    if operation.project != training.settings.language_project:
        reason = f"published, not in use: LANGUAGE_PROJECT is {training.settings.language_project!r}"
        proceed(training, opened, operation.end(now, OperationState.SUCCEEDED, reason))
        return
    project = training.language.send(dialect.get_project(operation.project))
    model = ModelRef(project=operation.project, kind=project.kind, reference=operation.model_id or label, label=label)
    training.active_model.switch(
        ActiveModelRecord(model=model, api_version=operation.api_version, published=now, operation=operation.id)
    )
    wake_waiting_jobs(training.pipeline)
    proceed(training, opened, operation.end(now, OperationState.SUCCEEDED, f"{label} is in use"))


def _parts(opened: OpenOperation) -> tuple[Dialect, Operation, str]:
    operation = opened.operation
    if operation.label is None:
        raise ValueError(f"operation {operation.id} names no model")
    return dialect_for(operation.api_version), operation, operation.label


def _found(job: AuthoringJob | None) -> AuthoringJob:
    return job or AuthoringJob(
        "", OperationStatus.FAILED, (ServiceError("NotFound", "the service no longer lists it"),)
    )


def _visit_later(training: Training, opened: OpenOperation, message: OperationMessage, job: AuthoringJob) -> None:
    operation = opened.operation
    if job.percent is not None and job.percent != operation.percent:
        opened = save_operation(training, opened, operation.model_copy(update={"percent": job.percent}))
    began = operation.began(operation.step) or operation.steps[-1].started
    delay = training.pipeline.delay(number=message.visit, elapsed=training.now() - began)
    enqueue_step(training, opened, OperationMessage(id=operation.id, visit=message.visit + 1), delay)


def _end_badly(training: Training, opened: OpenOperation, job: AuthoringJob, what: str) -> None:
    now = training.now()
    told = "; ".join(f"{error.code}: {error.message}" for error in job.errors) or "no error was given"
    state = OperationState.CANCELLED if job.status is OperationStatus.CANCELLED else OperationState.FAILED
    reason = f"{what} {job.status.value}: {told}; the active model is as it was"
    proceed(training, opened, opened.operation.end(now, state, reason[:1000], job.errors))


def first_step(kind: OperationKind) -> Step:
    return {
        OperationKind.RETRAIN: Step.TRAIN,
        OperationKind.PUBLISH: Step.PUBLISH,
        OperationKind.RECLASSIFY: Step.WALK,
    }[kind]
