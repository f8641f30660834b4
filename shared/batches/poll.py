"""State submitted: ask for the service's jobs. Not ready: poll again. Finished: write the records and close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.batches.answer_counts import count_answers
from shared.batches.batch import MAX_ATTEMPTS, Batch, BatchDocument, Batches, JobReference, Outcome
from shared.batches.job_times import JobTimes
from shared.batches.resubmit import Resubmit
from shared.batches.results import Results, resolve
from shared.concurrency import each_apart
from shared.documents.answers import error_text, merge_pages, why_useless
from shared.documents.jobs import read_pages
from shared.documents.messages import Source
from shared.documents.records import Records
from shared.documents.ref import FailureCode
from shared.durable.steps import Done, Next, NotReady
from shared.durable.store import Stored
from shared.errors import LanguageNotFoundError, MalformedAnswerError
from shared.language.apis import api_for
from shared.language.client import LanguageClient
from shared.language.values import TERMINAL, AnalyzeJob, ModelRef
from shared.reviews.queue import ReviewQueue


@dataclass(frozen=True)
class Poll:
    """One step of a submitted batch."""

    batches: Batches
    records: Records
    resubmit: Resubmit
    language: LanguageClient
    reviews: ReviewQueue
    job_times: JobTimes

    def __call__(self, stored: Stored[Batch]) -> Next[Batch]:
        """Raises RetryableError, which defers the step, and RaceLostError, which ends it."""
        try:
            pages = [page for job in stored.record.jobs for page in self._read_pages(stored.record, job)]
        except LanguageNotFoundError as error:
            why = f"the service no longer knows the job: {error}"
            return self.resubmit.whole(stored, FailureCode.JOB_EXPIRED, why)
        except MalformedAnswerError as error:
            return self.resubmit.whole(stored, FailureCode.MALFORMED_ANSWER, str(error))
        if any(page.status not in TERMINAL for page in pages):
            return self._poll_again(stored)
        for page in pages:
            if page.next_page is None:  # one of each job
                self.job_times.note(page)
        answer = merge_pages(pages)
        asked = {text_id for job in stored.record.jobs for text_id in job.texts}
        useless = why_useless(pages, answer, asked)
        if useless is not None:
            return self.resubmit.whole(stored, *useless)
        model, api_version = _submitted_with(stored.record)
        return self._finish(stored, resolve(stored.record, model, answer, api_version=api_version))

    def _read_pages(self, batch: Batch, job: JobReference) -> Iterator[AnalyzeJob]:
        model, api_version = _submitted_with(batch)
        return read_pages(self.language, api_for(api_version), job_id=job.job_id, display_name=batch.id, model=model)

    def _poll_again(self, stored: Stored[Batch]) -> Next[Batch]:
        jobs, now = stored.record.jobs, self.batches.clock()
        if now >= min(job.expires for job in jobs):
            why = "the job was still running when its results expired"
            return self.resubmit.whole(stored, FailureCode.JOB_EXPIRED, why)
        return NotReady(stored, since=jobs[0].submitted)

    def _finish(self, stored: Stored[Batch], results: Results) -> Next[Batch]:
        """What waits for review, then the records, then what must be submitted again, then close. A crash anywhere
        repeats this, harmlessly."""
        batch = stored.record
        found = {index: batch.documents[index].record_etag for index in results.classified}
        again, given_up = split_unanswered(batch, [*results.missing, *results.malformed])
        failures = {
            index: (FailureCode.DOCUMENT_ERROR, f"the service refused it: {error_text(error)}")
            for index, error in results.failed.items()
        } | {index: _why_given_up(results.malformed.get(index)) for index in given_up}
        redriven = {index for index, each in batch.open_documents if each.source in (Source.FAILED, Source.REDRIVE)}
        # Items for review before the records that promise them.
        classified, raised = self.reviews.enqueue(results.classified, again=redriven)
        raised |= results.raised | self.records.write_classifications(classified, found, redriven=redriven)
        raised |= self._write_failures(batch, failures)
        outcomes = dict.fromkeys(results.classified, Outcome.CLASSIFIED)
        outcomes |= dict.fromkeys(failures, Outcome.FAILED)
        outcomes |= dict.fromkeys(again, Outcome.RESUBMITTED)
        if raised:
            outcomes |= self.resubmit.alone(batch, raised)
        if again:
            self.resubmit.apart(list(again.values()), f"without a usable result in the answer to {batch.id}")
        count = Counter(outcomes.values())
        shown = (Outcome.CLASSIFIED, Outcome.FAILED, Outcome.RESUBMITTED)
        what = ", ".join(f"{outcome.value} {count[outcome]}" for outcome in shown)
        answers = count_answers(record for index, record in results.classified.items() if index not in raised)
        return Done(stored.evolve(self.batches.clock(), what, documents=batch.with_outcomes(outcomes), answers=answers))

    def _write_failures(self, batch: Batch, failures: Mapping[int, tuple[FailureCode, str]]) -> dict[int, Exception]:
        """The failure records of a batch's documents. Returns what the writing of one raised, by index."""
        model = _submitted_with(batch)[0].label

        def write(failure: tuple[int, tuple[FailureCode, str]]) -> bool:
            index, (code, why) = failure
            return self.records.write_failure(batch.documents[index].document, code, why, batch=batch.id, model=model)

        _, raised = each_apart(self.records.fan_out, write, failures.items())
        return {index: error for (index, _), error in raised}


def _why_given_up(malformed: str | None) -> tuple[FailureCode, str]:
    if malformed is None:
        return FailureCode.NO_RESULT, f"{MAX_ATTEMPTS} answers did not mention the document"
    why = f"the service's result for it cannot be used: {malformed} ({MAX_ATTEMPTS} attempts)"
    return FailureCode.MALFORMED_ANSWER, why


def split_unanswered(batch: Batch, unanswered: list[int]) -> tuple[dict[int, BatchDocument], list[int]]:
    """Documents without a usable result: those to submit again, and those that have been tried MAX_ATTEMPTS times."""
    again: dict[int, BatchDocument] = {}
    given_up: list[int] = []
    for index in unanswered:
        document = batch.documents[index]
        if document.attempt + 1 >= MAX_ATTEMPTS:
            given_up.append(index)
        else:
            again[index] = document.model_copy(update={"attempt": document.attempt + 1, "record_etag": None})
    return again, given_up


def _submitted_with(batch: Batch) -> tuple[ModelRef, str]:
    """The model and the API version the batch was submitted with; every submitted batch has both."""
    if batch.model is None or batch.api_version is None:
        raise ValueError(f"batch {batch.id} is submitted and names no model or API version")
    return batch.model, batch.api_version
