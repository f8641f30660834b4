"""Wires clients, stores and use cases, once per process. Building makes no network call.

`build_services` connects to Azure (or Azurite and the emulator); `assemble` wires any adapters, fakes among them.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient
from pydantic import TypeAdapter

from shared.batches.advance import BatchSteps
from shared.batches.batch import Batch, Batches, BatchFacts
from shared.batches.collector import Collector
from shared.batches.intake import Intake
from shared.batches.open_batches import open_versions, open_versions_of_few, wake_waiting
from shared.batches.pace import Pace
from shared.batches.poll import Poll
from shared.batches.put_back import BatchPutBack
from shared.batches.refusals import Refusals
from shared.batches.resubmit import Resubmit
from shared.batches.submit import Submit
from shared.concurrency import FanOut, ThreadFanOut
from shared.config import CredentialKind, Settings
from shared.documents.content import DocumentReader
from shared.documents.dead_letters import BLOB_TRIGGER_QUEUE, DocumentDeadLetters
from shared.documents.inbox import Inbox
from shared.documents.reconcile import Reconcile, Walks
from shared.documents.records import Records
from shared.documents.ref import FailureCode
from shared.documents.texts import TextReader
from shared.documents.walk import Walk
from shared.durable.abandoned import Abandoned, Handle, queue_beside
from shared.durable.dead_letters import DeadLetters, StepDeadLetters
from shared.durable.record import Facts
from shared.durable.retry import RetryPolicy
from shared.durable.steps import StepQueue
from shared.durable.store import RecordStore
from shared.language.apis import api_for
from shared.language.client import HttpWhenNeeded, LanguageClient
from shared.language.credentials import Credential, IdentityCredential, KeyCredential
from shared.language.rate_limiter import RateLimiter, RateLimits
from shared.language.values import ModelRef
from shared.models.active_model import ActiveModelStore
from shared.models.expiries import ExpiryCheck
from shared.models.labels_store import LabelsStore
from shared.models.project_settings import ProjectSettingsStore
from shared.models.projects import Projects
from shared.models.promise import Promises
from shared.models.training_configs import TrainingConfigs
from shared.models.trial import TrialStore
from shared.models.unneeded import UnneededModels
from shared.operations.advance import OperationSteps
from shared.operations.gate import GateStep
from shared.operations.golden_documents import GoldenDocuments
from shared.operations.operation import OPERATION, Operation, OperationFacts, OperationQueue
from shared.operations.operations import Operations
from shared.operations.publish_directly import PublishDirectly
from shared.operations.publishing import PublishingSteps
from shared.operations.reclassify import Reclassification
from shared.operations.redrive import DeadLetterRedrive
from shared.operations.retrain import RetrainSteps
from shared.operations.retrain_after import RetrainAfterDecisions
from shared.operations.stage_and_swap import StageAndSwap
from shared.operations.start import StartOperations
from shared.operations.trial import TrialSteps
from shared.reports.batches import BatchReport
from shared.reports.document_lists import DocumentLists
from shared.reports.documents import DocumentReport
from shared.reports.health import HealthCheck
from shared.reports.metrics import MetricsLog
from shared.reports.model_metrics import MetricsReport
from shared.reports.status import StatusReport
from shared.reports.trials import TrialReport
from shared.reports.waits import Waits
from shared.reviews.choices import Choices
from shared.reviews.decide import Reviews
from shared.reviews.decisions import DecisionStore
from shared.reviews.labels import AddedLabels
from shared.reviews.queue import ReviewQueue
from shared.reviews.sweep import ReviewSweep
from shared.storage.blobs import AzureBlobStore
from shared.storage.outages import Outages
from shared.storage.ports import BlobStore, MessageQueue
from shared.storage.queues import AzureMessageQueue
from shared.storage.transport import PooledTransport
from shared.sweep import Sweep

# Each of these logs every request it sends, with its address, at INFO. The host files every record of an app under one
# category, so host.json cannot tell them from our own.
_CHATTY_LIBRARIES = ("azure", "httpx", "httpcore", "urllib3", "msal")


@dataclass(frozen=True)
class Adapters:
    """Everything that reaches outside the process, and its clock and randomness."""

    open_container: Callable[[str], BlobStore]
    open_queue: Callable[[str], MessageQueue]
    language: LanguageClient
    fan_out: FanOut
    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    wait: Callable[[timedelta], None] = lambda delay: time.sleep(delay.total_seconds())
    outages: Outages = field(default_factory=lambda: Outages(utc_now))


@dataclass(frozen=True)
class Services:
    """The use cases; a function takes the one it needs."""

    settings: Settings
    adapters: Adapters
    inbox: Inbox
    intake: Intake
    records: Records
    collector: Collector
    batches: Batches
    batch_steps: BatchSteps
    active_model: ActiveModelStore
    projects: Projects
    promises: Promises
    unneeded_models: UnneededModels
    operations: Operations
    operation_steps: OperationSteps
    start_operations: StartOperations
    reclassification: Reclassification
    dead_letter_redrive: DeadLetterRedrive
    reconcile: Reconcile
    reviews: Reviews
    sweep: Sweep
    dead_letters: DeadLetters
    document_dead_letters: DocumentDeadLetters
    batch_dead_letters: StepDeadLetters[Batch, BatchFacts]
    operation_dead_letters: StepDeadLetters[Operation, OperationFacts]
    health: HealthCheck
    status: StatusReport
    document_report: DocumentReport
    document_lists: DocumentLists
    batch_report: BatchReport
    metrics_report: MetricsReport
    trial_report: TrialReport
    close: Callable[[], None]
    """Closes connections and threads; a function app never does, tests and short programs do."""


def quiet_libraries() -> None:
    """Only warnings of the client libraries reach the log; our own loggers are below `pigeonhole`."""
    for name in _CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_services(settings: Settings, *, transport: httpx.BaseTransport | None = None) -> Services:
    """Everything the functions need. `transport` replaces the network below the Language client, for tests."""
    storage = PooledTransport()
    http = HttpWhenNeeded(lambda: _http_client(settings, transport))
    fan_out = ThreadFanOut(settings.pipeline_threads)
    blobs, queues = _blob_service(settings, storage), _queue_service(settings, storage)
    outages = Outages(utc_now)

    def close() -> None:
        http.close()
        storage.close()
        fan_out.close()

    adapters = Adapters(
        open_container=lambda name: AzureBlobStore(blobs.get_container_client(name), outages),
        open_queue=lambda name: AzureMessageQueue(queues.get_queue_client(name), outages),
        language=_language(settings, http),
        fan_out=fan_out,
        clock=utc_now,
        jitter=random.random,
        outages=outages,
    )
    return assemble(settings, adapters, close=close)


def assemble(settings: Settings, adapters: Adapters, *, close: Callable[[], None] = lambda: None) -> Services:
    """The use cases over these adapters."""
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
    operation_queue: OperationQueue = StepQueue(
        "operation",
        RecordStore(state, "operations", record=OPERATION, facts=OperationFacts),
        queue(settings.operations_queue),
        retry,
        clock,
    )
    walks: Walks = StepQueue(
        "walk",
        RecordStore(state, "reconcile", record=TypeAdapter(Walk), facts=Facts),
        operation_queue.queue,
        retry,
        clock,
    )
    resubmit = Resubmit(batches, records)
    pace = Pace()
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
        pace=pace,
    )
    decisions = DecisionStore(state)
    labels = LabelsStore(
        state,
        container,
        settings.containers_for_training,
        settings.golden_percent,
        AddedLabels(decisions, container, lambda project: projects.get(project).created),
    )
    trials = TrialStore(state)
    promises = Promises(ProjectSettingsStore(state), trials, active_model)
    projects = Projects(
        language=adapters.language,
        language_api=settings.language_api,
        active_model=active_model,
        labels=labels,
        promises=promises,
        containers=settings.containers_for_training,
        open_container=container,
        reader=reader,
        fan_out=fan_out,
    )
    review_queue = ReviewQueue(state, decisions, fan_out)
    reviews = Reviews(
        queue=review_queue,
        decisions=decisions,
        records=records,
        reader=reader,
        choices=Choices(state, projects.get, container, containers=settings.containers_for_training, clock=clock),
        open_container=container,
        longest=lambda: projects.api.label_rules.max_characters,
        clock=clock,
    )
    unneeded_models = UnneededModels(adapters.language, active_model)
    operations = Operations(operation_queue, state, active_model, settings.language_project)
    reclassification = Reclassification(
        operations=operations,
        inbox=inbox,
        records=records,
        active_model=active_model,
        language_project=settings.language_project,
        language_api=settings.language_api,
        limit=settings.reclassify_limit,
        open_versions=lambda: open_versions(batches, fan_out),
    )
    collector = Collector(
        inbox=inbox,
        batches=batches,
        dead_letters=dead_letters,
        queue_name=settings.documents_queue,
        visibility=timedelta(seconds=settings.pipeline_collect_visibility_seconds),
        hidden_in_hand=timedelta(seconds=settings.pipeline_in_hand_seconds),
    )
    document_dead_letters = DocumentDeadLetters(
        inbox=inbox,
        dead_letters=dead_letters,
        events_queue=settings.events_queue,
        collect_queue=settings.collect_queue,
        wake_delay=settings.grace,
    )
    batch_dead_letters = StepDeadLetters(
        steps=batches,
        dead_letters=dead_letters,
        queue_name=settings.batches_queue,
        give_up=lambda stored, why: resubmit.give_up(stored, FailureCode.POISONED, why, is_last=True),
        close=batches.store.close,
    )
    dead_letter_redrive = DeadLetterRedrive(
        operations=operations,
        dead_letters=dead_letters,
        fan_out=fan_out,
        language_api=settings.language_api,
        put_back={
            BLOB_TRIGGER_QUEUE: document_dead_letters.put_back_upload,
            settings.events_queue: document_dead_letters.put_back_event,
            settings.documents_queue: lambda text, _: collector.put_back(text),
            settings.collect_queue: document_dead_letters.put_back_wake,
            settings.batches_queue: BatchPutBack(batches, batch_dead_letters, inbox),
            settings.operations_queue: lambda text, _: operation_dead_letters.put_back(text),
        },
    )

    golden_documents = GoldenDocuments(
        state,
        labels.golden,
        container,
        settings.containers_for_training,
        texts,
        fan_out,
        limit=settings.trial_documents,
    )
    trial_steps = TrialSteps(operation_queue, adapters.language, active_model, trials, golden_documents)

    def publishing_for(api_version: str) -> PublishingSteps:
        return _publishing(settings, adapters, active_model, promises, batches, trial_steps, api_version)

    waits = Waits(operation_queue, adapters.language.waits)
    training_configs = TrainingConfigs(adapters.language, settings.language_training_config, clock)
    expiry_check = ExpiryCheck(
        adapters.language,
        active_model,
        training_configs,
        clock,
        language_api=settings.language_api,
        project=settings.language_project,
    )
    operation_steps = OperationSteps(
        operations=operations,
        language=adapters.language,
        retrain=RetrainSteps(
            operation_queue,
            adapters.language,
            active_model,
            labels,
            unneeded_models=unneeded_models,
            training_configs=training_configs,
            trials=trials,
        ),
        reclassification=reclassification,
        dead_letters=dead_letter_redrive,
        publishing_for=publishing_for,
    )
    operation_dead_letters = StepDeadLetters(
        steps=operation_queue,
        dead_letters=dead_letters,
        queue_name=settings.operations_queue,
        give_up=operation_steps.give_up,
        close=operations.close,
    )
    batch_steps = BatchSteps(batches, submit, Poll(batches, records, resubmit, adapters.language, review_queue, pace))
    handlers: dict[str, Handle] = {
        BLOB_TRIGGER_QUEUE: document_dead_letters.handle_upload,
        settings.events_queue: document_dead_letters.handle_event,
        settings.collect_queue: document_dead_letters.handle_wake,
        settings.batches_queue: batch_dead_letters.handle,
        settings.operations_queue: operation_dead_letters.handle,
    }

    abandoned = [
        Abandoned(name, queue(beside), handle, dead_letters, clock)
        for name, handle in handlers.items()
        if (beside := queue_beside(name)) is not None
    ]
    start_operations = StartOperations(
        operations=operations,
        projects=projects,
        first_step_of_retraining=lambda: publishing_for(settings.language_api).first_step_of_retraining,
        clock=clock,
    )
    return Services(
        settings=settings,
        adapters=adapters,
        inbox=inbox,
        intake=Intake(inbox, collector, batch_steps, wait=adapters.wait, clock=clock),
        records=records,
        collector=collector,
        batches=batches,
        batch_steps=batch_steps,
        active_model=active_model,
        projects=projects,
        promises=promises,
        unneeded_models=unneeded_models,
        operations=operations,
        operation_steps=operation_steps,
        start_operations=start_operations,
        reclassification=reclassification,
        reconcile=Reconcile(
            inbox, records, state, walks, settings.grace, lambda: open_versions_of_few(batches, fan_out)
        ),
        reviews=reviews,
        sweep=Sweep(
            abandoned,
            inbox,
            batches,
            operation_queue,
            fan_out,
            MetricsLog(
                inbox,
                batches,
                queue(settings.events_queue),
                active_model,
                expiry_check,
                clock,
            ),
            ReviewSweep(state, reviews, records, fan_out, clock),
            RetrainAfterDecisions(
                operations,
                start_operations,
                lambda project, count: [line.at for line in decisions.newest(project, count=count)],
                project=settings.language_project,
                decisions=settings.retrain_after_decisions,
            ),
        ),
        dead_letters=dead_letters,
        dead_letter_redrive=dead_letter_redrive,
        document_dead_letters=document_dead_letters,
        batch_dead_letters=batch_dead_letters,
        operation_dead_letters=operation_dead_letters,
        health=HealthCheck(
            containers={
                settings.documents_container: records.documents,
                settings.classifications_container: records.classifications,
                settings.failures_container: records.failures,
                settings.pipeline_container: state,
            },
            queues={
                settings.documents_queue: inbox.documents_queue,
                settings.collect_queue: inbox.collect_queue,
                settings.batches_queue: batches.queue,
                settings.operations_queue: operation_queue.queue,
            },
            outages=adapters.outages,
            active_model=active_model,
            waits=waits,
            language=adapters.language,
            language_api=settings.language_api,
            project=settings.language_project,
            expiry_check=expiry_check,
            batches=batches,
            clock=clock,
        ),
        status=StatusReport(inbox, batches, records, state, active_model, waits, clock, audited=decisions.audited),
        document_report=DocumentReport(records, batches),
        document_lists=DocumentLists(records),
        batch_report=BatchReport(batches),
        metrics_report=MetricsReport(batches, TrialStore(state)),
        trial_report=TrialReport(TrialStore(state), ProjectSettingsStore(state)),
        close=close,
    )


def _publishing(
    settings: Settings,
    adapters: Adapters,
    active_model: ActiveModelStore,
    promises: Promises,
    batches: Batches,
    trials: TrialSteps,
    api_version: str,
) -> PublishingSteps:
    """The one choice between the two ways to publish."""
    common: dict[str, Any] = {
        "steps": trials.steps,
        "language": adapters.language,
        "active_model": active_model,
        "promises": promises,
        "language_project": settings.language_project,
        "wake_waiting": lambda: wake_waiting(batches, adapters.fan_out),
        "trials": trials,
        "gate_step": GateStep(trials.steps, active_model, trials.trials, trials.documents),
    }
    if not api_for(api_version).has_deployments:
        return PublishDirectly(**common)
    return StageAndSwap(
        **common,
        production=settings.language_deployment,
        staging=settings.language_staging_deployment,
        settle=timedelta(seconds=settings.pipeline_model_cache_seconds + settings.language_read_seconds),
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


def _http_client(settings: Settings, transport: httpx.BaseTransport | None) -> httpx.Client:
    timeout = httpx.Timeout(settings.language_read_seconds, connect=settings.language_connect_seconds)
    # httpx loses speed beyond 16 connections at once on one process.
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
    return httpx.Client(timeout=timeout, limits=limits, follow_redirects=False, transport=transport)


def _language(settings: Settings, http: HttpWhenNeeded) -> LanguageClient:
    rate_limits = RateLimits(
        analyze=_rate_limiter(settings.analyze_requests_per_minute),
        authoring_posts=_rate_limiter(settings.language_authoring_posts_per_minute),
        authoring_gets=_rate_limiter(settings.language_authoring_gets_per_minute),
    )
    credential = _language_credential(settings)
    return LanguageClient(settings.language_endpoint, credential, http, rate_limits=rate_limits)


def _rate_limiter(requests_per_minute: int) -> RateLimiter | None:
    return RateLimiter(requests_per_minute) if requests_per_minute else None


def _language_credential(settings: Settings) -> Credential:
    if settings.language_credential is CredentialKind.KEY and settings.language_key is not None:
        return KeyCredential(settings.language_key.get_secret_value())
    authoring = settings.language_authoring_client_id
    return IdentityCredential(_identity(settings.language_client_id), _identity(authoring) if authoring else None)


# After 1, 4, 10 and 28 s. The SDK's own first wait, at every connection that was closed on us, is 15 s.
_STORAGE_RETRY: dict[str, Any] = {"initial_backoff": 1, "increment_base": 3, "retry_total": 4, "random_jitter_range": 1}


def _blob_service(settings: Settings, transport: PooledTransport) -> BlobServiceClient:
    options: dict[str, Any] = {"transport": transport, "retry_policy": BlobRetry(**_STORAGE_RETRY)}
    if settings.data_storage is not None:
        return BlobServiceClient.from_connection_string(settings.data_storage.get_secret_value(), **options)
    address = str(settings.data_storage__blobserviceuri)
    return BlobServiceClient(address, credential=_identity(settings.data_storage__clientid), **options)


def _queue_service(settings: Settings, transport: PooledTransport) -> QueueServiceClient:
    options: dict[str, Any] = {"transport": transport, "retry_policy": QueueRetry(**_STORAGE_RETRY)}
    if settings.data_storage is not None:
        return QueueServiceClient.from_connection_string(settings.data_storage.get_secret_value(), **options)
    address = str(settings.data_storage__queueserviceuri)
    return QueueServiceClient(address, credential=_identity(settings.data_storage__clientid), **options)


def _identity(client_id: str | None) -> Any:
    """A user-assigned identity by its client id; without one, whoever runs the process (a developer's sign-in too)."""
    # Imported only when a setting asks for it: azure-identity costs a cold start a good part of a second.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id) if client_id else DefaultAzureCredential()
