"""Classification jobs: a batch of documents, really classified when accepted, shown when its progression allows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from language_emulator import errors
from language_emulator.classifier.store import ClassifierStore
from language_emulator.control.rules import Injected
from language_emulator.control.statistics import ClassifierStatistics
from language_emulator.errors import ServiceError
from language_emulator.jobs.job_faults import apply_to_outcome, apply_to_tasks
from language_emulator.jobs.job_store import InstantWork, JobStore
from language_emulator.jobs.records import AnalysisJob, AnalysisTask, DocumentOutcome, JobFault, JobStatus
from language_emulator.limits import CHARACTERS_PER_REQUEST, DOCUMENTS_PER_REQUEST
from language_emulator.text_elements import count_text_elements


@dataclass(frozen=True)
class InputDocument:
    """A document as the client sent it."""

    document_id: str
    text: str
    # The language it was sent with, where that is not one of the service's.
    unknown_language: str | None = None

    def fault(self) -> ServiceError | None:
        """Why it is not classified, while the others are."""
        if not self.text.strip():
            return errors.document_empty()
        return errors.language_unsupported(self.unknown_language) if self.unknown_language is not None else None


@dataclass(frozen=True)
class TaskOrder:
    """A task and the model version its reference led to, or why it led nowhere."""

    task: AnalysisTask
    model_guid: str | None


def check_batch(documents: Sequence[InputDocument], *, missing_code: str) -> None:
    """Refuse what the service refuses as a whole. An empty text is not among it: that is an error of one document."""
    if not documents:
        raise errors.documents_required(missing_code)
    if len(documents) > DOCUMENTS_PER_REQUEST:
        raise errors.batch_too_large(
            f"The request holds {len(documents)} documents; {DOCUMENTS_PER_REQUEST} are allowed."
        )
    # Code points are never fewer than text elements, and cost nothing to count.
    characters = sum(len(document.text) for document in documents)
    if characters > CHARACTERS_PER_REQUEST:
        characters = sum(count_text_elements(document.text) for document in documents)
    if characters > CHARACTERS_PER_REQUEST:
        raise errors.batch_too_large(
            f"The documents hold {characters} characters; {CHARACTERS_PER_REQUEST} are allowed."
        )
    identifiers = [document.document_id for document in documents]
    if not all(identifiers):
        raise errors.document_ids_invalid("A document has no id.")
    if len(set(identifiers)) < len(identifiers):
        raise errors.document_ids_invalid("Two documents have the same id.")


class Analysis(InstantWork):
    """Accepts classification jobs and tells how they ended."""

    def __init__(self, job_store: JobStore, classifiers: ClassifierStore, statistics: ClassifierStatistics) -> None:
        self._job_store = job_store
        self._classifiers = classifiers
        self._statistics = statistics

    def submit(
        self,
        documents: Sequence[InputDocument],
        orders: Sequence[TaskOrder],
        *,
        display_name: str | None,
        life: timedelta,
        injected: Injected,
    ) -> AnalysisJob:
        """The batch must have passed `check_batch`."""
        for order in orders:
            if order.model_guid is not None:
                order.task.outcomes = self._classify(documents, order.model_guid, injected)
        job = AnalysisJob(
            display_name=display_name,
            document_count=len(documents),
            tasks=[order.task for order in orders],
        )
        apply_to_tasks(job, injected)
        return self._job_store.post(job, injected, life=life)

    def complete(self, job: AnalysisJob) -> JobStatus:
        failed = sum(task.fault is not None for task in job.tasks)
        if job.forced_end is not None:
            return job.forced_end
        if failed == len(job.tasks):
            return JobStatus.FAILED
        return JobStatus.PARTIALLY_COMPLETED if failed else JobStatus.SUCCEEDED

    def _classify(
        self, documents: Sequence[InputDocument], model_guid: str, injected: Injected
    ) -> list[DocumentOutcome]:
        classifier = self._classifiers.find(model_guid)
        if classifier is None:
            raise errors.internal_error()
        readable = [document for document in documents if document.fault() is None]
        begun = time.perf_counter()
        answers = classifier.classify([document.text for document in readable])
        self._statistics.add_classification(len(readable), time.perf_counter() - begun)
        classes = {
            document.document_id: [(score.name, score.confidence) for score in answer]
            for document, answer in zip(readable, answers, strict=True)
        }
        outcomes = [(_outcome(document, classes), document.text) for document in documents]
        return [found for outcome, text in outcomes for found in apply_to_outcome(outcome, text, injected)]


def _outcome(document: InputDocument, classes: dict[str, list[tuple[str, float]]]) -> DocumentOutcome:
    fault = document.fault()
    return DocumentOutcome(
        document_id=document.document_id,
        characters=count_text_elements(document.text),
        classes=classes.get(document.document_id, []),
        fault=None if fault is None else JobFault.of(fault),
    )
