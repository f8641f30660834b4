"""The steps of publishing a trained model: publish, probe, and only then switch to it.

2021 preview   publish ► wait_publishing ► probe ► wait_probe ► switch
dated API      publish (into the staging deployment) ► wait ► probe ► wait_probe ► hold ► swap ► wait_swap ► switch

A deployment keeps its name when its model changes, so that a job submitted while they are swapped could not name its
model. Therefore submissions are held from `hold` to `switch`; jobs wait as they do when no model is published yet.
"""

from __future__ import annotations

from datetime import timedelta

from shared.errors import LanguageNotFoundError, LanguageRefusedError
from shared.language.dialects.base import Call, Dialect
from shared.language.models import (
    TERMINAL,
    Deployment,
    ModelRef,
    OperationStatus,
    ServiceError,
    TextInput,
)
from shared.messages import OperationMessage
from shared.pipeline.waiting import wake_waiting_jobs
from shared.training.active_model import ActiveModelRecord
from shared.training.context import Training
from shared.training.operation import Operation, OperationKind, OperationState, Step
from shared.training.operations import OpenOperation, enqueue_step, proceed, save_operation
from shared.training.steps import end_badly, found, parts, start_job, visit_later

# Any text will do: the probe asks whether the model answers, not what.
PROBE_TEXT = "Please confirm that you received the documents and tell us how to proceed."
# At most, for a swap whose job id was lost; shorter than submissions may be held.
SWAP_TAKES = timedelta(minutes=5)


