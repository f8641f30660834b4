"""The only place, with function_app.py, that imports azure.functions: binding to value, one call, and back."""

from __future__ import annotations

import azure.functions as func

from functions import intake, maintenance, routes, steps
from shared.services import Services


def blueprints(services: Services) -> list[func.Blueprint]:
    """Every blueprint of the app: what storage and the clock trigger, and the table of HTTP functions."""
    return [module.blueprint(services) for module in (intake, steps, maintenance, routes)]
