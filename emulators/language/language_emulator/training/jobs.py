"""Training: started as a job, done for real in a worker thread, its model kept when the job ends."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from threading import RLock

from language_emulator import errors
from language_emulator.classifier.store import ClassifierStore
from language_emulator.clock import Clock
from language_emulator.control.actions import DenyStorage
from language_emulator.control.rules import Injected
from language_emulator.control.statistics import ClassifierStatistics
from language_emulator.errors import ServiceError
from language_emulator.jobs.job_store import JobStore
from language_emulator.jobs.records import JobFault, JobStatus, TrainingJob
from language_emulator.limits import MODELS_PER_PROJECT, TRAINING_CONFIG
from language_emulator.projects.records import Project, SplitOptions, TrainedModel, new_guid
from language_emulator.projects.storage import ProjectStorage
from language_emulator.projects.store import Projects
from language_emulator.training.trainer import TrainedClassifier, train_classifier

logger = logging.getLogger(__name__)

# The real end of a training is not its visible end, so that work done never counts as a finished job by itself.
UNFINISHED = 0.99


class _Run:
    """The real work of one training job."""

    def __init__(self) -> None:
        self.progress = 0.0
        self.future: Future[TrainedClassifier] = Future()

    def report(self, progress: float) -> None:
        self.progress = progress

    @property
    def fraction(self) -> float:
        return 1.0 if self.future.done() else min(self.progress, UNFINISHED)


class Training:
    """Trains one model at a time per project; a label that exists is trained anew and then names the newer model."""

    def __init__(
        self,
        projects: Projects,
        job_store: JobStore,
        storage: ProjectStorage,
        classifiers: ClassifierStore,
        clock: Clock,
        lock: RLock,
        statistics: ClassifierStatistics,
    ) -> None:
        self._projects = projects
        self._job_store = job_store
        self._storage = storage
        self._classifiers = classifiers
        self._clock = clock
        self._lock = lock
        self._statistics = statistics
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="train")
        self._runs: dict[str, _Run] = {}

    def start(
        self,
        project_name: str,
        label: str,
        injected: Injected,
        *,
        config_version: str = TRAINING_CONFIG,
        split: SplitOptions | None = None,
        job_id: str | None = None,
    ) -> TrainingJob:
        with self._lock:
            project = self._projects.get(project_name)
            self.refuse_while_running(project_name)
            if label not in project.models and len(project.models) >= MODELS_PER_PROJECT:
                raise errors.quota_exceeded(f"A project holds at most {MODELS_PER_PROJECT} models.")
            job = TrainingJob(
                job_id=job_id or new_guid(),
                project=project_name,
                model_label=label,
                config_version=config_version,
                split=split,
            )
            if injected.find(DenyStorage) is not None:
                job.injected_error = JobFault.of(errors.storage_denied(project.container))
            self._begin(job, project)
            return self._job_store.post(job, injected)

    def refuse_while_running(self, project_name: str) -> None:
        """409 while the project trains: one training at a time, and in GA no other job beside it."""
        if self._job_store.select(TrainingJob, lambda job: job.is_active and job.project == project_name):
            raise errors.training_running(project_name)

    def resume(self) -> None:
        """Train again what a stop of the emulator interrupted."""
        for job in self._job_store.select(TrainingJob, lambda job: job.is_active):
            project = self._projects.find(job.project)
            if project is None:
                self._job_store.forget(job.job_id)
            else:
                self._begin(job, project)

    def close(self) -> None:
        self._workers.shutdown(wait=True, cancel_futures=True)

    def progress(self, job: TrainingJob) -> float:
        return self._runs[job.job_id].fraction

    def complete(self, job: TrainingJob) -> JobStatus:
        trained = self._outcome(job)
        now = self._clock.now()
        model = _trained_model(job, self._projects.get(job.project), trained, now)
        self._classifiers.save(model.guid, trained.classifier)
        self._projects.change(job.project, lambda project: project.models.update({model.label: model}))
        self._statistics.add_training(job.project, model.label, trained.documents, trained.fitting_seconds)
        job.trained = now
        job.evaluated = trained.evaluation is not None
        return JobStatus.SUCCEEDED

    def abandon(self, job: TrainingJob) -> None:
        run = self._runs.pop(job.job_id, None)
        if run is not None:
            run.future.cancel()

    def _outcome(self, job: TrainingJob) -> TrainedClassifier:
        try:
            return self._runs.pop(job.job_id).future.result()
        except ServiceError:
            raise
        except Exception as error:
            logger.exception("training_failed job=%s", job.job_id)
            raise errors.internal_error() from error

    def _begin(self, job: TrainingJob, project: Project) -> None:
        run = _Run()
        self._runs[job.job_id] = run
        # A fixed seed for each model: training it again on the same labels holds out the same documents.
        seed = f"{project.name}/{job.model_label}"
        run.future = self._workers.submit(train_classifier, self._storage, project, job.split, seed, run.report)


def _trained_model(job: TrainingJob, project: Project, trained: TrainedClassifier, now: datetime) -> TrainedModel:
    return TrainedModel(
        label=job.model_label,
        kind=project.kind,
        config_version=job.config_version,
        split=job.split,
        training_job_id=job.job_id,
        started=job.created,
        trained=now,
        evaluated=now,
        documents=trained.documents,
        evaluation=trained.evaluation,
        validation_review=trained.validation_review,
        test_review=trained.test_review,
    )
