"""State planned: read each text at its ETag, drop what needs no classification, POST the rest, keep the job ids."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.batches.batch import (
    LATE,
    Batch,
    BatchDocument,
    Batches,
    BatchState,
    JobReference,
    Outcome,
)
from shared.batches.job_times import JobTimes
from shared.batches.refusals import Refusals
from shared.batches.resubmit import Resubmit
from shared.concurrency import each_apart
from shared.documents.messages import Source
from shared.documents.records import Records
from shared.documents.ref import FailureCode
from shared.documents.texts import AnalyzeRequest, DocumentTexts, TextReader, build_requests
from shared.durable.steps import Done, Next, NotReady
from shared.durable.store import Stored
from shared.errors import (
    BlobNotFoundError,
    BlobUnreadableError,
    DocumentRejectedError,
    LanguageRefusedError,
    MalformedAnswerError,
    NoModelError,
    StateUnreadableError,
    VersionChangedError,
)
from shared.language.apis import api_for
from shared.language.client import LanguageClient
from shared.language.values import ModelRef
from shared.models.active_model import Active, FindsModel, Held, InUse

log = logging.getLogger("pigeonhole.batches")

# Results are kept for 24 hours from submission (both generations of the API).
RESULT_LIFE = timedelta(hours=24)


@dataclass(frozen=True)
class ReadDocument(DocumentTexts):
    """What reading a document of a batch gave: its texts, or the outcome that ends it here."""

    outcome: Outcome | None = None
    record_etag: str | None = None


@dataclass(frozen=True)
class Submit:
    """One step of a planned batch."""

    batches: Batches
    records: Records
    resubmit: Resubmit
    texts: TextReader
    active_model: FindsModel
    refusals: Refusals
    language: LanguageClient
    language_api: str
    audit_percent: float
    job_times: JobTimes

    def __call__(self, stored: Stored[Batch]) -> Next[Batch]:
        """Raises RetryableError, which defers the step, and RaceLostError, which ends it."""
        if not isinstance(self._find_model(stored), Active):
            raise self._waiting(stored, self._why_no_model())
        batch = stored.record
        self._check_not_refused(stored)
        documents, raised = each_apart(
            self.records.fan_out, lambda each: self._read(batch, *each), batch.open_documents
        )
        if raised:
            # Saved at once: a step that is deferred later must not begin with them again.
            stored = self._go_on_without(stored, {index: error for (index, _), error in raised})
            batch = stored.record
        read = stored.change(documents=_with_what_was_read(batch, documents))
        if not read.record.open_documents:
            return Done(read.evolve(self.batches.clock(), "nothing left to classify"))
        # Looked up after the reading, which may take long: a publication holds submissions before it switches models.
        active = self._model_for(stored)
        if active is None:
            raise self._waiting(stored, self._why_no_model())
        if batch.model is not None and active.model != batch.model:
            why = f"the model was switched from {batch.model.label} to {active.model.label} between two parts"
            return self.resubmit.whole(read, FailureCode.JOB_FAILED, why)
        requests = build_requests(_without(documents, {text_id for job in batch.jobs for text_id in job.texts}))
        if not requests:  # the documents whose texts were still to be submitted have ended meanwhile
            what = "nothing else to submit"
            submitted = read.evolve(self.batches.clock(), what, state=BatchState.SUBMITTED, waiting=None)
            return NotReady(self.batches.store.save(submitted), since=self.batches.clock())
        return self._submit_all(read, active, requests)

    def _go_on_without(self, stored: Stored[Batch], raised: dict[int, Exception]) -> Stored[Batch]:
        batch = stored.record
        outcomes = self.resubmit.alone(batch, raised)
        what = f"{len(raised)} documents raised what they must not; each is in a batch of its own"
        return self.batches.store.save(
            stored.evolve(self.batches.clock(), what, documents=batch.with_outcomes(outcomes))
        )

    def _submit_all(self, stored: Stored[Batch], active: Active, requests: list[AnalyzeRequest]) -> Next[Batch]:
        try:
            for request in requests:
                stored = self._submit(stored, active, request, is_last=request is requests[-1])
        except LanguageRefusedError as error:
            return self._refused(stored, active, error)
        except MalformedAnswerError as error:
            return self.resubmit.whole(stored, FailureCode.MALFORMED_ANSWER, str(error))
        return NotReady(stored, since=self.batches.clock(), expected=self.job_times.expected())

    def _submit(
        self, stored: Stored[Batch], active: Active, request: AnalyzeRequest, *, is_last: bool
    ) -> Stored[Batch]:
        """POST one group and save its job id. A crash in between repeats the POST: the API takes no idempotency key."""
        batch, model = stored.record, active.model
        api_version = self._api_version(batch, model)
        call = api_for(api_version).submit_analyze(request.texts, model, display_name=batch.id)
        job_id = self.language.send(call)
        self.refusals.accepted(model)
        now = self.batches.clock()
        reference = JobReference(
            job_id=job_id,
            submitted=now,
            expires=now + RESULT_LIFE,
            texts={text.id: len(text.text) for text in request.texts},
            warnings=request.warnings,
        )
        log.info("job_submitted batch=%s job=%s texts=%d", batch.id, job_id, len(request.texts))
        return self.batches.store.save(
            stored.evolve(
                now,
                f"submitted {len(request.texts)} texts as job {job_id}",
                state=BatchState.SUBMITTED if is_last else BatchState.PLANNED,
                model=model,
                acceptance=active.acceptance,
                audit_percent=self.audit_percent,
                api_version=api_version,
                jobs=(*batch.jobs, reference),
                waiting=None,
                waiting_since=None,
                is_refused=False,
            )
        )

    def _api_version(self, batch: Batch, model: ModelRef) -> str:
        return batch.api_version or model.api_version or self.language_api

    def _model_for(self, stored: Stored[Batch]) -> Active | None:
        """The model in use; for a batch with parts submitted already, its own as long as that still means the same one.

        A model id always names the same model; a deployment's name does not, so there the one in use decides.
        """
        batch = stored.record
        in_use = self._find_model(stored)
        if batch.model is not None and api_for(batch.api_version or self.language_api).reference_names_one_model:
            return Active(batch.model, acceptance=batch.acceptance)
        return in_use if isinstance(in_use, Active) else None

    def _find_model(self, stored: Stored[Batch]) -> InUse:
        """What is in use. When that cannot be read, the batch waits as without a model."""
        try:
            return self.active_model.find()
        except StateUnreadableError as error:
            raise self._waiting(stored, f"what model is in use cannot be read: {error}") from error

    def _check_not_refused(self, stored: Stored[Batch]) -> None:
        """While every request to the model is refused, nothing is read and nothing but a probe is sent."""
        active = self._model_for(stored)
        if active is None:
            return
        api_version = self._api_version(stored.record, active.model)
        reason = self.refusals.find_reason(active, api_version=api_version)
        if reason is not None:
            raise self._waiting(stored, reason, is_refused=True)

    def _refused(self, stored: Stored[Batch], active: Active, error: LanguageRefusedError) -> Next[Batch]:
        batch = stored.record
        alone = len(batch.open_documents) == 1
        api_version = self._api_version(batch, active.model)
        reason = self.refusals.judge(error, active, api_version=api_version, alone=alone)
        if reason is None:
            return self.resubmit.halves(stored, str(error))
        if batch.jobs:  # the model went between two parts: all of them again, with the model then in use
            return self.resubmit.whole(stored, FailureCode.REFUSED, str(error))
        raise self._waiting(stored, reason, is_refused=True)

    def _why_no_model(self) -> str:
        if isinstance(self.active_model.find(), Held):
            return "a publication is switching models"
        return "no model is in use: publish one, or set LANGUAGE_MODEL"

    def _waiting(self, stored: Stored[Batch], why: str, *, is_refused: bool = False) -> NoModelError:
        """Stay planned and say why where status shows it; tried again for as long as it takes, never given up."""
        if stored.record.waiting != why or stored.record.deferred is not None:
            now, batch = self.batches.clock(), stored.record
            since = batch.waiting_since or now
            changes = {"waiting": why, "waiting_since": since, "is_refused": is_refused, "due": batch.due}
            self.batches.store.save(stored.evolve(now, why, **changes))
        return NoModelError(why)

    def _read(self, batch: Batch, index: int, planned: BatchDocument) -> ReadDocument:
        """Read one document at its ETag: one GET of its text, and before it a HEAD of its classification where the
        version may have been delivered before. The record's write sees in any case what is there."""
        document = planned.document
        is_late = self.batches.clock() - batch.created >= LATE
        is_first = planned.is_first and planned.attempt == 0 and not is_late
        found = None if is_first else self.records.find_classification(document.name)
        if found and found[0].is_about(document.etag) and planned.source is not Source.REDRIVE:
            return ReadDocument(index, outcome=Outcome.ALREADY_CLASSIFIED)
        try:
            blob = self.records.documents.read(document.name, etag=document.etag)
            if not blob.data and document.may_be_filled_yet(self.batches.clock()):
                return ReadDocument(index, outcome=Outcome.NOT_FILLED)
            found_texts = self.texts.read(blob, group=batch.id, index=index)
        except BlobNotFoundError:
            return ReadDocument(index, outcome=Outcome.DELETED)
        except VersionChangedError:
            return ReadDocument(index, outcome=Outcome.SUPERSEDED)
        except BlobUnreadableError as error:
            self.records.write_failure(document, FailureCode.UNREADABLE, str(error), batch=batch.id)
            return ReadDocument(index, outcome=Outcome.FAILED)
        except DocumentRejectedError as error:
            self.records.write_failure(document, FailureCode(error.code), str(error), batch=batch.id)
            return ReadDocument(index, outcome=Outcome.FAILED)
        record_etag = found[1] if found else None
        return ReadDocument(index, found_texts.texts, found_texts.warnings, record_etag=record_etag)


def _without(documents: list[ReadDocument], text_ids: set[str]) -> list[ReadDocument]:
    """Each with those of its texts that no job has yet: by their ids, for a document that ended moves the groups."""
    return [replace(each, texts=tuple(text for text in each.texts if text.id not in text_ids)) for each in documents]


def _with_what_was_read(batch: Batch, documents: list[ReadDocument]) -> tuple[BatchDocument, ...]:
    found = {each.index: each for each in documents}
    return tuple(
        each.model_copy(update={"outcome": found[index].outcome, "record_etag": found[index].record_etag})
        if index in found
        else each
        for index, each in enumerate(batch.documents)
    )
