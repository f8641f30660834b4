"""Keys and tokens: in the header of a request, and nowhere else."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition

import httpx
import pytest

from shared.errors import LanguageAccessError, PigeonholeError
from shared.language.apis.analyze_text import AnalyzeText
from shared.language.apis.base import Api
from shared.language.client import LanguageClient
from shared.language.credentials import RENEW_SECONDS, SCOPE, IdentityCredential, KeyCredential
from tests.unit.language.wire import ENDPOINT


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


@pytest.mark.parametrize("api", Api)
def test_a_key_opens_both_apis(api: Api) -> None:
    assert KeyCredential("k").headers(api) == {"Ocp-Apim-Subscription-Key": "k"}


def test_a_token_is_fetched_for_the_service_s_scope_and_kept(now: list[float]) -> None:
    source = Source("token", now)
    credential = IdentityCredential(source, clock=lambda: now[0])
    for _ in range(5):
        assert credential.headers(Api.PREDICTION) == {"Authorization": "Bearer token-1"}
    assert source.scopes == [SCOPE]


def test_a_token_is_renewed_before_it_could_expire_on_the_way(now: list[float]) -> None:
    credential = IdentityCredential(Source("token", now), clock=lambda: now[0])
    credential.headers(Api.PREDICTION)
    now[0] += 3_600 - RENEW_SECONDS - 1
    assert credential.headers(Api.PREDICTION)["Authorization"] == "Bearer token-1"
    now[0] += 1
    assert credential.headers(Api.PREDICTION)["Authorization"] == "Bearer token-2"


def test_authoring_may_use_another_identity(now: list[float]) -> None:
    credential = IdentityCredential(Source("reader", now), Source("author", now), clock=lambda: now[0])
    assert credential.headers(Api.PREDICTION)["Authorization"] == "Bearer reader-1"
    assert credential.headers(Api.AUTHORING)["Authorization"] == "Bearer author-1"


def test_without_one_the_same_identity_does_both(now: list[float]) -> None:
    credential = IdentityCredential(Source("one", now), clock=lambda: now[0])
    assert credential.headers(Api.AUTHORING)["Authorization"].startswith("Bearer one-")


def test_a_token_that_cannot_be_had_is_a_refused_credential_without_details(now: list[float]) -> None:
    source = Source("token", now, error=RuntimeError("the answer was: secret-part"))
    with pytest.raises(LanguageAccessError, match="RuntimeError") as caught:
        IdentityCredential(source, clock=lambda: now[0]).headers(Api.PREDICTION)
    assert "secret-part" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_failed_fetch_is_tried_again_by_the_next_request(now: list[float]) -> None:
    source = Source("token", now, error=RuntimeError("no"))
    credential = IdentityCredential(source, clock=lambda: now[0])
    with pytest.raises(LanguageAccessError):
        credential.headers(Api.PREDICTION)
    source.error = None
    assert credential.headers(Api.PREDICTION)["Authorization"] == "Bearer token-2"


def test_five_minutes_are_left_to_a_token_that_is_used() -> None:
    assert RENEW_SECONDS == 5 * 60


def test_each_api_has_its_own_token(now: list[float]) -> None:
    reader, author = Source("reader", now), Source("author", now)
    credential = IdentityCredential(reader, author, clock=lambda: now[0])
    for _ in range(3):
        credential.headers(Api.AUTHORING)
        credential.headers(Api.PREDICTION)
    assert (reader.scopes, author.scopes) == ([SCOPE], [SCOPE])


def test_a_failure_of_one_identity_leaves_the_other_be(now: list[float]) -> None:
    author = Source("author", now, error=RuntimeError("no"))
    credential = IdentityCredential(Source("reader", now), author, clock=lambda: now[0])
    with pytest.raises(LanguageAccessError, match="no token for authoring calls") as caught:
        credential.headers(Api.AUTHORING)
    assert caught.value.status_code == 401
    assert credential.headers(Api.PREDICTION)["Authorization"] == "Bearer reader-1"


class CrowdedSource(Source):
    """Gives a token only once all the threads of the crowd are about to ask for one."""

    def gather(self, threads: int) -> None:
        self.waiting, self.arrived, self.crowd = Condition(), 0, threads

    def arrive(self) -> None:
        with self.waiting:
            self.arrived += 1
            self.waiting.notify_all()

    def get_token(self, *scopes: str) -> Token:
        with self.waiting:
            assert self.waiting.wait_for(lambda: self.arrived == self.crowd, timeout=10)
        return super().get_token(*scopes)


@pytest.mark.parametrize("renewals", [0, 1], ids=["the first token", "a renewed token"])
def test_many_threads_share_one_fetch(now: list[float], renewals: int) -> None:
    source = CrowdedSource("token", now)
    credential = IdentityCredential(source, clock=lambda: now[0])

    def ask(_: int) -> str:
        source.arrive()
        return credential.headers(Api.PREDICTION)["Authorization"]

    with ThreadPoolExecutor(16) as threads:
        for fetched in range(1, renewals + 2):
            source.gather(16)
            assert set(threads.map(ask, range(16))) == {f"Bearer token-{fetched}"}
            assert len(source.scopes) == fetched
            now[0] += 3_600


# Nobody else sees them.

SECRETS = ("token-1", "token-2", "a-key-nobody-may-see")


def identity() -> IdentityCredential:
    now = [1_000_000.0]
    return IdentityCredential(Source("token", now), clock=lambda: now[0])


def key() -> KeyCredential:
    return KeyCredential("a-key-nobody-may-see")


CREDENTIALS: dict[str, Callable[[], IdentityCredential | KeyCredential]] = {"identity": identity, "key": key}
ANSWERS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "200": lambda _: httpx.Response(200, json={"status": "running"}),
    "401": lambda _: httpx.Response(401, json={"error": {"code": "401", "message": "no"}}),
    "403": lambda _: httpx.Response(403),
    "503": lambda _: httpx.Response(503),
    "no answer": lambda request: _lose(request),
    "no JSON": lambda _: httpx.Response(200, text="<html>"),
}


def _lose(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


@pytest.mark.parametrize("kind", CREDENTIALS)
@pytest.mark.parametrize("case", ANSWERS)
def test_no_secret_is_in_a_log_or_an_error(kind: str, case: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    credential = CREDENTIALS[kind]()
    seen: list[httpx.Headers] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return ANSWERS[case](request)

    http = httpx.Client(transport=httpx.MockTransport(respond))
    client = LanguageClient(ENDPOINT, credential, http, sleep=lambda _: None)
    told = [repr(credential), str(credential), repr(client)]
    try:
        client.send(AnalyzeText("2023-04-01").get_analyze_job("j"))
    except PigeonholeError as error:
        told.append("".join(traceback.format_exception(error)))
    told += [repr(credential), str(vars(client)), caplog.text]
    assert any(secret in str(dict(headers)) for headers in seen for secret in SECRETS)
    assert not any(secret in text for text in told for secret in SECRETS)
