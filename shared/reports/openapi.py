"""The OpenAPI document: the table of endpoints, with the schemas of the models that the functions read and answer."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.models.projects import PROJECT_PATTERN
from shared.reports.bodies import Problem
from shared.reports.endpoints import DOCUMENT_PATTERN, ENDPOINTS, Answer, Endpoint
from shared.reviews.item import REVIEW_ID

OPENAPI_VERSION = "3.1.0"
# What any function may answer: a name or body that does not fit, a conflict over a blob, a body too large, a bug, and
# storage or the Language service not answering. 401 is the host's, and has no body.
ANY = (400, 409, 413, 500, 503)
_WORDS = {
    400: "The request cannot be read, or is none that can be carried out.",
    403: "The container is not allowed.",
    404: "What the address names does not exist.",
    409: "It conflicts with what there is, or was changed at the same moment.",
    413: "The body is too large.",
    422: "The labels file has problems.",
    500: "A bug; the log of the invocation has the rest.",
    501: "The API version cannot do that.",
    502: "The Language service refused the request, or answered what cannot be used.",
    503: "Storage or the Language service does not answer; try again later.",
}
_TEXT = {"type": "string", "minLength": 1}
_IN_PATH = {
    "project": {"type": "string", "pattern": PROJECT_PATTERN},
    "name": {"type": "string", "pattern": DOCUMENT_PATTERN, "description": "The blob's name, slashes percent-encoded."},
}
_IN_PATH_OF = {"Reviews": {"id": {"type": "string", "pattern": REVIEW_ID}}}
_HEADERS = {
    "Location": {"description": "The operation's address.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds until it is worth asking again.", "schema": {"type": "string"}},
}

_Used: TypeAlias = tuple[type[BaseModel], Literal["validation", "serialization"]]


@cache
def openapi() -> dict[str, Any]:
    """The document, as JSON knows it. Built once: it takes some hundred milliseconds."""
    schemas, definitions = models_json_schema(_models(), ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Pigeonhole",
            "version": "1",
            "description": "Classifies text files in blob storage with custom text classification. Times are UTC.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(endpoint.tag for endpoint in ENDPOINTS)],
        "paths": paths,
        "components": {"schemas": definitions["$defs"], "securitySchemes": _SECURITY},
    }


_SECURITY = {
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-functions-key",
        "description": "A function key to read, to review, and to send one document again; the host's master key for "
        "everything.",
    },
    "code": {"type": "apiKey", "in": "query", "name": "code", "description": "The same key, as a query parameter."},
}


def _models() -> list[_Used]:
    used: dict[_Used, None] = {(Problem, "serialization"): None}
    for endpoint in ENDPOINTS:
        if isinstance(endpoint.request, type):
            used[endpoint.request, "validation"] = None
        used |= {(body, "serialization"): None for answer in endpoint.answers for body in answer.body}
    return list(used)


def _operation(endpoint: Endpoint, schemas: dict[Any, Any]) -> dict[str, Any]:
    statuses = sorted({*ANY, *endpoint.problems} - {answer.status for answer in endpoint.answers})
    problem = {"application/problem+json": {"schema": schemas[Problem, "serialization"]}}
    responses: dict[str, Any] = {str(each.status): _answer(each, schemas) for each in endpoint.answers}
    responses["401"] = {"description": "The key is missing or wrong, or does not open this function; no body."}
    responses |= {str(status): {"description": _WORDS[status], "content": problem} for status in statuses}
    operation: dict[str, Any] = {
        "operationId": endpoint.function,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": "Wants the master key." if endpoint.master else "A function key opens it.",
        "security": [{"key": []}, {"code": []}],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": responses,
    }
    if endpoint.request is not None:
        is_model = isinstance(endpoint.request, type)
        schema = schemas[endpoint.request, "validation"] if is_model else endpoint.request
        operation["requestBody"] = {
            "required": not is_model or bool(_required(endpoint.request)),
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _required(model: Any) -> list[str]:
    return [name for name, each in model.model_fields.items() if each.is_required()]


def _answer(answer: Answer, schemas: dict[Any, Any]) -> dict[str, Any]:
    bodies = [schemas[body, "serialization"] for body in answer.body]
    schema = {"type": "object"} if not bodies else bodies[0] if len(bodies) == 1 else {"oneOf": bodies}
    described: dict[str, Any] = {"description": answer.what, "content": {"application/json": {"schema": schema}}}
    if answer.headers:
        described["headers"] = {name: _HEADERS[name] for name in answer.headers}
    return described


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    schemas = _IN_PATH | _IN_PATH_OF.get(endpoint.tag, {})
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas.get(name, _TEXT)}
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "in": "query", "required": each.required, "description": each.what, "schema": each.schema}
        for each in endpoint.parameters
    ]
