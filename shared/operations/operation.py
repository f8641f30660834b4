"""The operation: our record of a retraining, publishing, reclassifying or redriving, with all that happened. Pure.

Stored as pipeline/operations/open/<id>.json while it runs and pipeline/operations/closed/<date>/<id>.json for good;
pipeline/operations/locks/<project>.json is its project's lock.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from shared.documents.record_schema import Decision
from shared.documents.ref import FailureCode, NamePrefix
from shared.durable.record import Facts, Record, StoredModel
from shared.durable.steps import StepQueue
from shared.language.values import ModelRef, ServiceError
from shared.models.evaluations import EvaluationFigures
from shared.models.gate import GateDecision, GateRule
from shared.storage.ports import Page

# An operation that has not ended by then is given up; the service trains for hours at most.
DEADLINE = timedelta(hours=24)
MAX_REASON = 1_000


class OperationKind(StrEnum):
    RETRAIN = "retrain"
    PUBLISH = "publish"
    RECLASSIFY = "reclassify"
    REDRIVE_DEAD_LETTERS = "redrive_dead_letters"


class OperationState(StrEnum):
    """`refused` means that the gate refused the model: a normal end, with its reason."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What the next message does; each is idempotent."""

    SPLIT = "split"
    IMPORT = "import"
    WAIT_IMPORT = "wait_import"
    TRAIN = "train"
    WAIT_TRAINING = "wait_training"
    EVALUATE = "evaluate"
    GATE = "gate"
    PUBLISH = "publish"
    WAIT_PUBLISHING = "wait_publishing"
    TRIAL = "trial"
    WAIT_TRIAL = "wait_trial"
    HOLD = "hold"
    SWAP = "swap"
    WAIT_SWAP = "wait_swap"
    SWITCH = "switch"
    SEND_PAGE = "send_page"

    @classmethod
    def _missing_(cls, value: object) -> Step | None:
        """Records of an earlier release may stand where a probe was sent, and the trial has taken its place."""
        return cls.TRIAL if value in ("probe", "wait_probe") else None


class ErrorBody(StoredModel):
    """An error as the service gave it."""

    code: str
    message: str
    target: str | None = None


class _Request(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class RetrainRequest(_Request):
    """Body of POST .../retrain. `model` names the new model; one is made up when it is not given."""

    model: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,50}$")
    publish: bool = True
    gate: GateRule = Field(default_factory=GateRule)
    force: bool = False


class PublishRequest(_Request):
    """Body of POST .../publish. `model` is the label of a trained model."""

    model: str


class ReclassifyRequest(_Request):
    """Body of POST /api/reclassify. `older_than_model`: records by other models than this label, or the active one.

    `decision`: only classifications with that decision. With `failed` it is a redrive: it goes over the failure
    records, those with the code `reason` if one is given.
    """

    prefix: NamePrefix = ""
    older_than_model: str | bool = False
    # Left out where there is none: an older release refuses what it does not know here, and rightly, if it limits.
    decision: Decision | None = Field(None, exclude_if=lambda decision: decision is None)
    failed: bool = False
    reason: FailureCode | None = None
    dry_run: bool = False
    confirm: bool = False

    @model_validator(mode="after")
    def _reason_of_failures(self) -> Self:
        if self.reason is not None and not self.failed:
            raise ValueError("reason is the code of a failure record: it goes with failed")
        return self

    @model_validator(mode="after")
    def _decision_of_classifications(self) -> Self:
        if self.decision is not None and self.failed:
            raise ValueError("decision is that of a classification: it does not go with failed")
        return self


class RedriveRequest(_Request):
    """Body of POST /api/failures/redrive. `reason` is the code of the failure records."""

    reason: FailureCode | None = None
    prefix: NamePrefix = ""
    dry_run: bool = False
    confirm: bool = False

    @property
    def reclassification(self) -> ReclassifyRequest:
        """The same as a request to reclassify, which it is a case of."""
        return ReclassifyRequest(failed=True, **dict(self))


