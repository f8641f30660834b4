"""Clients, stores and use cases, once per process. Building makes no network call.

A process that a document wakes needs the pipeline only, which is wired at once. What steers and shows is imported and
wired when it is first asked for. `build_services` connects to Azure (or Azurite and the emulator); `assemble` wires any
adapters, fakes among them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.config import Settings
from shared.services.adapters import Adapters, connect, utc_now
from shared.services.pipeline import Pipeline, wire_pipeline

if TYPE_CHECKING:
    import httpx

    from shared.batches.batch import Batch, BatchFacts
    from shared.documents.dead_letters import DocumentDeadLetters
    from shared.documents.reconcile import Reconcile
    from shared.durable.step_dead_letters import StepDeadLetters
    from shared.models.projects import Projects
    from shared.models.promise import Promises
    from shared.models.unneeded import UnneededModels
    from shared.operations.advance import OperationSteps
    from shared.operations.operation import Operation, OperationFacts
    from shared.operations.operations import Operations
    from shared.operations.reclassify import Reclassification
    from shared.operations.redrive import DeadLetterRedrive
    from shared.operations.start import StartOperations
    from shared.reports.batches import BatchReport
    from shared.reports.document_lists import DocumentLists
    from shared.reports.documents import DocumentReport
    from shared.reports.health import HealthCheck
    from shared.reports.model_metrics import MetricsReport
    from shared.reports.status import StatusReport
    from shared.reports.trials import TrialReport
    from shared.reviews.decide import Reviews
    from shared.services.control_plane import ControlPlane
    from shared.sweep import Sweep

__all__ = ["Adapters", "Pipeline", "Services", "assemble", "build_services", "quiet_libraries", "utc_now"]

# Each of these logs every request it sends, with its address, at INFO. The host files every record of an app under one
# category, so host.json cannot tell them from our own.
_CHATTY_LIBRARIES = ("azure", "httpx", "httpcore", "urllib3", "msal")


class Services:
    """The use cases; a function takes the one it needs."""

    def __init__(self, pipeline: Pipeline, *, close: Callable[[], None] = lambda: None) -> None:
        self.pipeline = pipeline
        self.close = close
        """Closes connections and threads; a function app never does, tests and short programs do."""
        self.settings = pipeline.settings
        self.adapters = pipeline.adapters
        self.dead_letters = pipeline.dead_letters
        self.active_model = pipeline.active_model
        self.records = pipeline.records
        self.inbox = pipeline.inbox
        self.batches = pipeline.batches
        self.collector = pipeline.collector
        self.batch_steps = pipeline.batch_steps
        self.intake = pipeline.intake
        self._wiring = threading.Lock()
        self._control_plane: ControlPlane | None = None

    @property
    def control_plane(self) -> ControlPlane:
        """What steers and shows, all of it. Several threads may ask first at once; they are given the same."""
        with self._wiring:
            if self._control_plane is None:
                # Most of the app's modules, and no document needs one of them.
                from shared.services.control_plane import wire_control_plane

                self._control_plane = wire_control_plane(self.pipeline)
            return self._control_plane

    @property
    def projects(self) -> Projects:
        return self.control_plane.projects

    @property
    def promises(self) -> Promises:
        return self.control_plane.promises

    @property
    def unneeded_models(self) -> UnneededModels:
        return self.control_plane.unneeded_models

    @property
    def operations(self) -> Operations:
        return self.control_plane.operations

    @property
    def operation_steps(self) -> OperationSteps:
        return self.control_plane.operation_steps

    @property
    def start_operations(self) -> StartOperations:
        return self.control_plane.start_operations

    @property
    def reclassification(self) -> Reclassification:
        return self.control_plane.reclassification

    @property
    def dead_letter_redrive(self) -> DeadLetterRedrive:
        return self.control_plane.dead_letter_redrive

    @property
    def reconcile(self) -> Reconcile:
        return self.control_plane.reconcile

    @property
    def reviews(self) -> Reviews:
        return self.control_plane.reviews

    @property
    def sweep(self) -> Sweep:
        return self.control_plane.sweep

    @property
    def document_dead_letters(self) -> DocumentDeadLetters:
        return self.control_plane.document_dead_letters

    @property
    def batch_dead_letters(self) -> StepDeadLetters[Batch, BatchFacts]:
        return self.control_plane.batch_dead_letters

    @property
    def operation_dead_letters(self) -> StepDeadLetters[Operation, OperationFacts]:
        return self.control_plane.operation_dead_letters

    @property
    def health(self) -> HealthCheck:
        return self.control_plane.health

    @property
    def status(self) -> StatusReport:
        return self.control_plane.status

    @property
    def document_report(self) -> DocumentReport:
        return self.control_plane.document_report

    @property
    def document_lists(self) -> DocumentLists:
        return self.control_plane.document_lists

    @property
    def batch_report(self) -> BatchReport:
        return self.control_plane.batch_report

    @property
    def metrics_report(self) -> MetricsReport:
        return self.control_plane.metrics_report

    @property
    def trial_report(self) -> TrialReport:
        return self.control_plane.trial_report


def quiet_libraries() -> None:
    """Only warnings of the client libraries reach the log; our own loggers are below `pigeonhole`."""
    for name in _CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def build_services(settings: Settings, *, transport: httpx.BaseTransport | None = None) -> Services:
    """Everything the functions need. `transport` replaces the network below the Language client, for tests."""
    adapters, close = connect(settings, transport=transport)
    return assemble(settings, adapters, close=close)


def assemble(settings: Settings, adapters: Adapters, *, close: Callable[[], None] = lambda: None) -> Services:
    """The use cases over these adapters."""
    return Services(wire_pipeline(settings, adapters), close=close)
