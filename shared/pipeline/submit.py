"""State planned: read each text at its ETag, drop what needs no classification, POST the rest, keep the job ids."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from shared.config import Oversized
from shared.documents.ref import (
    MAX_CHARACTERS_PER_JOB,
    MAX_DOCUMENTS_PER_JOB,
    MAX_REQUEST_BYTES,
    FailureCode,
    record_name,
)
from shared.documents.text import DocumentWarning, decode, split_text
from shared.errors import (
    DocumentRejectedError,
    LanguageNotFoundError,
    LanguageRefusedError,
    LanguageUnavailableError,
    MalformedAnswerError,
)
from shared.language.dialects import dialect_for
from shared.language.models import ModelRef, TextInput
from shared.messages import JobMessage, Source
from shared.pipeline.context import Pipeline
from shared.pipeline.manifest import (
    STEP_ALLOWANCE,
    AnalyzeRef,
    JobState,
    Manifest,
    Outcome,
    PlannedDocument,
    text_id,
)
from shared.pipeline.manifests import OpenManifest, close_manifest, enqueue_visit, save_manifest
from shared.pipeline.records import write_failure
from shared.pipeline.replan import plan_halves, plan_same_again
from shared.storage.ports import BlobNotFoundError, VersionChangedError

log = logging.getLogger("pigeonhole.jobs")

NO_MODEL = "no model is in use: none is published yet, or a publication is switching models"
# Results are kept for 24 hours from submission (both API versions).
RESULT_LIFE = timedelta(hours=24)
# Room in the 1 MB request for ids, keys and the model's name around the texts.
MAX_TEXT_BYTES = MAX_REQUEST_BYTES - 20_000


@dataclass(frozen=True)
class Reading:
    """What reading a document gave: its texts, or the outcome that ends it here."""

    index: int
    texts: tuple[TextInput, ...] = ()
    warnings: tuple[DocumentWarning, ...] = ()
    outcome: Outcome | None = None
    record_etag: str | None = None


def submit_job(pipeline: Pipeline, opened: OpenManifest, message: JobMessage) -> None:
    """One visit of a planned manifest. RetryableError is for the caller to defer, RaceLostError ends quietly."""
    manifest = opened.manifest
    if pipeline.active_model.find() is None:
        _wait_for_model(pipeline, opened, NO_MODEL)
        return
    readings = pipeline.fan_out(lambda each: read_document(pipeline, manifest, *each), manifest.open_documents)
    manifest = manifest.model_copy(update={"documents": _with_readings(manifest, readings)})
    requests = build_requests(readings)[len(manifest.analyze) :]
    if not manifest.open_documents:
        close_manifest(pipeline, opened, manifest.evolve(pipeline.clock(), "nothing left to classify"))
        return
    # Looked up after the reading, which may take long: a publication holds submissions before it switches models.
    model = _model_for(pipeline, manifest)
    if model is None:
        _wait_for_model(pipeline, opened, NO_MODEL)
        return
    if manifest.model is not None and model != manifest.model:
        why = f"the model was switched from {manifest.model.label} to {model.label} between two parts"
        plan_same_again(pipeline, OpenManifest(manifest, opened.etag), FailureCode.JOB_FAILED, why)
        return
    try:
        for request in requests:
            opened = _submit(pipeline, opened, manifest, model, request, is_last=request is requests[-1])
            manifest = opened.manifest
    except LanguageRefusedError as error:
        _refused(pipeline, OpenManifest(manifest, opened.etag), error)
        return
    except MalformedAnswerError as error:
        plan_same_again(pipeline, OpenManifest(manifest, opened.etag), FailureCode.MALFORMED_ANSWER, str(error))
        return
    enqueue_visit(pipeline, opened, JobMessage(id=manifest.id, visit=message.visit + 1), pipeline.delay(number=0))


def _model_for(pipeline: Pipeline, manifest: Manifest) -> ModelRef | None:
    """The model in use; for a manifest with parts submitted already, its own as long as that still answers by itself.

    A model id always names the same model; a deployment's name does not, so there the one in use decides.
    """
    pinned, current = manifest.model, pipeline.active_model.find()
    if pinned is None:
        return current
    api_version = manifest.api_version or pipeline.settings.language_api
    return current if dialect_for(api_version).has_deployments else pinned


def _refused(pipeline: Pipeline, opened: OpenManifest, error: LanguageRefusedError) -> None:
    if not is_about_the_model(error):
        plan_halves(pipeline, opened, str(error))
    elif opened.manifest.analyze:  # the model went between two parts: all of them again, with the model then in use
        plan_same_again(pipeline, opened, FailureCode.REFUSED, str(error))
    else:
        _wait_for_model(pipeline, opened, f"the service does not know the model: {error}")


def is_about_the_model(error: LanguageRefusedError) -> bool:
    """404, or a refusal that points at the task, not at a document: what an unknown model gets is not documented."""
    return isinstance(error, LanguageNotFoundError) or (error.target or "").startswith("#/tasks/")


def read_document(pipeline: Pipeline, manifest: Manifest, index: int, planned: PlannedDocument) -> Reading:
    """Read one document at its ETag. One HEAD of its classification, one GET of its text."""
    document = planned.document
    found = pipeline.classifications.find(record_name(document.name))
    record_etag = found.etag if found else None
    if found and found.metadata.get("etag") == document.etag and planned.source is not Source.REDRIVE:
        return Reading(index, outcome=Outcome.ALREADY_CLASSIFIED)
    try:
        decoded = decode(pipeline.documents.read(document.name, etag=document.etag).data)
        texts, warnings = _texts(pipeline, index, decoded.text)
    except BlobNotFoundError:
        return Reading(index, outcome=Outcome.DELETED)
    except VersionChangedError:
        return Reading(index, outcome=Outcome.SUPERSEDED)
    except DocumentRejectedError as error:
        write_failure(pipeline, document, FailureCode(error.code), str(error), job=manifest.id)
        return Reading(index, outcome=Outcome.FAILED)
    return Reading(index, texts, (*decoded.warnings, *warnings), record_etag=record_etag)


def _texts(pipeline: Pipeline, index: int, text: str) -> tuple[tuple[TextInput, ...], tuple[DocumentWarning, ...]]:
    if len(text) <= MAX_CHARACTERS_PER_JOB:
        return (TextInput(text_id(index), text),), ()
    policy = pipeline.settings.pipeline_oversized
    if policy is Oversized.REJECT:
        raise DocumentRejectedError(
            FailureCode.TOO_LARGE,
            f"the document has {len(text)} characters, the service takes {MAX_CHARACTERS_PER_JOB}; "
            "split it, or set PIPELINE_OVERSIZED to split",
        )
    parts = split_text(text, MAX_CHARACTERS_PER_JOB)
    if policy is Oversized.TRUNCATE:
        note = f"only the first {len(parts[0])} of {len(text)} characters were classified"
        return (TextInput(text_id(index), parts[0]),), (DocumentWarning("DocumentTruncated", note),)
    note = f"{len(text)} characters were classified in {len(parts)} parts and merged"
    texts = tuple(TextInput(text_id(index, number), part) for number, part in enumerate(parts))
    return texts, (DocumentWarning("DocumentSplit", note),)


def _with_readings(manifest: Manifest, readings: list[Reading]) -> tuple[PlannedDocument, ...]:
    found = {reading.index: reading for reading in readings}
    return tuple(
        planned.model_copy(update={"outcome": found[index].outcome, "record_etag": found[index].record_etag})
        if index in found
        else planned
        for index, planned in enumerate(manifest.documents)
    )


@dataclass(frozen=True)
class AnalyzeRequest:
    """Texts of one POST, and the warnings their documents carry so far."""

    texts: tuple[TextInput, ...]
    warnings: dict[str, list[tuple[str, str]]]


def build_requests(readings: list[Reading]) -> list[AnalyzeRequest]:
    """Group the texts under the service's limits. The same readings always give the same groups."""
    groups: list[list[TextInput]] = []
    characters = size = 0
    for text in (text for reading in readings for text in reading.texts):
        text_bytes = len(text.text.encode())
        fits = characters + len(text.text) <= MAX_CHARACTERS_PER_JOB and size + text_bytes <= MAX_TEXT_BYTES
        if not groups or len(groups[-1]) == MAX_DOCUMENTS_PER_JOB or not fits:
            groups.append([])
            characters = size = 0
        groups[-1].append(text)
        characters += len(text.text)
        size += text_bytes
    notes = {reading.index: [(each.code, each.message) for each in reading.warnings] for reading in readings}
    return [AnalyzeRequest(tuple(group), _warnings(group, notes)) for group in groups]


