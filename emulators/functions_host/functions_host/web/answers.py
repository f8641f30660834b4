"""How the parts of the site that are not functions answer."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

Answer = tuple[int, Any]
"""Status, and a JSON body or None."""


def to_json_response(answer: Answer) -> Response:
    status, body = answer
    return Response(status_code=status) if body is None else JSONResponse(body, status)
