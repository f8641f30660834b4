"""HTTP: what was classified, has failed or became a dead letter is sent again, as an operation."""

from __future__ import annotations

import azure.functions as func

from functions.http import json_response, read_body
from functions.operations import accepted
from shared.operations.operation import ReclassifyRequest, RedriveDeadLettersRequest, RedriveRequest
from shared.reports.operations import CountedDeadLetters, CountedDocuments
from shared.services import Services


def reclassify(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    return _classify_again(services, read_body(req, ReclassifyRequest))


def redrive_failures(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    return _classify_again(services, read_body(req, RedriveRequest).reclassification)


def redrive_dead_letters(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    request = read_body(req, RedriveDeadLettersRequest)
    if request.dry_run:
        return json_response(CountedDeadLetters(dead_letters=services.dead_letter_redrive.count(request)))
    return accepted(services.dead_letter_redrive.start(request))


def _classify_again(services: Services, request: ReclassifyRequest) -> func.HttpResponse:
    if request.dry_run:
        return json_response(CountedDocuments(documents=services.reclassification.count(request)))
    return accepted(services.reclassification.start(request))
