"""How a request to the Language service is authenticated: with the resource key, or with tokens of managed identities.

Keys and tokens leave these objects in the headers of a request only, and never reach a log or a repr.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.errors import LanguageAccessError
from shared.language.apis.base import Api

# https://learn.microsoft.com/azure/ai-services/authentication#authenticate-with-microsoft-entra-id
SCOPE = "https://cognitiveservices.azure.com/.default"
# Tokens are renewed early, so that none expires between here and the service.
RENEW_SECONDS = 300


class Credential(Protocol):
    """Makes the headers that authenticate a request."""

    def headers(self, api: Api) -> dict[str, str]: ...


@dataclass(frozen=True)
class KeyCredential:
    """The resource key, for local use. Deployed apps use an identity."""

    key: str

    def headers(self, api: Api) -> dict[str, str]:  # noqa: ARG002 - the key is valid for both APIs
        return {"Ocp-Apim-Subscription-Key": self.key}

    def __repr__(self) -> str:
        return "KeyCredential(***)"


class AccessToken(Protocol):
    """azure-core's token. `expires_on` is in seconds since 1970."""

    @property
    def token(self) -> str: ...
    @property
    def expires_on(self) -> int: ...


class TokenSource(Protocol):
    """The part of azure-identity's credentials that is used here."""

    def get_token(self, *scopes: str) -> AccessToken: ...


class IdentityCredential:
    """Bearer tokens, kept until shortly before they expire. Authoring may have a second identity with more rights."""

    def __init__(
        self,
        prediction: TokenSource,
        authoring: TokenSource | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sources = {Api.PREDICTION: prediction, Api.AUTHORING: authoring or prediction}
        self._tokens: dict[Api, AccessToken] = {}
        self._clock = clock
        self._lock = threading.Lock()

    def headers(self, api: Api) -> dict[str, str]:
        """Raises LanguageAccessError if no token can be obtained; the pipeline pauses and tries again."""
        return {"Authorization": f"Bearer {self._token(api).token}"}

    def _token(self, api: Api) -> AccessToken:
        with self._lock:
            kept = self._tokens.get(api)
            if kept is None or kept.expires_on - RENEW_SECONDS <= self._clock():
                kept = self._tokens[api] = self._fetch(api)
            return kept

    def _fetch(self, api: Api) -> AccessToken:
        try:
            return self._sources[api].get_token(SCOPE)
        except Exception as error:
            # Only the kind of error: azure-identity's messages may quote parts of the answer.
            raise LanguageAccessError(
                f"no token for {api.value} calls ({type(error).__name__}); "
                "check LANGUAGE_CLIENT_ID, LANGUAGE_AUTHORING_CLIENT_ID and the app's identities",
                status_code=401,
            ) from None
