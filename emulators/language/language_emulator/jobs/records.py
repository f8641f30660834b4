"""Jobs of every kind: what the emulator remembers of them, saved as JSON. Their life-cycle is in `job_store.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from language_emulator.control.progression import IMMEDIATE, ProgressionField
from language_emulator.errors import ServiceError
from language_emulator.projects.records import Project, ProjectKind, SplitOptions, new_guid

# Documented for GA training jobs; the preview says nothing.
AUTHORING_JOB_LIFE = timedelta(days=7)
UNSET = datetime.min.replace(tzinfo=UTC)


class JobStatus(StrEnum):
    """The GA words; the preview has its own and maps these."""

    NOT_STARTED = "notStarted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTIALLY_COMPLETED = "partiallyCompleted"


ACTIVE = frozenset({JobStatus.NOT_STARTED, JobStatus.RUNNING})


class JobFault(BaseModel):
    """Why a job, a task or a document failed."""

    code: str
    message: str
    inner: str | None = None
    target: str | None = None

    @classmethod
    def of(cls, error: ServiceError) -> JobFault:
        return cls(code=error.code, message=error.message, inner=error.inner, target=error.target)


class Job(BaseModel):
    """What all kinds have in common."""

    kind: str
    job_id: str = Field(default_factory=new_guid)
    project: str = ""
    # Set by the job store when the job is posted.
    created: datetime = UNSET
    updated: datetime = UNSET
    expires: datetime = UNSET
    progression: ProgressionField = IMMEDIATE
    status: JobStatus = JobStatus.NOT_STARTED
    percent: int = 0
    reads: int = 0
    faults: list[JobFault] = []
    # An injected end: the job fails with this once its progression allows it to end.
    injected_error: JobFault | None = None

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


class TrainingJob(Job):
    kind: Literal["training"] = "training"
    model_label: str
    config_version: str
    split: SplitOptions | None = None
    trained: datetime | None = None
    # None until known; False when there were too few documents to evaluate.
    evaluated: bool | None = None


class PublishingJob(Job):
    """A publish of the 2021 preview."""

    kind: Literal["publishing"] = "publishing"
    model_label: str
    # Known when the job has succeeded.
    model_id: str | None = None


class DeploymentJob(Job):
    """GA: a model put into a named slot, or the slot deleted."""

    kind: Literal["deployment"] = "deployment"
    deployment: str
    # None deletes the deployment.
    model_label: str | None = None


class SwapJob(Job):
    kind: Literal["swap"] = "swap"
    first: str
    second: str


class ImportJob(Job):
    """GA: labels that replace a project's, and with a new name make the project."""

    kind: Literal["import"] = "import"
    wanted: Project


class ExportJob(Job):
    """GA: the project file as it was when the job started."""

    kind: Literal["export"] = "export"
    snapshot: Project


class DeletionJob(Job):
    """GA: `project` stays empty, or the job would go with the project it deletes."""

    kind: Literal["deletion"] = "deletion"
    deleted_project: str


class DocumentOutcome(BaseModel):
    """A document of a classification job: its classes, or why it has none."""

    document_id: str
    characters: int
    classes: list[tuple[str, float]] = []
    fault: JobFault | None = None


class AnalysisTask(BaseModel):
    """One entry of a classification job, as the wire calls it."""

    kind: ProjectKind
    name: str
    # The 2021 preview's reference.
    model_id: str = ""
    # The GA reference.
    project: str = ""
    deployment: str = ""
    outcomes: list[DocumentOutcome] = []
    fault: JobFault | None = None


class AnalysisJob(Job):
    kind: Literal["analysis"] = "analysis"
    display_name: str | None = None
    document_count: int
    tasks: list[AnalysisTask]
    # Injected: whether errors name their task, and how the job ends whatever its tasks did.
    targeted_faults: bool = True
    forced_end: JobStatus | None = None

    def task_status(self, task: AnalysisTask) -> JobStatus:
        """A task shares the job's state, unless the job has ended and the task went its own way."""
        if self.status in (JobStatus.SUCCEEDED, JobStatus.PARTIALLY_COMPLETED):
            return JobStatus.SUCCEEDED if task.fault is None else JobStatus.FAILED
        return self.status

    @property
    def result_count(self) -> int:
        """Documents of its longest task, which decides where the pages end."""
        return max((len(task.outcomes) for task in self.tasks), default=0)

    def count_tasks(self, *statuses: JobStatus) -> int:
        return sum(self.task_status(task) in statuses for task in self.tasks)


AnyJob = Annotated[
    TrainingJob | PublishingJob | DeploymentJob | SwapJob | ImportJob | ExportJob | DeletionJob | AnalysisJob,
    Field(discriminator="kind"),
]
