"""The only place, with function_app.py, that imports azure.functions: binding to value, one call, and back."""

from __future__ import annotations

import azure.functions as func

from functions import (
    batches,
    intake,
    listings,
    maintenance,
    metrics,
    models,
    openapi,
    operations,
    page,
    projects,
    redrive,
    reviews,
    status,
)
from shared.services import Services


def blueprints(services: Services) -> list[func.Blueprint]:
    """Every blueprint of the app; function_app.py registers them, a test compares them with the modules here."""
    modules = (
        intake,
        batches,
        operations,
        redrive,
        projects,
        models,
        reviews,
        status,
        metrics,
        listings,
        page,
        openapi,
        maintenance,
    )
    return [module.blueprint(services) for module in modules]
