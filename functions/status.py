"""HTTP: health, the pipeline's status, where a document is, classify again."""

from __future__ import annotations

import azure.functions as func

from functions.http import json_response, problem_response
from shared.documents.ref import is_document_name
from shared.errors import quoted
from shared.reports.bodies import Problem
from shared.reports.documents import SentBody
from shared.services import Services

CLASSIFY = "classify"


def get_health(services: Services, _: func.HttpRequest) -> func.HttpResponse:
    health = services.health()
    return json_response(health, 200 if health.healthy else 503)


def get_status(services: Services, _: func.HttpRequest) -> func.HttpResponse:
    return json_response(services.status())


def get_document(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = _name(req)
    if not name:
        detail = "ask for /api/documents/{name}, or /api/documents?name=..."
        return problem_response(Problem(title="No document named", status=400, detail=detail))
    return answer_document(services, name)


def classify_document(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = _name(req)
    if not (req.route_params.get("path") or "").endswith(CLASSIFY) or not name:
        detail = "POST to /api/documents/{name}/classify"
        return problem_response(Problem(title="No such address", status=404, detail=detail))
    if not is_document_name(name):
        detail = f"only .txt blobs are classified, {quoted(name)} is not one"
        return problem_response(Problem(title="Not a document", status=400, detail=detail, name=name))
    document = services.inbox.classify_again(name)
    if document is None:
        return _unknown_document(name)
    return json_response(SentBody(name=name, etag=document.etag), 202)


def answer_document(services: Services, name: str) -> func.HttpResponse:
    """Where the document is, and its records."""
    status = services.document_report(name)
    return json_response(status) if status else _unknown_document(name)


def _name(req: func.HttpRequest) -> str:
    """The document's name: `?name=` where its characters do not travel well in a path, else the rest of the path."""
    asked = req.params.get("name")
    path = req.route_params.get("path") or ""
    return asked or path.removesuffix(f"/{CLASSIFY}").removesuffix(CLASSIFY)


def _unknown_document(name: str) -> func.HttpResponse:
    detail = f"no blob and no record is called {quoted(name)}; names are case-sensitive"
    return problem_response(Problem(title="Unknown document", status=404, detail=detail, name=name))
