"""The trial: a published model that nothing depends on yet classifies the golden documents, and so does the active one.

Both answer the same documents, so that the gate can compare them. A model is only asked for what it has not answered
yet: its answers are kept as its trial, after every batch. A crash repeats at most the batch that is on its way.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from shared.documents.answers import Weighted, error_text, merge_pages, merge_parts, why_useless
from shared.documents.jobs import read_pages
from shared.documents.packing import pack
from shared.documents.texts import AnalyzeRequest, document_index
from shared.durable.steps import Next, StepNow
from shared.durable.store import Stored
from shared.errors import (
    LanguageNotFoundError,
    LanguageRefusedError,
    MalformedAnswerError,
    StateUnreadableError,
)
from shared.language.apis import api_for
from shared.language.apis.base import LanguageApi
from shared.language.client import LanguageClient
from shared.language.values import TERMINAL, ModelRef, ServiceError
from shared.models.active_model import ActiveModelStore
from shared.models.trial import AnsweredClass, Trial, TrialDocument, TrialStore
from shared.operations.golden_documents import GoldenDocuments, GoldenList
from shared.operations.operation import (
    Operation,
    OperationQueue,
    OperationState,
    Publishing,
    Retrain,
    Step,
    TrialBatch,
    TrialJob,
    TrialProgress,
)
from shared.operations.service_jobs import ended, errors_text, poll_again

log = logging.getLogger("pigeonhole.operations")

# As many as a batch of the pipeline has: a job that is lost, fails or is answered badly says little about the model.
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class TrialSteps:
    """The steps `trial` and `wait_trial`."""

    steps: OperationQueue
    language: LanguageClient
    active_model: ActiveModelStore
    trials: TrialStore
    documents: GoldenDocuments

    def trial(self, stored: Stored[Publishing], *, then: Step) -> Next[Operation]:
        """Submit what is to be classified next; go on with `then` when nothing is left."""
        operation, progress = stored.record, stored.record.trial
        golden = self.documents.find(project=operation.project, operation=operation.id) if progress else None
        if progress is None or golden is None:
            return self._begin(stored)
        batch = progress.batch or self._next_batch(progress, golden)
        if batch is None:
            return StepNow(stored.evolve(self.steps.clock(), progress.figures, step=then, percent=100))
        return self._submit(stored, progress, golden, batch)

    def wait_trial(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Keep what the jobs have answered, once they have ended."""
        operation, progress = stored.record, stored.record.trial
        golden = self.documents.find(project=operation.project, operation=operation.id)
        if progress is None or progress.batch is None or golden is None:
            return self._begin(stored)
        batch, model = progress.batch, progress.models[progress.batch.model]
        try:
            pages = [
                page
                for job in batch.jobs
                for page in read_pages(
                    self.language,
                    self._api(operation, model),
                    job_id=job.job_id,
                    display_name=_name(operation),
                    model=model,
                )
            ]
        except LanguageNotFoundError as error:
            return self._again(stored, golden, (ServiceError(error.error_code, str(error)),))
        except MalformedAnswerError as error:
            return self._again(stored, golden, (_malformed(str(error)),))
        if any(page.status not in TERMINAL for page in pages):
            return poll_again(self.steps, stored)
        answer = merge_pages(pages)
        lengths = {each: length for job in batch.jobs for each, length in job.texts.items()}
        useless = why_useless(pages, answer, lengths)
        if useless is not None:
            errors = tuple(error for page in pages for error in page.errors)
            if batch.indexes:  # the words may quote a document
                errors = tuple(ServiceError(error_text(error), "the job failed") for error in errors)
            return self._again(stored, golden, errors or (ServiceError(*useless),))
        found = {
            index: answer.of_document({each: lengths[each] for each in lengths if document_index(each) == index})
            for index in batch.indexes or (0,)
        }
        is_answered = any(isinstance(each, list) for each in found.values())
        refused = [each for each in found.values() if isinstance(each, ServiceError)]
        if not is_answered and (not batch.indexes or len(refused) < len(found)):
            unusable = [
                _malformed(each or "no result") for each in found.values() if each is None or isinstance(each, str)
            ]
            return self._again(stored, golden, tuple((refused + unusable)[:1]))
        return self._keep(stored, golden, found)

    # The beginning

    def _begin(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Write down what the models are tried on. What earlier trials have answered already is taken from them."""
        operation = stored.record
        project = self.language.send(api_for(operation.api_version).get_project(operation.project))
        golden, untried = self.documents.choose(operation, project)
        candidate = ModelRef(
            project=operation.project,
            kind=project.kind,
            reference=operation.reference,
            label=operation.label,
            api_version=operation.api_version,
        )
        models, why = [candidate], untried
        if isinstance(operation, Retrain) and golden.documents:
            try:
                models += self._find_active(operation)
            except StateUnreadableError as error:
                why = f"which model is active cannot be read: {error}"
        self.documents.put(operation.project, golden)
        left = [len(golden.untried(self._change(model, golden))) for model in models]
        progress = TrialProgress(
            documents=len(golden.documents), to_classify=sum(left), models=tuple(models), untried=why
        )
        parts = [f"{model.label} is to classify {number}" for model, number in zip(models, left, strict=True)]
        number = len(golden.documents)
        what = f"{number} golden documents: {', '.join(parts)}" if number else f"the probe alone: {why}"
        return StepNow(stored.evolve(self.steps.clock(), what, step=Step.TRIAL, trial=progress, job_id="", percent=0))

    def _find_active(self, operation: Retrain) -> list[ModelRef]:
        in_use = self.active_model.find()
        if in_use is None or in_use.model.project != operation.project:
            return []
        api_version = in_use.model.api_version or operation.api_version
        return [in_use.model.model_copy(update={"api_version": api_version})]

    # A batch

    def _next_batch(self, progress: TrialProgress, golden: GoldenList) -> TrialBatch | None:
        """The next full batch of the first model that has something left; at last the probe, where the candidate has
        not answered anything yet."""
        for number, model in enumerate(progress.models):
            untried = golden.untried(self.trials.find(model.project, label=model.label))
            if untried:
                full, rest = pack(untried)
                return TrialBatch(model=number, indexes=tuple(each.index for each in (full or [rest])[0]))
        if progress.models[0].label not in progress.answering:
            return TrialBatch(model=0)
        return None

    def _submit(
        self, stored: Stored[Publishing], progress: TrialProgress, golden: GoldenList, batch: TrialBatch
    ) -> Next[Operation]:
        operation, model = stored.record, progress.models[batch.model]
        requests, unreadable = self.documents.read(golden, batch, group=_group(operation, model))
        if unreadable:
            self._change(
                model, golden, {index: golden.documents[index].answered(error=why) for index, why in unreadable}
            )
            gone = {index for index, _ in unreadable}
            left = tuple(index for index in batch.indexes if index not in gone)
            batch = batch.model_copy(update={"indexes": left})
            progress = progress.counting(len(gone), errors=len(gone), batch=batch if left else None)
            if not left:
                return self._advanced(stored, progress, model)
        stored = stored.change(trial=progress.model_copy(update={"batch": batch}))
        if not requests:  # what was still to be posted can no longer be read
            return StepNow(stored.change(step=Step.WAIT_TRIAL))
        try:
            for request in requests:
                stored = self._post(stored, model, request, is_last=request is requests[-1])
        except LanguageRefusedError as error:
            return self._refused(stored, golden, error)
        except MalformedAnswerError as error:
            return self._again(stored, golden, (_malformed(str(error)),))
        return StepNow(stored)

    def _post(
        self, stored: Stored[Publishing], model: ModelRef, request: AnalyzeRequest, *, is_last: bool
    ) -> Stored[Publishing]:
        """POST one group and save its job id. A crash in between repeats the POST: the API takes no idempotency key."""
        operation = stored.record
        progress, batch = _under_way(operation)
        call = self._api(operation, model).submit_analyze(request.texts, model, display_name=_name(operation))
        job_id = self.language.send(call)
        log.info("job_submitted operation=%s job=%s texts=%d", operation.id, job_id, len(request.texts))
        job = TrialJob(job_id=job_id, texts={text.id: len(text.text) for text in request.texts})
        batch = batch.model_copy(update={"jobs": (*batch.jobs, job)})
        changes = {"trial": progress.model_copy(update={"batch": batch}), "job_id": job_id}
        if not is_last:
            return self.steps.store.save(stored.change(**changes))
        what = f"{model.label}: {_texts(batch)} as job {job_id}"
        return self._noted(stored, what, step=Step.WAIT_TRIAL, **changes)

    # What came of it

    def _keep(
        self, stored: Stored[Publishing], golden: GoldenList, found: Mapping[int, Weighted | ServiceError | str | None]
    ) -> Next[Operation]:
        """Some of it is answered: keep that, and submit again what is not."""
        progress, batch = _under_way(stored.record)
        model = progress.models[batch.model]
        progress = progress.model_copy(update={"answering": tuple(dict.fromkeys([*progress.answering, model.label]))})
        if not batch.indexes:
            return self._advanced(stored, progress.counting(0), model, "it classifies")
        is_last = batch.attempt + 1 >= MAX_ATTEMPTS
        ends: dict[int, TrialDocument] = {}
        for index, each in found.items():
            document = golden.documents[index]
            if isinstance(each, list):
                classes = merge_parts(model.kind, each)
                ends[index] = document.answered(
                    [AnsweredClass(name=one.name, confidence=one.confidence) for one in classes]
                )
            elif isinstance(each, ServiceError):
                ends[index] = document.answered(error=f"the service refused it: {error_text(each)}")
            elif is_last:
                ends[index] = document.answered(error=f"{each or 'no answer mentions it'} ({MAX_ATTEMPTS} attempts)")
        self._change(model, golden, ends)
        left = tuple(index for index in batch.indexes if index not in ends)
        again = TrialBatch(model=batch.model, indexes=left, attempt=batch.attempt + 1) if left else None
        errors = sum(each.error is not None for each in ends.values())
        return self._advanced(stored, progress.counting(len(ends), errors=errors, batch=again), model)

    def _again(
        self, stored: Stored[Publishing], golden: GoldenList, errors: tuple[ServiceError, ...]
    ) -> Next[Operation]:
        """Nothing of a batch is answered: once more; after that it is asked whether the model classifies at all."""
        progress, batch = _under_way(stored.record)
        model = progress.models[batch.model]
        if batch.attempt + 1 < MAX_ATTEMPTS:
            again = TrialBatch(model=batch.model, indexes=batch.indexes, attempt=batch.attempt + 1)
            what = f"no result, once more: {errors_text(errors)}"
            return self._advanced(stored, progress.counting(0, batch=again), model, what)
        return self._unanswered(stored, golden, errors)

    def _refused(self, stored: Stored[Publishing], golden: GoldenList, error: LanguageRefusedError) -> Next[Operation]:
        """The service refuses the request: for the model's sake, or for that of one of several documents."""
        progress, batch = _under_way(stored.record)
        model = progress.models[batch.model]
        if isinstance(error, LanguageNotFoundError) and batch.model == 0:
            raise error
        refusal = ServiceError(error.error_code, str(error))
        is_known = model.label in progress.answering and not isinstance(error, LanguageNotFoundError)
        if is_known and len(batch.indexes) > 1:
            fewer = TrialBatch(model=batch.model, indexes=batch.indexes[: len(batch.indexes) // 2])
            what = f"refused; fewer documents at a time: {refusal}"
            return self._advanced(stored, progress.counting(0, batch=fewer), model, what)
        if not batch.indexes and batch.model == 0:
            raise error
        return self._unanswered(stored, golden, (refusal,), is_about_model=isinstance(error, LanguageNotFoundError))

    def _unanswered(
        self,
        stored: Stored[Publishing],
        golden: GoldenList,
        errors: tuple[ServiceError, ...],
        *,
        is_about_model: bool = False,
    ) -> Next[Operation]:
        """A batch came to nothing for good: because of the model, of its documents, or that is asked with the probe."""
        progress, batch = _under_way(stored.record)
        model = progress.models[batch.model]
        if not batch.indexes or is_about_model:
            return self._model_fails(stored, errors)
        if model.label not in progress.answering:
            what = f"no result: does it classify at all? {errors_text(errors)}"
            return self._advanced(stored, progress.counting(0, batch=TrialBatch(model=batch.model)), model, what)
        self._change(
            model,
            golden,
            {
                index: golden.documents[index].answered(error=f"no result: {error_text(errors[0])}")
                for index in batch.indexes
            },
        )
        # Should the next batch come to nothing too, it is asked again whether the model still classifies.
        still = tuple(label for label in progress.answering if label != model.label)
        count = len(batch.indexes)
        progress = progress.counting(count, errors=count).model_copy(update={"answering": still})
        return self._advanced(stored, progress, model)

    def _model_fails(self, stored: Stored[Publishing], errors: tuple[ServiceError, ...]) -> Next[Operation]:
        """Only a model that classifies may replace another; an active one that does not is compared with nothing."""
        operation = stored.record
        progress, batch = _under_way(operation)
        model = progress.models[batch.model]
        if batch.model == 0:
            why = f"the published model does not classify the probe: {errors_text(errors)}; {operation.aftermath}"
            return ended(stored, self.steps.clock(), OperationState.FAILED, why, errors)
        why = f"the active model {model.label} does not classify: {errors_text(errors)}"
        changes = {"models": progress.models[:1], "untried": why}
        return self._advanced(stored, progress.counting(0).model_copy(update=changes), model, why)

    def _change(
        self, model: ModelRef, golden: GoldenList, added: Mapping[int, TrialDocument] | None = None
    ) -> Trial | None:
        """Write the model's trial with what is added. Raises RaceLostError, StateUnreadableError."""
        found = self.trials.find_stored(model.project, label=model.label)
        before = found[0] if found else None
        if not golden.documents:
            return before
        documents = golden.united(before, added or {})
        if documents == (before.documents if before else ()):
            return before
        trial = Trial(
            project=model.project,
            kind=model.kind,
            label=model.label,
            api_version=model.api_version or "",
            ended=self.steps.clock(),
            documents=documents,
        )
        self.trials.save(trial, etag=found[1] if found else None)
        return trial

    def _advanced(
        self, stored: Stored[Publishing], progress: TrialProgress, model: ModelRef, what: str | None = None
    ) -> Next[Operation]:
        """On with the next batch, or with the one that `progress` names."""
        changes = {"trial": progress, "percent": progress.percent, "job_id": ""}
        return StepNow(self._noted(stored, f"{model.label}: {what or progress.figures}", step=Step.TRIAL, **changes))

    def _noted(self, stored: Stored[Publishing], what: str, **changes: object) -> Stored[Publishing]:
        """As `evolve`, in place of the same step's last line about the same model: history keeps what was before."""
        record = stored.record
        begun = f"{record.step}: {what.partition(':')[0]}: "
        last = record.history[-2:]
        kept = (*record.history[:-2], *(event for event in last if not event.what.startswith(begun)))
        return stored.change(history=kept).evolve(self.steps.clock(), what, **changes)

    def _api(self, operation: Publishing, model: ModelRef) -> LanguageApi:
        """A reference is valid under the version that it was published with."""
        return api_for(model.api_version or operation.api_version)


def _under_way(operation: Publishing) -> tuple[TrialProgress, TrialBatch]:
    """What is on its way; only steps that have put it there ask."""
    if operation.trial is None or operation.trial.batch is None:
        raise ValueError(f"operation {operation.id} has no batch of its trial under way")
    return operation.trial, operation.trial.batch


def _name(operation: Publishing) -> str:
    """Of all submissions of its trial: of no other operation."""
    return f"trial-{operation.id}"


def _group(operation: Publishing, model: ModelRef) -> str:
    """What text ids begin with: of no other operation and no other model."""
    return hashlib.sha256(f"{operation.id} {model.label}".encode()).hexdigest()


def _texts(batch: TrialBatch) -> str:
    number = len(batch.indexes)
    return f"{number} golden document{'s' * (number != 1)}" if number else "the probe"


def _malformed(why: str) -> ServiceError:
    return ServiceError("MalformedAnswer", why)
