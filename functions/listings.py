"""HTTP: documents by the beginning of their name, and failures by reason."""

from __future__ import annotations

import azure.functions as func
from pydantic import ConfigDict, TypeAdapter

from functions.http import json_response, read_limit, read_request
from functions.status import answer_document
from shared.documents.ref import FailureCode, NamePrefix
from shared.reports.document_lists import DOCUMENTS_LISTED, FAILURES_LISTED
from shared.services import Services

_PREFIX: TypeAdapter[str] = TypeAdapter(NamePrefix, config=ConfigDict(defer_build=True))
_REASON: TypeAdapter[FailureCode] = TypeAdapter(FailureCode, config=ConfigDict(defer_build=True))


def list_documents(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    name = req.params.get("name")
    if name:
        return answer_document(services, name)
    limit, token = read_limit(req, default=DOCUMENTS_LISTED), req.params.get("token")
    return json_response(services.document_lists.documents(_prefix(req), limit=limit, token=token))


def list_failures(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    asked, limit = req.params.get("reason"), read_limit(req, default=FAILURES_LISTED)
    reason = read_request(lambda: _REASON.validate_python(asked), place="reason") if asked else None
    return json_response(services.document_lists.failures(reason=reason, prefix=_prefix(req), limit=limit))


def _prefix(req: func.HttpRequest) -> str:
    """Raises BadRequestError."""
    return read_request(lambda: _PREFIX.validate_python(req.params.get("prefix") or ""), place="prefix")
