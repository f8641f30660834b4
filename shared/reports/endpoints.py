"""Every HTTP function: what it takes and what it answers. The OpenAPI document is made from this table.

Tests hold it to the functions and to docs/http.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from shared.documents.ref import MAX_BLOB_NAME, FailureCode
from shared.models.evaluations import Comparison
from shared.models.projects import ProjectRequest
from shared.operations.operation import (
    OPERATION_KINDS,
    PublishRequest,
    ReclassifyRequest,
    RedriveDeadLettersRequest,
    RedriveRequest,
    RetrainRequest,
)
from shared.reports.batches import BatchBody, BatchList
from shared.reports.document_lists import DocumentList, FailureList
from shared.reports.documents import DocumentStatus, SentBody
from shared.reports.health import Health
from shared.reports.model_metrics import MAX_DAYS, Metrics
from shared.reports.operations import AcceptedOperation, CountedDeadLetters, CountedDocuments, OperationList
from shared.reports.projects import (
    DeletedModel,
    DeletedProject,
    EvaluationBody,
    ModelList,
    ProjectBody,
    StoredLabels,
    ValidationBody,
)
from shared.reports.reviews import MAX_NAME, DecisionRequest, ReviewBody, ReviewListBody
from shared.reports.status import PipelineStatus
from shared.reports.trials import TrialBody


@dataclass(frozen=True)
class Parameter:
    """A query parameter."""

    name: str
    what: str
    required: bool = False
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True)
class Answer:
    """A status that is no problem, and the model of its body; of one of several models where there are more."""

    status: int
    what: str
    body: tuple[type[BaseModel], ...]
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """An HTTP function by its name in the app. `request` is None where a body is neither read nor refused.

    `problems` are the statuses it answers with problems beside those that any function may. `master`: it wants
    the host's master key.
    """

    function: str
    method: str
    path: str
    tag: str
    summary: str
    answers: tuple[Answer, ...]
    request: type[BaseModel] | dict[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()
    master: bool = False


# What may be classified.
DOCUMENT_PATTERN = r"\.txt$"
# Of those that ask the Language service: it does not know the name, refuses the request, or answers what none can use.
_LANGUAGE = (404, 502)

# Any JSON object: PUT labels reads every form that the service has written, and names what it does not know.
_LABELS_FILE = {"type": "object", "description": "A labels file in any form that the service has written."}


def _ok(what: str, *body: type[BaseModel]) -> tuple[Answer, ...]:
    return (Answer(200, what, body),)


_ACCEPTED = Answer(202, "It has begun.", (AcceptedOperation,), ("Location", "Retry-After"))
_NAME = Parameter("name", "In place of the one in the path, where a proxy or client spoils such paths.")
_MODEL = Parameter("model", "Its label.", required=True, schema={"type": "string", "minLength": 1})
_LIMIT = Parameter("limit", "How many at most.", schema={"type": "integer", "minimum": 1, "maximum": 200})
_PREFIX = Parameter("prefix", "Only names that begin with it.", schema={"type": "string", "maxLength": MAX_BLOB_NAME})
_BEFORE = Parameter("before", "Those that are older than the operation with this id.")
_REVIEWER = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
_CONFIRM = "Repeats the name, because what is deleted is lost for good."

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "get_health",
        "GET",
        "/api/health",
        "Pipeline",
        "Is every part of the app well, and what does it wait for?",
        (*_ok("All parts are well.", Health), Answer(503, "A part is not; the body says which, and why.", (Health,))),
    ),
    Endpoint(
        "get_status",
        "GET",
        "/api/status",
        "Pipeline",
        "A snapshot of the pipeline.",
        _ok("Counts, queues, the oldest waiting document, recent failures, and the model in use.", PipelineStatus),
    ),
    Endpoint(
        "list_documents",
        "GET",
        "/api/documents",
        "Documents",
        "Documents by name, each with its state.",
        _ok("The documents, and where to go on.", DocumentList),
        parameters=(_PREFIX, _LIMIT, Parameter("token", "Of the list that came before.")),
    ),
    Endpoint(
        "list_failures",
        "GET",
        "/api/failures",
        "Documents",
        "The newest failures, and how many there are by reason.",
        _ok("The failures.", FailureList),
        parameters=(
            Parameter("reason", "Only those.", schema={"type": "string", "enum": [code.value for code in FailureCode]}),
            _PREFIX,
            _LIMIT,
        ),
    ),
    Endpoint(
        "get_document",
        "GET",
        "/api/documents/{name}",
        "Documents",
        "Where a document is, why, and its records.",
        _ok("The document.", DocumentStatus),
        parameters=(_NAME,),
        problems=(404,),
    ),
    Endpoint(
        "classify_document",
        "POST",
        "/api/documents/{name}/classify",
        "Documents",
        "Send a document's current version again, whatever record it has.",
        (Answer(202, "It was sent.", (SentBody,)),),
        parameters=(replace(_NAME, schema={"type": "string", "pattern": DOCUMENT_PATTERN}),),
        problems=(404,),
    ),
    Endpoint(
        "list_batches",
        "GET",
        "/api/batches",
        "Pipeline",
        "Open batches, then the newest closed ones.",
        _ok("The batches.", BatchList),
    ),
    Endpoint(
        "get_batch",
        "GET",
        "/api/batches/{id}",
        "Pipeline",
        "A batch with its documents, jobs and history.",
        _ok("The batch.", BatchBody),
        problems=(404,),
    ),
    Endpoint(
        "reclassify",
        "POST",
        "/api/reclassify",
        "Documents",
        "Send again what has a record.",
        (*_ok("With `dry_run`: how many there are.", CountedDocuments), _ACCEPTED),
        request=ReclassifyRequest,
        master=True,
    ),
    Endpoint(
        "redrive_failures",
        "POST",
        "/api/failures/redrive",
        "Documents",
        "Send again what has failed.",
        (*_ok("With `dry_run`: how many there are.", CountedDocuments), _ACCEPTED),
        request=RedriveRequest,
        master=True,
    ),
    Endpoint(
        "redrive_dead_letters",
        "POST",
        "/api/dead-letters/redrive",
        "Pipeline",
        "Put messages back that were given up.",
        (*_ok("With `dry_run`: how many there are.", CountedDeadLetters), _ACCEPTED),
        request=RedriveDeadLettersRequest,
        master=True,
    ),
    Endpoint(
        "list_reviews",
        "GET",
        "/api/reviews",
        "Reviews",
        "What waits for review, the least sure first.",
        _ok("The items.", ReviewListBody),
        parameters=(_LIMIT, Parameter("class", "Only items whose model named this class.")),
    ),
    Endpoint(
        "get_review",
        "GET",
        "/api/reviews/{id}",
        "Reviews",
        "An item with the document's text, and what was decided of it.",
        _ok("The item.", ReviewBody),
        problems=(404,),
    ),
    Endpoint(
        "decide_review",
        "PUT",
        "/api/reviews/{id}",
        "Reviews",
        "Decide the classes of a version, or skip it.",
        _ok("It is decided.", ReviewBody),
        request=DecisionRequest,
        problems=(403, *_LANGUAGE),
    ),
    Endpoint(
        "undo_review",
        "DELETE",
        "/api/reviews/{id}",
        "Reviews",
        "Undo a decision; the item waits again.",
        _ok("It is undone.", ReviewBody),
        parameters=(Parameter("by", "Who undoes it, where people do not sign in.", schema=_REVIEWER),),
        problems=(403, *_LANGUAGE),
    ),
    Endpoint(
        "get_metrics",
        "GET",
        "/api/metrics",
        "Pipeline",
        "What documents were classified as, by day and model; estimated accuracy and drift.",
        _ok("The metrics.", Metrics),
        parameters=(
            Parameter("days", "How many days.", schema={"type": "integer", "minimum": 1, "maximum": MAX_DAYS}),
        ),
    ),
    Endpoint(
        "put_project",
        "PUT",
        "/api/projects/{project}",
        "Projects",
        "Create a project, or change its description.",
        (*_ok("It was there.", ProjectBody), Answer(201, "It was created.", (ProjectBody,))),
        request=ProjectRequest,
        problems=(403, *_LANGUAGE),
        master=True,
    ),
    Endpoint(
        "get_project",
        "GET",
        "/api/projects/{project}",
        "Projects",
        "A project.",
        _ok("The project.", ProjectBody),
        problems=_LANGUAGE,
    ),
    Endpoint(
        "delete_project",
        "DELETE",
        "/api/projects/{project}",
        "Projects",
        "Delete a project and its models; documents and records stay.",
        _ok("It is deleted.", DeletedProject),
        parameters=(Parameter("confirm", _CONFIRM),),
        problems=_LANGUAGE,
        master=True,
    ),
    Endpoint(
        "put_labels",
        "PUT",
        "/api/projects/{project}/labels",
        "Projects",
        "Check a labels file and replace the stored one.",
        _ok("It is stored; `warnings` say what is doubtful about it.", StoredLabels),
        request=_LABELS_FILE,
        problems=(403, 422, *_LANGUAGE),
        master=True,
    ),
    Endpoint(
        "retrain",
        "POST",
        "/api/projects/{project}/retrain",
        "Operations",
        "Train a model, and publish it if the gate lets it pass.",
        (_ACCEPTED,),
        request=RetrainRequest,
        problems=_LANGUAGE,
        master=True,
    ),
    Endpoint(
        "publish",
        "POST",
        "/api/projects/{project}/publish",
        "Operations",
        "Publish a model that was trained before.",
        (_ACCEPTED,),
        request=PublishRequest,
        problems=_LANGUAGE,
        master=True,
    ),
    Endpoint(
        "get_operation",
        "GET",
        "/api/operations/{id}",
        "Operations",
        "An operation as it is stored.",
        (Answer(200, "The operation.", OPERATION_KINDS, ("Retry-After",)),),
        problems=(404,),
    ),
    Endpoint(
        "cancel_operation",
        "POST",
        "/api/operations/{id}/cancel",
        "Operations",
        "Stop an operation at its next step.",
        (_ACCEPTED,),
        problems=(404,),
        master=True,
    ),
    Endpoint(
        "list_all_operations",
        "GET",
        "/api/operations",
        "Operations",
        "Operations of all projects, newest first.",
        _ok("The operations.", OperationList),
        parameters=(_BEFORE, _LIMIT),
    ),
    Endpoint(
        "list_operations",
        "GET",
        "/api/projects/{project}/operations",
        "Operations",
        "A project's operations, newest first.",
        _ok("The operations.", OperationList),
        parameters=(_BEFORE,),
    ),
    Endpoint(
        "list_models",
        "GET",
        "/api/projects/{project}/models",
        "Models",
        "A project's trained models.",
        _ok("The models.", ModelList),
        problems=_LANGUAGE,
    ),
    Endpoint(
        "delete_model",
        "DELETE",
        "/api/projects/{project}/models/{model}",
        "Models",
        "Delete a model that is neither in use nor deployed.",
        _ok("It is deleted.", DeletedModel),
        parameters=(Parameter("confirm", _CONFIRM),),
        problems=(501, *_LANGUAGE),
        master=True,
    ),
    Endpoint(
        "get_evaluation",
        "GET",
        "/api/projects/{project}/evaluation",
        "Models",
        "The service's figures for a model on its test documents.",
        _ok("The figures.", EvaluationBody),
        parameters=(_MODEL,),
        problems=_LANGUAGE,
    ),
    Endpoint(
        "get_validation",
        "GET",
        "/api/projects/{project}/validation",
        "Models",
        "Documents that a model was not trained on: their labels beside its classes.",
        _ok("The documents.", ValidationBody),
        parameters=(
            _MODEL,
            Parameter("only", "Only those that differ.", schema={"type": "string", "enum": ["mismatched"]}),
            Parameter("skip", "How many to leave out.", schema={"type": "integer", "minimum": 0}),
        ),
        problems=_LANGUAGE,
    ),
    Endpoint(
        "get_trial",
        "GET",
        "/api/projects/{project}/models/{model}/trial",
        "Models",
        "How a model did on the golden documents.",
        _ok("The figures.", TrialBody),
        problems=(404,),
    ),
    Endpoint(
        "compare_models",
        "GET",
        "/api/projects/{project}/compare",
        "Models",
        "The second model's figures minus the first's.",
        _ok("The differences.", Comparison),
        parameters=(
            Parameter(
                "models",
                "Two labels, with a comma between.",
                required=True,
                schema={"type": "string", "pattern": "^[^,]+,[^,]+$"},
            ),
        ),
        problems=_LANGUAGE,
    ),
    Endpoint(
        "get_openapi",
        "GET",
        "/api/openapi.json",
        "Pipeline",
        "This document.",
        _ok("OpenAPI 3.1."),
    ),
)