def _warnings(group: list[TextInput], notes: dict[int, list[tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    indexes = dict.fromkeys(text.id.split(".", 1)[0] for text in group)
    return {index: notes[int(index)] for index in indexes if notes[int(index)]}


def _submit(
    pipeline: Pipeline,
    opened: OpenManifest,
    manifest: Manifest,
    model: ModelRef,
    request: AnalyzeRequest,
    *,
    is_last: bool,
) -> OpenManifest:
    """POST one group and keep its job id. A crash in between repeats the POST: the API takes no idempotency key."""
    api_version = manifest.api_version or model.api_version or pipeline.settings.language_api
    call = dialect_for(api_version).submit_analyze(request.texts, model, display_name=manifest.id)
    job_id = pipeline.language.send(call)
    now = pipeline.clock()
    reference = AnalyzeRef(
        job_id=job_id,
        submitted=now,
        expires=now + RESULT_LIFE,
        texts={text.id: len(text.text) for text in request.texts},
        warnings=request.warnings,
    )
    changed = manifest.evolve(
        now,
        f"submitted {len(request.texts)} texts as {job_id}",
        state=JobState.SUBMITTED if is_last else JobState.PLANNED,
        model=model,
        api_version=api_version,
        analyze=(*manifest.analyze, reference),
        waiting=None,
        due=now + STEP_ALLOWANCE,
    )
    log.info("job_submitted job=%s analyze_job=%s texts=%d", manifest.id, job_id, len(request.texts))
    return save_manifest(pipeline, opened, changed)


def _wait_for_model(pipeline: Pipeline, opened: OpenManifest, why: str) -> None:
    """Stay planned and say why where status shows it; visited again, never poisoned, whatever time it takes."""
    if opened.manifest.waiting != why:
        waiting = opened.manifest.evolve(pipeline.clock(), why, waiting=why)
        opened = save_manifest(pipeline, opened, waiting)
    raise LanguageUnavailableError(why)
