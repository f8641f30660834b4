"""HTTP: the page's static files. They hold no data and want no key: what it shows comes from the other functions."""

from __future__ import annotations

import re
from pathlib import Path

import azure.functions as func

from functions.http import json_response, problem_response
from functions.reviews import PRINCIPAL
from shared.errors import quoted
from shared.reports.bodies import Problem
from shared.reports.page import SignedInBody
from shared.services import Services
from shared.web_files import WebFile, WebFiles

SIGNED_IN = "signed-in"
"""Below the page's address: who the platform says is signed in."""
FOLDER = Path(__file__).resolve().parent.parent / "web"
_FILES = WebFiles(FOLDER)

HEADERS = {
    # Nothing but our own files and our own answers; nothing inline; no other page may frame this one.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Accept-Encoding",
}


def get_page(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    path = req.route_params.get("path") or ""
    if path == SIGNED_IN:
        return json_response(SignedInBody(name=req.headers.get(PRINCIPAL) if services.settings.easy_auth else None))
    found = _FILES.find(path)
    if found is None:
        detail = f"the page has no file {quoted(path)}; it begins at /api/ui"
        return problem_response(Problem(title="No such file", status=404, detail=detail))
    file, is_for_good = found
    return _answer(req, file, is_for_good=is_for_good)


def _answer(req: func.HttpRequest, file: WebFile, *, is_for_good: bool) -> func.HttpResponse:
    headers = HEADERS | {
        "ETag": file.etag,
        "Cache-Control": "public, max-age=31536000, immutable" if is_for_good else "no-cache",
    }
    if _has(req.headers.get("If-None-Match"), etag=file.etag):
        return func.HttpResponse(status_code=304, headers=headers)
    if not re.search(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", req.headers.get("Accept-Encoding") or ""):
        return func.HttpResponse(file.content, mimetype=file.media_type, charset="utf-8", headers=headers)
    compressed = headers | {"Content-Encoding": "gzip"}
    return func.HttpResponse(file.compressed, mimetype=file.media_type, charset="utf-8", headers=compressed)


def _has(if_none_match: str | None, *, etag: str) -> bool:
    """A proxy that compresses makes an ETag weak."""
    return etag in [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
