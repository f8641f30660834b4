"""Injected faults: rules a test puts in place, each matching requests of an operation and spoiling them in one way.

A rule says where (`operation`, and optionally a pattern of the path and a text the request's body must contain), how
often (`skip` matching requests, then `count` times, each with `probability`) and what (`action`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from threading import Lock
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from local.language_emulator.jobs import JobFault, JobStatus


class _Control(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


# Spoiling the exchange


class AnswerStatus(_Control):
    """Answer this status instead of doing the operation. `body` None is the service's error body."""

    kind: Literal["status"] = "status"
    status: int = Field(ge=400, le=599)
    retry_after: str | None = None
    code: str | None = None
    message: str = "Injected fault."
    body: Any = None


class DropConnection(_Control):
    """Close the connection without an answer: `after` the operation took effect (the answer is lost), or `before`."""

    kind: Literal["drop"] = "drop"
    when: Literal["before", "after"] = "after"


class AnswerSlowly(_Control):
    kind: Literal["slow"] = "slow"
    seconds: float = Field(ge=0, le=600)


class MalformJson(_Control):
    """Cut the answer's body in half; a bodiless answer gets half an object."""

    kind: Literal["malformed"] = "malformed"


class ReplaceAnswer(_Control):
    """Do the operation, then answer this body (JSON, or a string as it is) and, if given, this status."""

    kind: Literal["replace"] = "replace"
    body: Any
    status: int | None = None
    content_type: str = "application/json; charset=utf-8"


class RemoveHeader(_Control):
    kind: Literal["without_header"] = "without_header"
    header: str


class ForeignLocation(_Control):
    """Let the operation's location header name another origin."""

    kind: Literal["foreign_location"] = "foreign_location"
    origin: str = "http://language.invalid"


# Spoiling the operation


class FailJob(_Control):
    """The job is accepted and fails."""

    kind: Literal["fail_job"] = "fail_job"
    code: str = "InternalServerError"
    message: str = "Injected fault."


class StallJob(_Control):
    """The job is accepted and never ends."""

    kind: Literal["stall_job"] = "stall_job"


class LoseJob(_Control):
    """The job is forgotten as if it had expired: on a starting operation after its answer, on a reading one before."""

    kind: Literal["lose_job"] = "lose_job"


class FailTask(_Control):
    """One task of a classification job fails; `end` overrides the job's own end."""

    kind: Literal["fail_task"] = "fail_task"
    index: int = Field(0, ge=0)
    code: str = "InternalServerError"
    message: str = "Injected fault."
    targeted: bool = True
    end: Literal[JobStatus.FAILED, JobStatus.PARTIALLY_COMPLETED] | None = None


class DocumentFault(_Control):
    """Documents whose text contains `marker` come back as errors."""

    kind: Literal["document_error"] = "document_error"
    marker: str
    code: str = "InvalidArgument"
    inner: str = "InvalidDocument"
    message: str = "Injected fault."

    def fault(self) -> JobFault:
        return JobFault(code=self.code, message=self.message, inner=self.inner)


class OmitDocuments(_Control):
    """Documents whose text contains `marker` are in neither list of the results."""

    kind: Literal["omit_documents"] = "omit_documents"
    marker: str


class RepeatDocuments(_Control):
    """Documents whose text contains `marker` are in the results twice."""

    kind: Literal["repeat_documents"] = "repeat_documents"
    marker: str


class RenameDocuments(_Control):
    """Documents whose text contains `marker` come back under an id nobody sent."""

    kind: Literal["rename_documents"] = "rename_documents"
    marker: str
    document_id: str = "unknown"


class DenyStorage(_Control):
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
A = TypeVar("A", bound=BaseModel)


class FaultRule(_Control):
    """`operation` `*` is every operation; `count` None is for ever. `applied` counts, and is not for setting."""

    operation: str = "*"
    path: str | None = None
    text: str | None = None
    skip: int = Field(0, ge=0)
    count: int | None = Field(1, ge=1)
    probability: float = Field(1.0, gt=0, le=1)
    action: Action
    applied: int = 0

    def matches(self, operation: str, path: str, body: str) -> bool:
        return (
            self.operation in ("*", operation)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.text is None or self.text in body)
            and (self.count is None or self.applied < self.count)
        )


class Injected:
    """The actions that struck one request."""

    def __init__(self, actions: list[Any] | None = None) -> None:
        self._actions = actions or []

    def all(self, kind: type[A]) -> Iterator[A]:
        return (action for action in self._actions if isinstance(action, kind))

    def find(self, kind: type[A]) -> A | None:
        return next(self.all(kind), None)


class FaultRules:
    """The rules in place, in order; every rule that matches strikes."""

    def __init__(self, seed: int = 1) -> None:
        self._lock = Lock()
        self._rules: list[FaultRule] = []
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret

    @property
    def rules(self) -> list[FaultRule]:
        with self._lock:
            return list(self._rules)

    def replace(self, rules: list[FaultRule]) -> None:
        with self._lock:
            self._rules = [rule.model_copy(update={"applied": 0}) for rule in rules]

    def strike(self, operation: str, path: str, body: str) -> Injected:
        with self._lock:
            return Injected([rule.action for rule in self._rules if self._strikes(rule, operation, path, body)])

    def _strikes(self, rule: FaultRule, operation: str, path: str, body: str) -> bool:
        if not rule.matches(operation, path, body):
            return False
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if self._random.random() >= rule.probability:
            return False
        rule.applied += 1
        return True
