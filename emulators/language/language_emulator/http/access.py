"""Who may call what: a resource key may do everything, a bearer token what its role allows."""

from __future__ import annotations

import hmac

from starlette.requests import Request

from language_emulator import errors
from language_emulator.http.tokens import Role, TokenIssuer

# Documented for GA; applied to the preview too, whose roles are not.
_NEEDS_WRITER = frozenset({"create_project", "update_project", "import_project", "train", "cancel_training"})
_NEEDS_OWNER = frozenset(
    {
        "publish",
        "deploy",
        "swap_deployments",
        "delete_project",
        "delete_model",
        "delete_deployment",
    }
)


def role_for(operation: str) -> Role:
    if operation in _NEEDS_OWNER:
        return Role.OWNER
    return Role.WRITER if operation in _NEEDS_WRITER else Role.READER


class Access:
    """Checks a request's credentials; they are compared, never kept or logged."""

    def __init__(self, issuer: TokenIssuer, *, key: str, require_token: bool) -> None:
        self._key = key.encode()
        self._require_token = require_token
        self._issuer = issuer

    def check(self, request: Request, operation: str) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            needed = role_for(operation)
            if not self._issuer.role_of(token).allows(needed):
                raise errors.role_missing(f"Cognitive Services Language {needed.value.capitalize()}")
            return
        if self._require_token:
            raise errors.token_refused("key authentication is turned off; send a bearer token.")
        given = request.headers.get("ocp-apim-subscription-key", "")
        if not hmac.compare_digest(given.encode(), self._key):
            raise errors.key_refused()
