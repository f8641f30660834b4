"""A stand-in for App Service's identity endpoint: hands out tokens for storage and for the Language emulator.

Protocol: GET IDENTITY_ENDPOINT?api-version&resource&client_id with the header X-IDENTITY-HEADER
(https://learn.microsoft.com/azure/app-service/overview-managed-identity).
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

STORAGE = "https://storage.azure.com"
# Azurite's basic check compares issuer, audience and times, and does not verify the signature.
ISSUER = "https://sts.windows-ppe.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/"
LIFE_SECONDS = 3600

LanguageToken = Callable[[str], str]
"""Client id to a token of the Language service."""


@dataclass
class IdentityEndpoint:
    """`asked` is who asked for which resource, by client id."""

    url: str
    header: str
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"IDENTITY_ENDPOINT": self.url, "IDENTITY_HEADER": self.header}


@contextmanager
def running_identity_endpoint(language_token: LanguageToken) -> Iterator[IdentityEndpoint]:
    """The endpoint in a thread, stopped at the end of the block."""
    header = secrets.token_urlsafe(16)
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            if self.headers.get("X-IDENTITY-HEADER") != header or "resource" not in query:
                self._answer(400, {"error": "bad request"})
                return
            resource, client_id = query["resource"].rstrip("/"), query.get("client_id", "")
            asked.append((client_id, resource))
            token = storage_token() if resource == STORAGE else language_token(client_id)
            expires = str(int(time.time()) + LIFE_SECONDS)
            self._answer(
                200, {"access_token": token, "expires_on": expires, "resource": resource, "token_type": "Bearer"}
            )

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="identity-endpoint")
        thread.start()
        try:
            yield IdentityEndpoint(f"http://127.0.0.1:{server.server_address[1]}/msi/token", header, asked)
        finally:
            server.shutdown()
            thread.join()


def storage_token() -> str:
    now = int(time.time())
    claims = {"aud": STORAGE, "iss": ISSUER, "iat": now - 60, "nbf": now - 60, "exp": now + LIFE_SECONDS}
    return jwt.encode(claims, "not verified by anyone, but not short either", algorithm="HS256")
