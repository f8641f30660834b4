"""Timers: reconcile finds documents whose event was lost, sweep revives what lost its message and writes metrics.

Neither runs at every start: the host runs a timer that missed its time when it starts (docs/decisions/0020).
"""

from __future__ import annotations

import azure.functions as func

from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("reconcile")
    @bp.timer_trigger(arg_name="timer", schedule="%RECONCILE_SCHEDULE%")
    def reconcile(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding demands it
        services.reconcile()

    @bp.function_name("sweep")
    @bp.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%")
    def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding demands it
        services.sweep()

    return bp
