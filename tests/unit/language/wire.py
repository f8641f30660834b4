"""The samples of emulators/language/tests/wire, and a client whose network is one sample or one answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.rate_limiter import RateLimits

WIRE = Path(__file__).parents[3] / "emulators/language/tests/wire"
ENDPOINT = "https://contoso.cognitiveservices.azure.com"
KEY = "a-key-nobody-may-see"


@dataclass(frozen=True)
class Sample:
    """One exchange of emulators/language/tests/wire."""

    name: str
    request: dict[str, Any]
    response: dict[str, Any]

    def answer(self) -> httpx.Response:
        body = self.response.get("body")
        headers = self.response.get("headers", {})
        if body is None:
            return httpx.Response(self.response["status"], headers=headers)
        return httpx.Response(self.response["status"], headers=headers, content=json.dumps(body).encode())


def load_samples(version: str) -> dict[str, Sample]:
    found = {}
    for path in sorted((WIRE / version).glob("*.json")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = Sample(path.stem, entry["request"], entry["response"])
    return found


def essence(method: str, url: str, headers: dict[str, str], content: bytes | Any) -> dict[str, Any]:
    """What must be equal in two requests: method, path, query, key header, content type and JSON body."""
    parts = urlsplit(url)
    lower = {name.lower(): value for name, value in headers.items()}
    body = json.loads(content) if isinstance(content, bytes) and content else content or None
    return {
        "method": method,
        "path": parts.path,
        "query": sorted(parse_qsl(parts.query)),
        "has key": "ocp-apim-subscription-key" in lower,
        "content type": lower.get("content-type") if body is not None else None,
        "body": body,
    }


@dataclass
class Network:
    """Answers from a function; keeps every request."""

    respond: Callable[[httpx.Request], httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: float = 0.0

    def client(self, *, endpoint: str = ENDPOINT, rate_limits: RateLimits | None = None) -> LanguageClient:
        http = httpx.Client(transport=httpx.MockTransport(self._handle))
        return LanguageClient(
            endpoint, KeyCredential(KEY), http, rate_limits=rate_limits, sleep=self._sleep, clock=lambda: self.now
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.respond(request)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
