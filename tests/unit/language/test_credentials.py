"""Keys and tokens: in the header of a request, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from shared.errors import LanguageAccessError
from shared.language.credentials import RENEW_SECONDS, SCOPE, IdentityCredential, KeyCredential
from shared.language.dialects.base import Half


@dataclass
class Token:
    token: str
    expires_on: int


@dataclass
class Source:
    """Gives numbered tokens that live an hour, or refuses."""

    name: str
    now: list[float]
    error: Exception | None = None
    scopes: list[str] = field(default_factory=list)

    def get_token(self, *scopes: str) -> Token:
        self.scopes += scopes
        if self.error:
            raise self.error
        return Token(f"{self.name}-{len(self.scopes)}", int(self.now[0]) + 3_600)


@pytest.fixture
def now() -> list[float]:
    return [1_000_000.0]


@pytest.mark.parametrize("half", Half)
def test_a_key_opens_both_halves(half: Half) -> None:
    assert KeyCredential("k").headers(half) == {"Ocp-Apim-Subscription-Key": "k"}


def test_a_token_is_fetched_for_the_service_s_scope_and_kept(now: list[float]) -> None:
    source = Source("token", now)
    credential = IdentityCredential(source, clock=lambda: now[0])
    for _ in range(5):
        assert credential.headers(Half.PREDICTION) == {"Authorization": "Bearer token-1"}
    assert source.scopes == [SCOPE]


def test_a_token_is_renewed_before_it_could_expire_on_the_way(now: list[float]) -> None:
    credential = IdentityCredential(Source("token", now), clock=lambda: now[0])
    credential.headers(Half.PREDICTION)
    now[0] += 3_600 - RENEW_SECONDS - 1
    assert credential.headers(Half.PREDICTION)["Authorization"] == "Bearer token-1"
    now[0] += 1
    assert credential.headers(Half.PREDICTION)["Authorization"] == "Bearer token-2"


def test_authoring_may_use_another_identity(now: list[float]) -> None:
    credential = IdentityCredential(Source("reader", now), Source("author", now), clock=lambda: now[0])
    assert credential.headers(Half.PREDICTION)["Authorization"] == "Bearer reader-1"
    assert credential.headers(Half.AUTHORING)["Authorization"] == "Bearer author-1"


def test_without_one_the_same_identity_does_both(now: list[float]) -> None:
    credential = IdentityCredential(Source("one", now), clock=lambda: now[0])
    assert credential.headers(Half.AUTHORING)["Authorization"].startswith("Bearer one-")


def test_a_token_that_cannot_be_had_is_a_refused_credential_without_details(now: list[float]) -> None:
    source = Source("token", now, error=RuntimeError("the answer was: secret-part"))
    with pytest.raises(LanguageAccessError, match="RuntimeError") as caught:
        IdentityCredential(source, clock=lambda: now[0]).headers(Half.PREDICTION)
    assert "secret-part" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_failed_fetch_is_tried_again_by_the_next_request(now: list[float]) -> None:
    source = Source("token", now, error=RuntimeError("no"))
    credential = IdentityCredential(source, clock=lambda: now[0])
    with pytest.raises(LanguageAccessError):
        credential.headers(Half.PREDICTION)
    source.error = None
    assert credential.headers(Half.PREDICTION)["Authorization"] == "Bearer token-2"


def test_no_token_is_in_the_credential_s_text(now: list[float]) -> None:
    credential = IdentityCredential(Source("token", now), clock=lambda: now[0])
    credential.headers(Half.PREDICTION)
    assert "token-1" not in repr(credential) + str(credential)
