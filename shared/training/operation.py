"""The operation record: a retraining, publishing or reclassifying, with all that happened. Pure.

Stored as pipeline/operations/records/<id>.json for good; pipeline/operations/active/<project>.json is its lock.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.language.models import Evaluation, ServiceError
from shared.models.gate import GateDecision, GateRule, Metric

# An operation that has not ended by then is given up; the service trains for hours at most.
DEADLINE = timedelta(hours=24)
STEP_ALLOWANCE = timedelta(minutes=10)


class OperationKind(StrEnum):
    RETRAIN = "retrain"
    PUBLISH = "publish"
    RECLASSIFY = "reclassify"


class OperationState(StrEnum):
    """`refused` is the gate's no: a normal end with its reason."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What the next message does; each is idempotent."""

    IMPORT = "import"
    WAIT_IMPORT = "wait_import"
    TRAIN = "train"
    WAIT_TRAINING = "wait_training"
    EVALUATE = "evaluate"
    GATE = "gate"
    PUBLISH = "publish"
    WAIT_PUBLISHING = "wait_publishing"
    PROBE = "probe"
    WAIT_PROBE = "wait_probe"
    HOLD = "hold"
    SWAP = "swap"
    WAIT_SWAP = "wait_swap"
    SWITCH = "switch"
    WALK = "walk"


class _Model(BaseModel):
    # Fields of a newer release are ignored, so that a roll-back finishes the operations it finds.
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, protected_namespaces=())


class StepRecord(_Model):
    """One step with its times and what it found."""

    step: Step
    started: AwareDatetime
    ended: AwareDatetime | None = None
    detail: str = ""


class ErrorRecord(_Model):
    """An error as the service gave it."""

    code: str
    message: str
    target: str | None = None


class EvaluationRecord(_Model):
    """The figures of one model, 0 to 1; `classes` by name with precision, recall, f1 and counts."""

    label: str
    micro_f1: float
    micro_precision: float
    micro_recall: float
    macro_f1: float
    macro_precision: float
    macro_recall: float
    classes: dict[str, dict[str, float]]


class _Request(_Model):
    model_config = ConfigDict(extra="forbid")


class RetrainRequest(_Request):
    """Body of POST .../retrain. `model` names the new model; one is made up when it is not given."""

    model: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,50}$")
    publish: bool = True
    gate: GateRule = GateRule()
    force: bool = False


class ReclassifyRequest(_Request):
    """Body of POST /api/reclassify. `older_than_model`: records by other models than this label, or the active one."""

    prefix: str = ""
    older_than_model: str | bool = False
    failed: bool = False
    dry_run: bool = False
    confirm: bool = False


class Walk(_Model):
    """How far a reclassification has come; `token` is where the listing goes on."""

    request: ReclassifyRequest
    model: str | None
    total: int
    token: str | None = None
    seen: int = 0
    sent: int = 0


class Operation(_Model):
    """`due` is when the next step should have happened at the latest; the sweep looks at nothing else."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    id: str
    kind: OperationKind
    project: str
    api_version: str
    state: OperationState = OperationState.RUNNING
    step: Step
    created: AwareDatetime
    due: AwareDatetime
    ended: AwareDatetime | None = None
    label: str | None = None
    request: RetrainRequest = RetrainRequest()
    steps: tuple[StepRecord, ...] = ()
    import_job: str | None = None
    manual_split: bool = False
    training_job: str | None = None
    publishing_job: str | None = None
    probe_job: str | None = None
    swap_job: str | None = None
    swap_is_deployment: bool = False
    replaced_model_id: str | None = None
    swap_after: AwareDatetime | None = None
    percent: int | None = None
    candidate_evaluation: EvaluationRecord | None = None
    active_evaluation: EvaluationRecord | None = None
    gate: GateDecision | None = None
    model_id: str | None = None
    walk: Walk | None = None
    cancel_requested: bool = False
    reason: str | None = None
    errors: tuple[ErrorRecord, ...] = ()

    @property
    def is_ended(self) -> bool:
        return self.state is not OperationState.RUNNING

    def began(self, step: Step) -> datetime | None:
        """When the step was begun, if it was."""
        return next((each.started for each in self.steps if each.step is step), None)

    @property
    def untouched(self) -> str:
        """What a bad end leaves behind, for its reason."""
        swapping = self.step is Step.SWAP and self.began(Step.SWAP) is not None
        if swapping or self.step in (Step.WAIT_SWAP, Step.SWITCH):
            return "production may hold the new model already; publish again, this model or another, to settle it"
        return "the active model is as it was"

    def begin(self, step: Step, now: datetime, detail: str = "") -> Operation:
        """Write down the intent before the act: a crash in the act is then recognised."""
        return self.model_copy(update={"steps": (*self.steps, StepRecord(step=step, started=now, detail=detail))})

    def evolve(self, now: datetime, detail: str, **changes: Any) -> Operation:
        """End the current step with `detail` and apply `changes` (usually the next step)."""
        records = list(self.steps)
        if not records or records[-1].step is not self.step or records[-1].ended is not None:
            records.append(StepRecord(step=self.step, started=now))
        records[-1] = records[-1].model_copy(update={"ended": now, "detail": detail})
        return self.model_copy(update={"steps": tuple(records), "due": now + STEP_ALLOWANCE, **changes})

    def end(
        self, now: datetime, state: OperationState, reason: str, errors: tuple[ServiceError, ...] = ()
    ) -> Operation:
        told = tuple(ErrorRecord(**asdict(error)) for error in errors)
        return self.evolve(now, reason, state=state, reason=reason, ended=now, errors=told)

    def metadata(self) -> dict[str, str]:
        return {
            "project": self.project,
            "kind": self.kind.value,
            "state": self.state.value,
            "due": self.due.isoformat(),
        }


def evaluation_record(label: str, evaluation: Evaluation) -> EvaluationRecord:
    return EvaluationRecord(
        label=label,
        classes={name: asdict(each) for name, each in evaluation.classes.items()},
        **{name: getattr(evaluation, name) for name in Metric},
    )
