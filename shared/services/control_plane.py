"""Wires what steers and shows: projects, operations, reviews, timers, dead letters, and the answers to people.

Imported and wired when one of them is first asked for: no document waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from shared.batches.batch import Batch, Batches, BatchFacts
from shared.batches.open_batches import open_versions, open_versions_of_few, wake_waiting
from shared.batches.put_back import BatchPutBack
from shared.config import Settings
from shared.documents.dead_letters import BLOB_TRIGGER_QUEUE, DocumentDeadLetters
from shared.documents.reconcile import Reconcile, Walks
from shared.documents.ref import FailureCode
from shared.documents.walk import Walk
from shared.durable.abandoned import Abandoned, Handle, queue_beside
from shared.durable.record import Facts
from shared.durable.step_dead_letters import StepDeadLetters
from shared.durable.steps import StepQueue
from shared.durable.store import RecordStore
from shared.language.apis import api_for
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
from shared.reviews.labels import AddedLabels
from shared.reviews.sweep import ReviewSweep
from shared.services.adapters import Adapters
from shared.services.pipeline import Pipeline
from shared.sweep import Sweep


@dataclass(frozen=True)
class ControlPlane:
    """The use cases of the HTTP functions, the timers and the operations."""

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


def wire_control_plane(pipeline: Pipeline) -> ControlPlane:
    """The use cases over the pipeline's own stores, queues and client."""
    settings, adapters, state, retry = pipeline.settings, pipeline.adapters, pipeline.state, pipeline.retry
    container, queue, clock, fan_out = adapters.open_container, adapters.open_queue, adapters.clock, adapters.fan_out
    records, inbox, batches, decisions = pipeline.records, pipeline.inbox, pipeline.batches, pipeline.decisions
    active_model, dead_letters = pipeline.active_model, pipeline.dead_letters
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
    labels = LabelsStore(
        state,
        container,
        settings.containers_for_training,
        settings.golden_percent,
        AddedLabels(decisions, container, lambda project: projects.get(project).created),
    )
    trials = TrialStore(state)
    project_settings = ProjectSettingsStore(state)
    promises = Promises(project_settings, trials, active_model)
    projects = Projects(
        language=adapters.language,
        language_api=settings.language_api,
        active_model=active_model,
        labels=labels,
        promises=promises,
        containers=settings.containers_for_training,
        open_container=container,
        reader=pipeline.texts.reader,
        fan_out=fan_out,
    )
    reviews = Reviews(
        queue=pipeline.review_queue,
        decisions=decisions,
        records=records,
        reader=pipeline.texts.reader,
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
        give_up=lambda stored, why: pipeline.resubmit.give_up(stored, FailureCode.POISONED, why, is_last=True),
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
            settings.documents_queue: lambda text, _: pipeline.collector.put_back(text),
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
        pipeline.texts,
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
    return ControlPlane(
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
        metrics_report=MetricsReport(batches, trials),
        trial_report=TrialReport(trials, project_settings),
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
