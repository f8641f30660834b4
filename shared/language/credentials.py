"""How a request to the Language service is authenticated: the resource key, or Entra ID tokens of managed identities.

Secrets and tokens never leave these objects except in the headers of a request, and never reach a log or a repr.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.errors import LanguageAccessError
from shared.language.dialects.base import Half

# https://learn.microsoft.com/azure/ai-services/authentication#authenticate-with-microsoft-entra-id
SCOPE = "https://cognitiveservices.azure.com/.default"
# Renew before the service could refuse a token that expires on the way.
RENEW_SECONDS = 300


class Credential(Protocol):
    """Authenticates a request; the secret itself never leaves the implementation."""

    def headers(self, half: Half) -> dict[str, str]: ...


@dataclass(frozen=True)
class KeyCredential:
    """The resource key, for local use; deployed apps use an identity."""

    key: str

    def headers(self, half: Half) -> dict[str, str]:  # noqa: ARG002 - one key opens both halves
        return {"Ocp-Apim-Subscription-Key": self.key}

    def __repr__(self) -> str:
        return "KeyCredential(***)"


class AccessToken(Protocol):
    """azure-core's token: the text, and when it expires in seconds since 1970."""

    @property
    def token(self) -> str: ...
    @property
    def expires_on(self) -> int: ...


class TokenSource(Protocol):
    """What azure-identity's credentials offer."""

    def get_token(self, *scopes: str) -> AccessToken: ...


class IdentityCredential:
    """Bearer tokens, kept until shortly before they expire. Authoring may use a second identity with more rights."""

    def __init__(
        self,
        prediction: TokenSource,
        authoring: TokenSource | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sources = {Half.PREDICTION: prediction, Half.AUTHORING: authoring or prediction}
        self._tokens: dict[Half, AccessToken] = {}
        self._clock = clock
        self._lock = threading.Lock()

    def headers(self, half: Half) -> dict[str, str]:
        """Raises LanguageAccessError when no token can be had; the pipeline pauses and tries again."""
        return {"Authorization": f"Bearer {self._token(half).token}"}

    def _token(self, half: Half) -> AccessToken:
        with self._lock:
            kept = self._tokens.get(half)
            if kept is None or kept.expires_on - RENEW_SECONDS <= self._clock():
                kept = self._tokens[half] = self._fetch(half)
            return kept

    def _fetch(self, half: Half) -> AccessToken:
        try:
            return self._sources[half].get_token(SCOPE)
        except Exception as error:
            # Only the kind of error: azure-identity's messages may quote parts of the answer.
            raise LanguageAccessError(
                f"no token for {half.value} calls ({type(error).__name__}); "
                "check LANGUAGE_CLIENT_ID, LANGUAGE_AUTHORING_CLIENT_ID and the app's identities",
                status_code=401,
            ) from None
