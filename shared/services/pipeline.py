"""Wires what every document needs, at the start of each process: from its upload to its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pydantic import TypeAdapter

from shared.batches.advance import BatchSteps
from shared.batches.batch import Batch, Batches, BatchFacts
from shared.batches.collector import Collector
from shared.batches.intake import Intake
from shared.batches.job_times import JobTimes
from shared.batches.poll import Poll
from shared.batches.refusals import Refusals
from shared.batches.resubmit import Resubmit
from shared.batches.submit import Submit
from shared.config import Settings
from shared.documents.content import DocumentReader
from shared.documents.inbox import Inbox
from shared.documents.records import Records
from shared.documents.texts import TextReader
from shared.durable.dead_letters import DeadLetters
from shared.durable.retry import RetryPolicy
from shared.durable.steps import StepQueue
from shared.durable.store import RecordStore
from shared.language.values import ModelRef
from shared.models.active_model import ActiveModelStore
from shared.reviews.decisions import DecisionStore
from shared.reviews.queue import ReviewQueue
from shared.services.adapters import Adapters
from shared.storage.ports import BlobStore


@dataclass(frozen=True)
class Pipeline:
    """The use cases of the functions that a document wakes, and the stores they have in common with the others."""

    settings: Settings
    adapters: Adapters
    state: BlobStore
    retry: RetryPolicy
    dead_letters: DeadLetters
    active_model: ActiveModelStore
    texts: TextReader
    records: Records
    inbox: Inbox
    batches: Batches
    resubmit: Resubmit
    decisions: DecisionStore
    review_queue: ReviewQueue
    collector: Collector
    batch_steps: BatchSteps
    intake: Intake


def wire_pipeline(settings: Settings, adapters: Adapters) -> Pipeline:
    container, queue, clock, fan_out = adapters.open_container, adapters.open_queue, adapters.clock, adapters.fan_out
    retry = RetryPolicy(settings.pipeline_poll_seconds, settings.pipeline_slow_poll_seconds, adapters.jitter)
    state = container(settings.pipeline_container)
    dead_letters = DeadLetters(state)
    active_model = ActiveModelStore(
        state,
        from_settings=_model_from(settings),
        cache=timedelta(seconds=settings.pipeline_model_cache_seconds),
        clock=clock,
    )
    reader = DocumentReader(settings.pipeline_max_document_bytes, settings.document_encodings)
    texts = TextReader(reader, settings.pipeline_oversized)
    records = Records(
        classifications=container(settings.classifications_container),
        failures=container(settings.failures_container),
        documents=container(settings.documents_container),
        fan_out=fan_out,
        clock=clock,
    )
    inbox = Inbox(
        container=settings.documents_container,
        max_bytes=settings.pipeline_max_document_bytes,
        linger=settings.linger,
        documents=records.documents,
        records=records,
        documents_queue=queue(settings.documents_queue),
        collect_queue=queue(settings.collect_queue),
        fan_out=fan_out,
        clock=clock,
    )
    batches: Batches = StepQueue(
        "batch",
        RecordStore(state, "batches", record=TypeAdapter(Batch), facts=BatchFacts),
        queue(settings.batches_queue),
        retry,
        clock,
    )
    resubmit, job_times = Resubmit(batches, records), JobTimes()
    submit = Submit(
        batches,
        records,
        resubmit,
        texts,
        active_model=active_model,
        refusals=Refusals(adapters.language, clock),
        language=adapters.language,
        language_api=settings.language_api,
        audit_percent=settings.audit_percent,
        job_times=job_times,
    )
    decisions = DecisionStore(state)
    review_queue = ReviewQueue(state, decisions, fan_out)
    collector = Collector(
        inbox=inbox,
        batches=batches,
        dead_letters=dead_letters,
        queue_name=settings.documents_queue,
        visibility=timedelta(seconds=settings.pipeline_collect_visibility_seconds),
        hidden_in_hand=timedelta(seconds=settings.pipeline_in_hand_seconds),
    )
    poll = Poll(batches, records, resubmit, adapters.language, review_queue, job_times)
    batch_steps = BatchSteps(batches, submit, poll)
    return Pipeline(
        settings=settings,
        adapters=adapters,
        state=state,
        retry=retry,
        dead_letters=dead_letters,
        active_model=active_model,
        texts=texts,
        records=records,
        inbox=inbox,
        batches=batches,
        resubmit=resubmit,
        decisions=decisions,
        review_queue=review_queue,
        collector=collector,
        batch_steps=batch_steps,
        intake=Intake(inbox, collector, batch_steps, wait=adapters.wait, clock=clock),
    )


def _model_from(settings: Settings) -> ModelRef | None:
    if settings.language_model is None or settings.language_project_kind is None:
        return None
    return ModelRef(
        project=settings.language_project,
        kind=settings.language_project_kind,
        reference=settings.language_model,
        label=settings.language_model,
    )
