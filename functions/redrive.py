"""HTTP: what was classified, has failed or became a dead letter is sent again, as an operation."""

from __future__ import annotations

import azure.functions as func

from functions.http import handles_errors, json_response, read_body
from functions.operations import accepted
from shared.operations.operation import ReclassifyRequest, RedriveDeadLettersRequest, RedriveRequest
from shared.reports.operations import CountedDeadLetters, CountedDocuments
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    def classify_again(request: ReclassifyRequest) -> func.HttpResponse:
        if request.dry_run:
            return json_response(CountedDocuments(documents=services.reclassification.count(request)))
        return accepted(services.reclassification.start(request))

    @bp.function_name("reclassify")
    @bp.route(route="reclassify", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def reclassify(req: func.HttpRequest) -> func.HttpResponse:
        return classify_again(read_body(req, ReclassifyRequest))

    @bp.function_name("redrive_failures")
    @bp.route(route="failures/redrive", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def redrive_failures(req: func.HttpRequest) -> func.HttpResponse:
        return classify_again(read_body(req, RedriveRequest).reclassification)

    @bp.function_name("redrive_dead_letters")
    @bp.route(route="dead-letters/redrive", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def redrive_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
        request = read_body(req, RedriveDeadLettersRequest)
        if request.dry_run:
            return json_response(CountedDeadLetters(dead_letters=services.dead_letter_redrive.count(request)))
        return accepted(services.dead_letter_redrive.start(request))

    return bp
