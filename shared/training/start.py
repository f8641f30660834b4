"""What people ask for over HTTP: a retraining, a publication, a cancellation. Each answers before the work is done."""

from __future__ import annotations

from shared.errors import LanguageNotFoundError, LanguageRefusedError, PermanentError
from shared.language.dialects import dialect_for
from shared.language.models import TrainedModel
from shared.messages import OperationMessage
from shared.training.advance import is_cancellable
from shared.training.context import Training
from shared.training.operation import Operation, OperationKind, RetrainRequest, Step
from shared.training.operations import (
    OpenOperation,
    OperationRaceLostError,
    find_operation,
    new_operation,
    save_operation,
    start_operation,
)


class ModelExistsError(PermanentError):
    """The project has a model of that name; training it again would overwrite it."""


class ModelUnknownError(PermanentError):
    """The project has no trained model of that name."""


class NotCancellableError(PermanentError):
    """The operation has ended, or the service can no longer be stopped."""


def start_retrain(training: Training, project: str, request: RetrainRequest) -> Operation:
    """Start training a new model. Raises OperationRunningError, ModelExistsError, LanguageNotFoundError."""
    operation = _new(training, OperationKind.RETRAIN, project)
    # Letters and digits only: the 2021 preview allows nothing else in a model's name.
    label = request.model or f"model{operation.id.replace('-', '')}"
    if any(model.label == label for model in list_models(training, project)):
        raise ModelExistsError(f"project {project!r} has a model {label!r} already; choose another name or give none")
    return start_operation(training, operation.model_copy(update={"request": request, "label": label}))


def start_publish(training: Training, project: str, label: str) -> Operation:
    """Start publishing a trained model. Raises OperationRunningError, ModelUnknownError, LanguageNotFoundError."""
    if not any(model.label == label for model in list_models(training, project)):
        raise ModelUnknownError(f"project {project!r} has no trained model {label!r}; GET its models for the list")
    operation = _new(training, OperationKind.PUBLISH, project)
    return start_operation(training, operation.model_copy(update={"label": label}))


def list_models(training: Training, project: str) -> list[TrainedModel]:
    try:
        dialect = dialect_for(training.settings.language_api)
        return training.language.send_pages(lambda page: dialect.list_models(project, page=page))
    except LanguageNotFoundError as error:
        raise LanguageRefusedError(
            f"project {project!r} does not exist; create it with PUT /api/projects/{project}",
            status_code=404,
            error_code=error.error_code,
        ) from error


def cancel_operation(training: Training, operation_id: str) -> Operation | None:
    """Ask an operation to stop at its next step; None when it is unknown. Raises NotCancellableError."""
    for _ in range(5):
        opened = find_operation(training, operation_id)
        if opened is None:
            return None
        if not is_cancellable(opened.operation):
            raise NotCancellableError(_why_not(opened))
        wished = opened.operation.model_copy(update={"cancel_requested": True})
        try:
            saved = save_operation(training, opened, wished)
        except OperationRaceLostError:
            continue
        training.operations_queue.send(OperationMessage(id=operation_id))
        return saved.operation
    raise NotCancellableError("the operation changes too fast to be cancelled now; try again")


def _why_not(opened: OpenOperation) -> str:
    operation = opened.operation
    if operation.is_ended:
        return f"operation {operation.id} has ended: {operation.state.value}"
    return f"operation {operation.id} is publishing, which the service does not stop; publish another model afterwards"


def _first_step(kind: OperationKind, api_version: str) -> Step:
    if kind is OperationKind.PUBLISH:
        return Step.PUBLISH
    return Step.IMPORT if dialect_for(api_version).has_deployments else Step.TRAIN


def _new(training: Training, kind: OperationKind, project: str) -> Operation:
    return new_operation(training, kind, project, _first_step(kind, training.settings.language_api))
