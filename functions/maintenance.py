"""Timers: reconcile finds documents whose event was lost, sweep revives jobs whose message was lost
and tells the log how long documents wait.
"""

from __future__ import annotations

import azure.functions as func

from shared.pipeline.reconcile import reconcile_documents
from shared.pipeline.sweep import sweep_documents, sweep_jobs
from shared.pipeline.vitals import report_vitals
from shared.services import Services
from shared.training.maintenance import report_expiry, sweep_operations


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("reconcile")
    @bp.timer_trigger(arg_name="timer", schedule="%RECONCILE_SCHEDULE%", run_on_startup=True)
    def reconcile(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding demands it
        reconcile_documents(services.pipeline)

    @bp.function_name("sweep")
    @bp.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%")
    def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding demands it
        sweep_documents(services.pipeline)
        sweep_jobs(services.pipeline)
        sweep_operations(services.training)
        report_vitals(services.pipeline)
        report_expiry(services.training)

    return bp