def publish(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """POST the publication, once; with deployments, into the staging one unless the model is there already."""
    dialect, operation, label = parts(opened)
    if dialect.has_deployments and _is_deployed(
        training, dialect, operation, training.settings.language_staging_deployment
    ):
        done = operation.evolve(training.now(), "the staging deployment holds it already", step=Step.PROBE)
        proceed(training, opened, done)
        return
    if operation.began(Step.PUBLISH):
        # A model trained by this operation was never published before, so what is found is ours. Repeating another's
        # publication, or a deployment, changes nothing.
        if operation.kind is OperationKind.RETRAIN and not dialect.has_deployments:
            started = training.language.send(dialect.find_publishing(operation.project, label=label))
            if started is not None:
                _published(training, opened, started.id, "found under way after an interruption")
                return
    else:
        operation = operation.begin(Step.PUBLISH, training.now())
        opened = save_operation(training, opened, operation)
    job_id = start_job(training, operation, _publication(training, dialect, operation, label))
    _published(training, opened, job_id, f"publishing job {job_id}")


def _publication(training: Training, dialect: Dialect, operation: Operation, label: str) -> Call[str]:
    if dialect.has_deployments:
        staging = training.settings.language_staging_deployment
        return dialect.deploy(operation.project, deployment=staging, label=label)
    return dialect.publish(operation.project, label=label)


def _published(training: Training, opened: OpenOperation, job_id: str, detail: str) -> None:
    changes = {"publishing_job": job_id or None, "step": Step.WAIT_PUBLISHING}
    proceed(training, opened, opened.operation.evolve(training.now(), detail, **changes))


def wait_publishing(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """GET the publishing job; not ready is the next visit."""
    dialect, operation, label = parts(opened)
    job_id, staging = operation.publishing_job, training.settings.language_staging_deployment
    if dialect.has_deployments:
        job = training.language.send(dialect.get_deployment_job(operation.project, staging, job_id or ""))
    elif job_id:
        job = training.language.send(dialect.get_publishing_job(operation.project, job_id))
    else:
        job = found(training.language.send(dialect.find_publishing(operation.project, label=label)))
    reference = staging if dialect.has_deployments else job.model_id
    if job.status not in TERMINAL:
        visit_later(training, opened, message, job)
    elif job.status is OperationStatus.SUCCEEDED and reference:
        detail = f"published as {reference}"
        changed = operation.evolve(training.now(), detail, step=Step.PROBE, model_id=job.model_id)
        proceed(training, opened, changed)
    else:
        end_badly(training, opened, job, "publishing")


def probe(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Submit one text to the published model, before anything depends on it. Repeating it only costs a text."""
    dialect, operation, label = parts(opened)
    project = training.language.send(dialect.get_project(operation.project))
    reference = training.settings.language_staging_deployment if dialect.has_deployments else operation.model_id or ""
    model = ModelRef(project=operation.project, kind=project.kind, reference=reference, label=label)
    call = dialect.submit_analyze([TextInput("0", PROBE_TEXT)], model, display_name=f"probe of {operation.id}")
    job_id = training.language.send(call)
    changed = operation.evolve(training.now(), f"analyze job {job_id}", step=Step.WAIT_PROBE, probe_job=job_id)
    proceed(training, opened, changed)


def wait_probe(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """The published model must classify the probe; only then may it replace another."""
    dialect, operation, _ = parts(opened)
    try:
        job = training.language.send(dialect.get_analyze_job(operation.probe_job or ""))
    except LanguageNotFoundError as error:
        _probe_failed(training, opened, (ServiceError(error.error_code, str(error)),))
        return
    if job.status not in TERMINAL:
        delay = training.pipeline.delay(number=message.visit)
        enqueue_step(training, opened, OperationMessage(id=operation.id, visit=message.visit + 1), delay)
    elif job.texts:
        step = Step.HOLD if dialect.has_deployments else Step.SWITCH
        proceed(training, opened, operation.evolve(training.now(), "it classifies", step=step))
    else:
        _probe_failed(training, opened, job.errors + tuple(job.text_errors.values()))


def _probe_failed(training: Training, opened: OpenOperation, errors: tuple[ServiceError, ...]) -> None:
    told = "; ".join(f"{error.code}: {error.message}" for error in errors) or "no error was given"
    reason = f"the published model does not classify the probe: {told}; {opened.operation.untouched}"
    proceed(training, opened, opened.operation.end(training.now(), OperationState.FAILED, reason[:1000], errors))


def hold(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Hold submissions, and swap only when none that began before can still be on its way."""
    operation = opened.operation
    changed = operation.evolve(training.now(), "submissions are held", step=Step.SWAP)
    if operation.project != training.settings.language_project or not training.active_model.hold(training.now()):
        proceed(training, opened, changed)
        return
    settings = training.settings
    settle = timedelta(seconds=settings.pipeline_model_cache_seconds + settings.language_read_seconds)
    changed = changed.model_copy(update={"swap_after": training.now() + settle})
    saved = save_operation(training, opened, changed)
    enqueue_step(training, saved, OperationMessage(id=operation.id), settle)


def swap(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """Swap staging with production, once: swapping twice would undo it. The first time, deploy into production."""
    dialect, operation, label = parts(opened)
    settings = training.settings
    if operation.swap_after and (early := operation.swap_after - training.now()) > timedelta(0):
        enqueue_step(training, opened, message, early)  # the message of `hold` came twice
        return
    if operation.project == settings.language_project and not training.active_model.renew_hold(training.now()):
        # The hold has lapsed since (no visit for a quarter of an hour): submissions go on, so hold and settle again.
        changed = operation.evolve(training.now(), "the hold has lapsed", step=Step.HOLD)
        proceed(training, opened, changed)
        return
    production = _deployments(training, dialect, operation).get(settings.language_deployment)
    model_id = production.model_id if production else ""
    if _is_swapped(operation, production, model_id):
        done = operation.evolve(training.now(), "production holds it", step=Step.SWITCH)
        proceed(training, opened, done)
        return
    began = operation.began(Step.SWAP)
    if began is None:
        operation = operation.begin(Step.SWAP, training.now()).model_copy(update={"replaced_model_id": model_id})
        opened = save_operation(training, opened, operation)
    elif production is not None and training.now() - began < SWAP_TAKES:
        # Its answer was lost, and nothing lists swaps under way: one that is would be undone by another.
        delay = training.pipeline.delay(number=message.visit)
        enqueue_step(training, opened, OperationMessage(id=operation.id, visit=message.visit + 1), delay)
        return
    project, target = operation.project, settings.language_deployment
    if production is None:
        job_id = start_job(training, operation, dialect.deploy(project, deployment=target, label=label))
    else:
        first, second = settings.language_staging_deployment, target
        job_id = start_job(training, operation, dialect.swap(project, first=first, second=second))
    detail = f"{'deployment' if production is None else 'swap'} job {job_id}"
    changes = {"swap_job": job_id, "swap_is_deployment": production is None, "step": Step.WAIT_SWAP}
    proceed(training, opened, operation.evolve(training.now(), detail, **changes))


def _is_swapped(operation: Operation, production: Deployment | None, model_id: str) -> bool:
    """Does production hold the model already? By its label; or because it changed since the intent was written down."""
    if production is not None and production.label == operation.label:
        return True
    return operation.began(Step.SWAP) is not None and model_id != (operation.replaced_model_id or "")


def wait_swap(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    """GET the swap job; not ready is the next visit."""
    dialect, operation, _ = parts(opened)
    job_id, project = operation.swap_job or "", operation.project
    if operation.swap_is_deployment:
        call = dialect.get_deployment_job(project, training.settings.language_deployment, job_id)
    else:
        call = dialect.get_swap_job(project, job_id)
    if operation.project == training.settings.language_project:
        training.active_model.renew_hold(training.now())
    job = training.language.send(call)
    if job.status not in TERMINAL:
        visit_later(training, opened, message, job)
    elif job.status is OperationStatus.SUCCEEDED:
        proceed(training, opened, operation.evolve(training.now(), "in production", step=Step.SWITCH))
    else:
        end_badly(training, opened, job, "swapping the deployments")


def switch(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Make the published model the one in use, and tell the jobs that wait for one."""
    dialect, operation, label = parts(opened)
    now = training.now()
    if operation.project != training.settings.language_project:
        reason = f"published, not in use: LANGUAGE_PROJECT is {training.settings.language_project!r}"
        proceed(training, opened, operation.end(now, OperationState.SUCCEEDED, reason))
        return
    project = training.language.send(dialect.get_project(operation.project))
    reference, expires = operation.model_id or label, None
    if dialect.has_deployments:
        reference = training.settings.language_deployment
        production = _deployments(training, dialect, operation).get(reference)
        expires = production.expires if production else None
    model = ModelRef(
        project=operation.project,
        kind=project.kind,
        reference=reference,
        label=label,
        api_version=operation.api_version,
    )
    training.active_model.switch(
        ActiveModelRecord(
            model=model,
            api_version=operation.api_version,
            published=now,
            operation=operation.id,
            expires=expires,
        )
    )
    wake_waiting_jobs(training.pipeline)
    proceed(training, opened, operation.end(now, OperationState.SUCCEEDED, f"{label} is in use"))


def _deployments(training: Training, dialect: Dialect, operation: Operation) -> dict[str, Deployment]:
    listed = training.language.send_pages(lambda page: dialect.list_deployments(operation.project, page=page))
    return {deployment.name: deployment for deployment in listed}


def _is_deployed(training: Training, dialect: Dialect, operation: Operation, name: str) -> bool:
    try:
        deployment = _deployments(training, dialect, operation).get(name)
    except LanguageRefusedError:
        return False
    return deployment is not None and deployment.label == operation.label