class RedriveDeadLettersRequest(_Request):
    """Body of POST /api/dead-letters/redrive. `queue` is one of those the dead letters are kept by."""

    queue: str | None = Field(None, pattern=r"^[a-z0-9-]{3,63}$")
    dry_run: bool = False


class OperationFacts(Facts):
    """What listings show of an operation."""

    project: str
    kind: OperationKind
    state: OperationState


class OperationRecord(Record):
    """What all kinds have.

    `job_id` is the service's job that the step waits for; empty where the API version gives none. `intents` holds
    when the intent of a step was saved: it is saved before a POST, so that a crash in the act is recognised.
    """

    kind: OperationKind
    project: str
    api_version: str
    state: OperationState = OperationState.RUNNING
    step: Step
    job_id: str = ""
    intents: dict[Step, AwareDatetime] = Field(default_factory=dict)
    percent: int | None = None
    cancel_requested: bool = False
    ended: AwareDatetime | None = None
    reason: str | None = None
    errors: tuple[ErrorBody, ...] = ()

    @property
    def is_ended(self) -> bool:
        return self.state is not OperationState.RUNNING

    @property
    def entered(self) -> datetime:
        """When the present step was entered."""
        return self.history[-1].at if self.history else self.created

    @property
    def is_cancellable(self) -> bool:
        """Once publishing is asked for, the service goes on whatever we do, so the operation waits for its end."""
        is_asked_for = self.step is Step.PUBLISH and Step.PUBLISH in self.intents
        return not self.is_ended and not is_asked_for and self.step not in _NOT_CANCELLABLE

    @property
    def aftermath(self) -> str:
        """What an unsuccessful end leaves behind, for its reason."""
        is_swapping = self.step is Step.SWAP and Step.SWAP in self.intents
        if is_swapping or self.step in (Step.WAIT_SWAP, Step.SWITCH):
            return "production may hold the new model already; publish again, this model or another, to settle it"
        return "the active model is unchanged"

    def note(self, at: datetime, what: str, **changes: object) -> Self:
        """As every record; the line of history names the step it was written in."""
        return super().note(at, f"{self.step}: {what}", **changes)

    def ending(
        self, at: datetime, state: OperationState, reason: str, errors: tuple[ServiceError, ...] = ()
    ) -> dict[str, Any]:
        """The changes that end the operation, for `evolve`."""
        bodies = tuple(ErrorBody(**asdict(error)) for error in errors)
        return {"state": state, "reason": reason[:MAX_REASON], "ended": at, "errors": bodies}

    def facts(self) -> OperationFacts:
        return OperationFacts(
            created=self.created,
            due=self.due,
            project=self.project,
            kind=self.kind,
            state=self.state,
            **self.facts_of_deferral(),
        )


_NOT_CANCELLABLE = frozenset({Step.WAIT_PUBLISHING, Step.SWAP, Step.WAIT_SWAP, Step.SWITCH})


class TrialJob(StoredModel):
    """An analyze job at the service: its id, and the length in characters of each text, by text id."""

    job_id: str
    texts: dict[str, int]


class TrialBatch(StoredModel):
    """What is on its way to one of the `models`: golden documents by their index in the operation's list, or the probe
    where there are none. `attempt` counts its earlier submissions."""

    model: int
    indexes: tuple[int, ...] = ()
    attempt: int = 0
    jobs: tuple[TrialJob, ...] = ()


class TrialProgress(StoredModel):
    """How far the trial is. `models` are the candidate and, where it is compared with, the active one.

    Of `documents` golden documents, `to_classify` answers were missing when the trial began, of both models together;
    `done` have come, `errors` in their place among them. `answering` are the labels of the models that have answered
    something in this operation. `untried` says why the candidate is not compared with the active model on them.
    """

    documents: int
    to_classify: int
    done: int = 0
    errors: int = 0
    models: tuple[ModelRef, ...]
    answering: tuple[str, ...] = ()
    untried: str | None = None
    batch: TrialBatch | None = None

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.to_classify) if self.to_classify else 100

    @property
    def figures(self) -> str:
        without = f", {self.errors} of them without an answer" if self.errors else ""
        return f"{self.done} of {self.to_classify} documents{without}"

    def counting(self, documents: int, *, errors: int = 0, batch: TrialBatch | None = None) -> Self:
        """With so many more documents done, and `batch` as the next one under way."""
        return self.model_copy(update={"done": self.done + documents, "errors": self.errors + errors, "batch": batch})


