"""Timers: reconcile finds documents whose event was lost, sweep revives what lost its message and writes metrics."""

from __future__ import annotations

import azure.functions as func

from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("reconcile")
    @bp.timer_trigger(arg_name="timer", schedule="%RECONCILE_SCHEDULE%", run_on_startup=True)
    def reconcile(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding demands it
        services.reconcile()

    @bp.function_name("sweep")
    @bp.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%")
    def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding demands it
        services.sweep()

    return bp
