"""HTTP: what waits for review, deciding it, and undoing a decision."""

from __future__ import annotations

from typing import Annotated

import azure.functions as func
from pydantic import ConfigDict, Field, TypeAdapter

from functions.http import handles_errors, json_response, read_body, read_limit, read_request
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


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    reviews, believes_header = services.reviews, services.settings.easy_auth

    def reviewer(req: func.HttpRequest, given: str | None) -> str:
        """Who is signed in, else who the request says it is."""
        principal = (req.headers.get(PRINCIPAL) or "").strip() if believes_header else ""
        return "".join(letter for letter in principal if letter.isprintable())[:MAX_NAME] or given or UNKNOWN

    @bp.function_name("list_reviews")
    @bp.route(route="reviews", methods=["GET"])
    @handles_errors
    def list_reviews(req: func.HttpRequest) -> func.HttpResponse:
        limit = read_limit(req, default=LISTED)
        return json_response(review_list(reviews.queue.list_first(limit, class_name=req.params.get("class") or None)))

    @bp.function_name("get_review")
    @bp.route(route="reviews/{id}", methods=["GET"])
    @handles_errors
    def get_review(req: func.HttpRequest) -> func.HttpResponse:
        return json_response(review_body(reviews.show(_review_id(req))))

    @bp.function_name("decide_review")
    @bp.route(route="reviews/{id}", methods=["PUT"])
    @handles_errors
    def decide_review(req: func.HttpRequest) -> func.HttpResponse:
        review_id, request = _review_id(req), read_body(req, DecisionRequest)
        by = reviewer(req, request.by)
        return json_response(review_body(reviews.decide(review_id, request.classes or [], skip=request.skip, by=by)))

    @bp.function_name("undo_review")
    @bp.route(route="reviews/{id}", methods=["DELETE"])
    @handles_errors
    def undo_review(req: func.HttpRequest) -> func.HttpResponse:
        given = read_request(lambda: _NAME.validate_python(req.params.get("by")))
        return json_response(review_body(reviews.undo(_review_id(req), by=reviewer(req, given))))

    return bp


def _review_id(req: func.HttpRequest) -> str:
    return read_request(lambda: _ID.validate_python(req.route_params.get("id")), place="id")
