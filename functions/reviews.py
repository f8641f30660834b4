"""HTTP: what waits for review, deciding it, and undoing a decision."""

from __future__ import annotations

from typing import Annotated

import azure.functions as func
from pydantic import ConfigDict, Field, TypeAdapter

from functions.http import json_response, read_body, read_limit, read_request
from shared.reports.reviews import MAX_NAME, DecisionRequest, ReviewerName, review_body, review_list
from shared.reviews.item import REVIEW_ID
from shared.services import Services

# Easy Auth sets it for whoever it signed in, and removes what a caller sends under that name:
# https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
PRINCIPAL = "X-MS-CLIENT-PRINCIPAL-NAME"
UNKNOWN = "unknown"
LISTED = 20

_ID: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(pattern=REVIEW_ID)], config=ConfigDict(defer_build=True))
_NAME: TypeAdapter[str | None] = TypeAdapter(ReviewerName | None, config=ConfigDict(defer_build=True))


def list_reviews(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    limit, class_name = read_limit(req, default=LISTED), req.params.get("class") or None
    return json_response(review_list(services.reviews.queue.list_first(limit, class_name=class_name)))


def get_review(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    return json_response(review_body(services.reviews.show(_review_id(req))))


def decide_review(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    review_id, request = _review_id(req), read_body(req, DecisionRequest)
    by = _reviewer(services, req, request.by)
    decided = services.reviews.decide(review_id, request.classes or [], skip=request.skip, by=by)
    return json_response(review_body(decided))


def undo_review(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    given = read_request(lambda: _NAME.validate_python(req.params.get("by")))
    return json_response(review_body(services.reviews.undo(_review_id(req), by=_reviewer(services, req, given))))


def _review_id(req: func.HttpRequest) -> str:
    return read_request(lambda: _ID.validate_python(req.route_params.get("id")), place="id")


def _reviewer(services: Services, req: func.HttpRequest, given: str | None) -> str:
    """Who is signed in, else who the request says it is."""
    principal = (req.headers.get(PRINCIPAL) or "").strip() if services.settings.easy_auth else ""
    return "".join(letter for letter in principal if letter.isprintable())[:MAX_NAME] or given or UNKNOWN
