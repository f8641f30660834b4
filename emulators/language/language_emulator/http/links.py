"""Absolute addresses the emulator hands out: on the external URL if one is set, else on the host the client called."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import Request


def link(external_url: str | None, request: Request, path: str, query: dict[str, Any] | None = None) -> str:
    base = (external_url or str(request.base_url)).rstrip("/")
    # `$` as the service writes it in $top and $skip.
    return f"{base}{path}" + (f"?{urlencode(query, safe='$')}" if query else "")