class PublishingRecord(OperationRecord):
    """What a retraining and a publication share. `label` is the model's name.

    `reference` is what an analyze request names the published model by while it is tried. `replaced_model_id` is the
    model that production held when the swap was intended; `swap_not_before` is when no earlier submission can still be
    on its way. `without_staging`: the service allows the project one deployment, so the model goes straight into it.
    """

    label: str
    reference: str = ""
    trial: TrialProgress | None = None
    replaced_model_id: str = ""
    swap_not_before: AwareDatetime | None = None
    swap_is_deployment: bool = False
    without_staging: bool = False


class Retrain(PublishingRecord):
    """Train a model, evaluate it, publish it where nothing depends on it, and use it if the gate lets it pass."""

    kind: Literal[OperationKind.RETRAIN] = OperationKind.RETRAIN
    request: RetrainRequest = Field(default_factory=RetrainRequest)
    manual_split: bool = False
    candidate_evaluation: EvaluationFigures | None = None
    active_evaluation: EvaluationFigures | None = None
    gate: GateDecision | None = None


class Publish(PublishingRecord):
    """Publish a model that was trained before."""

    kind: Literal[OperationKind.PUBLISH] = OperationKind.PUBLISH


Publishing: TypeAlias = Retrain | Publish


class ListingRecord(OperationRecord):
    """What operations share that go through a listing and send what it shows, a page a step.

    `total` is what was counted at the start, `token` where the listing goes on; `seen` entries were looked at,
    `sent` of them sent and `skipped` left out.
    """

    total: int
    token: str | None = None
    seen: int = 0
    sent: int = 0
    skipped: int = 0

    def progress(self, page: Page, *, sent: int, skipped: int) -> dict[str, Any]:
        """The changes that one page's work makes."""
        sent, skipped = self.sent + sent, self.skipped + skipped
        percent = min(100, round(100 * (sent + skipped) / self.total)) if self.total else 100
        seen = self.seen + len(page.infos)
        return {"token": page.token, "seen": seen, "sent": sent, "skipped": skipped, "percent": percent}


class Reclassify(ListingRecord):
    """Send documents again that have a record. `model` is the label whose own records are left alone.

    `skipped` are those that cannot be read; of failures also those whose version is no longer current, or is in an
    open batch already.
    """

    kind: Literal[OperationKind.RECLASSIFY] = OperationKind.RECLASSIFY
    request: ReclassifyRequest
    model: str | None


class RedriveDeadLetters(ListingRecord):
    """Put dead letters back onto their queues. `skipped` are those that stay: nothing can be made of them."""

    kind: Literal[OperationKind.REDRIVE_DEAD_LETTERS] = OperationKind.REDRIVE_DEAD_LETTERS
    request: RedriveDeadLettersRequest


Operation: TypeAlias = Retrain | Publish | Reclassify | RedriveDeadLetters
OPERATION_KINDS = (Retrain, Publish, Reclassify, RedriveDeadLetters)
OPERATION: TypeAdapter[Operation] = TypeAdapter(
    Annotated[Operation, Field(discriminator="kind")], config=ConfigDict(defer_build=True)
)
OperationQueue: TypeAlias = StepQueue[Operation, OperationFacts]


def created_on(operation_id: str) -> date | None:
    """The day an operation was created, which its id begins with; None for what is no operation's id."""
    try:
        return datetime.strptime(operation_id[:8], "%Y%m%d").date()
    except ValueError:
        return None
