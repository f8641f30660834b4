"""HTTP: documents by the beginning of their name, failures by reason, how a model did on the golden documents."""

from __future__ import annotations

import azure.functions as func
from pydantic import ConfigDict, TypeAdapter

from functions.http import handles_errors, json_response, problem_response, read_limit, read_request
from functions.projects import project_name
from functions.status import answer_document
from shared.documents.ref import FailureCode, NamePrefix
from shared.errors import quoted
from shared.reports.bodies import Problem
from shared.reports.document_lists import DOCUMENTS_LISTED, FAILURES_LISTED
from shared.services import Services

_PREFIX: TypeAdapter[str] = TypeAdapter(NamePrefix, config=ConfigDict(defer_build=True))
_REASON: TypeAdapter[FailureCode] = TypeAdapter(FailureCode, config=ConfigDict(defer_build=True))


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("list_documents")
    @bp.route(route="documents", methods=["GET"])
    @handles_errors
    def list_documents(req: func.HttpRequest) -> func.HttpResponse:
        name = req.params.get("name")
        if name:
            return answer_document(services, name)
        limit, token = read_limit(req, default=DOCUMENTS_LISTED), req.params.get("token")
        return json_response(services.document_lists.documents(_prefix(req), limit=limit, token=token))

    @bp.function_name("list_failures")
    @bp.route(route="failures", methods=["GET"])
    @handles_errors
    def list_failures(req: func.HttpRequest) -> func.HttpResponse:
        asked, limit = req.params.get("reason"), read_limit(req, default=FAILURES_LISTED)
        reason = read_request(lambda: _REASON.validate_python(asked), place="reason") if asked else None
        return json_response(services.document_lists.failures(reason=reason, prefix=_prefix(req), limit=limit))

    @bp.function_name("get_trial")
    @bp.route(route="projects/{project}/models/{model}/trial", methods=["GET"])
    @handles_errors
    def get_trial(req: func.HttpRequest) -> func.HttpResponse:
        label = req.route_params.get("model") or ""
        found = services.trial_report(project_name(req), model=label)
        if found is None:
            detail = f"model {quoted(label)} has classified no golden documents: a retraining tries its model on them"
            return problem_response(Problem(title="No trial", status=404, detail=detail))
        return json_response(found)

    return bp


def _prefix(req: func.HttpRequest) -> str:
    """Raises BadRequestError."""
    return read_request(lambda: _PREFIX.validate_python(req.params.get("prefix") or ""), place="prefix")
