"""What an injected fault does: one class for each kind, named in JSON by its `kind`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class ControlBody(BaseModel):
    """JSON of the control routes: camelCase keys, and a slip in one is refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


# In the exchange


class AnswerStatus(ControlBody):
    """Answer this status instead of doing the operation. `body` None is the service's error body."""

    kind: Literal["status"] = "status"
    status: int = Field(ge=400, le=599)
    retry_after: str | None = None
    code: str | None = None
    message: str = "Injected fault."
    body: Any = None


class DropConnection(ControlBody):
    """Close the connection without an answer: `after` the operation took effect (the answer is lost), or `before`."""

    kind: Literal["drop"] = "drop"
    when: Literal["before", "after"] = "after"


class AnswerSlowly(ControlBody):
    kind: Literal["slow"] = "slow"
    seconds: float = Field(ge=0, le=600)


class MalformJson(ControlBody):
    """Cut the answer's body in half; a bodiless answer gets half an object."""

    kind: Literal["malformed"] = "malformed"


class ReplaceAnswer(ControlBody):
    """Do the operation, then answer this body (JSON, or a string as it is) and, if given, this status."""

    kind: Literal["replace"] = "replace"
    body: Any
    status: int | None = None
    content_type: str = "application/json; charset=utf-8"


class RemoveHeader(ControlBody):
    kind: Literal["without_header"] = "without_header"
    header: str


class ForeignLocation(ControlBody):
    """Let the operation's location header name another origin."""

    kind: Literal["foreign_location"] = "foreign_location"
    origin: str = "http://language.invalid"


# In the operation


class FailJob(ControlBody):
    """The job is accepted and fails."""

    kind: Literal["fail_job"] = "fail_job"
    code: str = "InternalServerError"
    message: str = "Injected fault."


class StallJob(ControlBody):
    """The job is accepted and never ends."""

    kind: Literal["stall_job"] = "stall_job"


class LoseJob(ControlBody):
    """The job is forgotten as if it had expired: on a starting operation after its answer, on a reading one before."""

    kind: Literal["lose_job"] = "lose_job"


class FailTask(ControlBody):
    """One task of a classification job fails; `end` overrides the job's own end."""

    kind: Literal["fail_task"] = "fail_task"
    index: int = Field(0, ge=0)
    code: str = "InternalServerError"
    message: str = "Injected fault."
    targeted: bool = True
    end: Literal["failed", "partiallyCompleted"] | None = None


class DocumentFault(ControlBody):
    """Documents whose text contains `marker` come back as errors."""

    kind: Literal["document_error"] = "document_error"
    marker: str
    code: str = "InvalidArgument"
    inner: str = "InvalidDocument"
    message: str = "Injected fault."


class OmitDocuments(ControlBody):
    """Documents whose text contains `marker` are in neither list of the results."""

    kind: Literal["omit_documents"] = "omit_documents"
    marker: str


class RepeatDocuments(ControlBody):
    """Documents whose text contains `marker` are in the results twice."""

    kind: Literal["repeat_documents"] = "repeat_documents"
    marker: str


class RenameDocuments(ControlBody):
    """Documents whose text contains `marker` come back under an id nobody sent."""

    kind: Literal["rename_documents"] = "rename_documents"
    marker: str
    document_id: str = "unknown"


class DenyStorage(ControlBody):
    """The resource has no permission on the container."""

    kind: Literal["deny_storage"] = "deny_storage"


Action = Annotated[
    AnswerStatus
    | DropConnection
    | AnswerSlowly
    | MalformJson
    | ReplaceAnswer
    | RemoveHeader
    | ForeignLocation
    | FailJob
    | StallJob
    | LoseJob
    | FailTask
    | DocumentFault
    | OmitDocuments
    | RepeatDocuments
    | RenameDocuments
    | DenyStorage,
    Field(discriminator="kind"),
]
