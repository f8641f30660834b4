"""Every HTTP function: its name, its address, the key that opens it, and the module of its handler.

The handler has the function's name and takes the services and the request. Its module is imported when the function is
first called: a process that a document wakes answers no request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import NamedTuple

import azure.functions as func

from shared.services import Services

# Requests are small. The one exception, a labels file, takes up to 25 times its size in memory while it is read.
MAX_BODY_BYTES = 64 * 1024
# The service's 100,000 documents in one line each, or 50,000 as people indent them.
MAX_LABELS_BYTES = 16 * 1024 * 1024

FUNCTION_KEY = func.AuthLevel.FUNCTION
MASTER_KEY = func.AuthLevel.ADMIN
NO_KEY = func.AuthLevel.ANONYMOUS


class Route(NamedTuple):
    """An HTTP function, below /api; `module` is one of functions/."""

    name: str
    method: str
    route: str
    module: str
    key: func.AuthLevel = FUNCTION_KEY
    max_body: int = MAX_BODY_BYTES


ROUTES = (
    Route("get_health", "GET", "health", "status"),
    Route("get_status", "GET", "status", "status"),
    Route("get_metrics", "GET", "metrics", "metrics"),
    Route("list_documents", "GET", "documents", "listings"),
    Route("get_document", "GET", "documents/{*path}", "status"),
    Route("classify_document", "POST", "documents/{*path}", "status"),
    Route("list_failures", "GET", "failures", "listings"),
    Route("list_batches", "GET", "batches", "batches"),
    Route("get_batch", "GET", "batches/{id}", "batches"),
    Route("reclassify", "POST", "reclassify", "redrive", MASTER_KEY),
    Route("redrive_failures", "POST", "failures/redrive", "redrive", MASTER_KEY),
    Route("redrive_dead_letters", "POST", "dead-letters/redrive", "redrive", MASTER_KEY),
    Route("list_reviews", "GET", "reviews", "reviews"),
    Route("get_review", "GET", "reviews/{id}", "reviews"),
    Route("decide_review", "PUT", "reviews/{id}", "reviews"),
    Route("undo_review", "DELETE", "reviews/{id}", "reviews"),
    Route("put_project", "PUT", "projects/{project}", "projects", MASTER_KEY),
    Route("get_project", "GET", "projects/{project}", "projects"),
    Route("delete_project", "DELETE", "projects/{project}", "projects", MASTER_KEY),
    Route("put_labels", "PUT", "projects/{project}/labels", "projects", MASTER_KEY, MAX_LABELS_BYTES),
    Route("retrain", "POST", "projects/{project}/retrain", "projects", MASTER_KEY),
    Route("publish", "POST", "projects/{project}/publish", "projects", MASTER_KEY),
    Route("list_operations", "GET", "projects/{project}/operations", "projects"),
    Route("list_all_operations", "GET", "operations", "operations"),
    Route("get_operation", "GET", "operations/{id}", "operations"),
    Route("cancel_operation", "POST", "operations/{id}/cancel", "operations", MASTER_KEY),
    Route("list_models", "GET", "projects/{project}/models", "models"),
    Route("delete_model", "DELETE", "projects/{project}/models/{model}", "models", MASTER_KEY),
    Route("get_evaluation", "GET", "projects/{project}/evaluation", "models"),
    Route("get_validation", "GET", "projects/{project}/validation", "models"),
    Route("get_trial", "GET", "projects/{project}/models/{model}/trial", "models"),
    Route("compare_models", "GET", "projects/{project}/compare", "models"),
    Route("get_page", "GET", "ui/{*path}", "page", NO_KEY),
    Route("get_openapi", "GET", "openapi.json", "openapi"),
)


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    for each in ROUTES:
        route = bp.route(route=each.route, methods=[each.method], auth_level=each.key)
        bp.function_name(each.name)(route(_answering(each, services)))
    return bp


def _answering(route: Route, services: Services) -> Callable[[func.HttpRequest], func.HttpResponse]:
    @cache
    def handler() -> Callable[[func.HttpRequest], func.HttpResponse]:
        # Not at the top, as the handlers are not: it knows every error and the body of problems.
        from functions.http import handles_errors

        handle = getattr(import_module(f"functions.{route.module}"), route.name)
        return handles_errors(partial(handle, services), max_body=route.max_body)

    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return handler()(req)

    return answer
