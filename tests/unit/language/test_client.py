"""The client: failures become errors, waits are told, a POST is never repeated blindly, and the key is never seen."""

from __future__ import annotations

import gzip
import html
import json
import logging
import traceback
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from shared.errors import (
    AnswerLostError,
    LanguageAccessError,
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageRefusedError,
    LanguageThrottledError,
    LanguageUnavailableError,
    MalformedAnswerError,
    PigeonholeError,
    RateLimitedError,
    RetryableError,
)
from shared.language.apis.base import Api, Call, WireResponse
from shared.language.apis.text_authoring_2021 import TextAuthoring2021
from shared.language.authoring_values import Listing
from shared.language.client import (
    MAX_ITEMS,
    MAX_PAGES,
    MAX_TRIES,
    RETRY_WITHIN_SECONDS,
    LanguageClient,
    parse_retry_after,
)
from shared.language.credentials import KeyCredential
from shared.language.rate_limiter import RateLimiter, RateLimits
from shared.language.values import LroStatus, ModelRef, Page, ProjectKind, TextInput
from shared.redaction import repeats
from tests.unit.language.wire import KEY, Network

API = TextAuthoring2021()
MODEL = ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="id-1", label="model1")
TEXT = "a text nobody may see in a log"
POST = API.submit_analyze([TextInput("0", TEXT)], MODEL, display_name="d")
GET: Call[Any] = API.get_analyze_job("job-1")
AUTHORING_GET: Call[Any] = API.get_project("tickets")

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

RETRY_AFTER: dict[str, tuple[str | None, float | None]] = {
    "absent": (None, None),
    "seconds": ("30", 30),
    "zero": ("0", 0),
    "an hour": ("3600", 3_600),
    "half a second": ("0.5", 0.5),
    "negative": ("-5", 0),
    "spaces around": (" 7 ", 7),
    "a date": ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
    "a date in the past": ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
    "a date in another zone": ("Sun, 01 Mar 2026 14:02:00 +0200", 120),
    "a date at the end of time": ("Fri, 31 Dec 9999 23:59:59 -1400", None),
    "words": ("soon", None),
    "empty": ("", None),
    "no number": ("nan", None),
    "without end": ("inf", None),
    "beyond all numbers": ("1e300", None),
}


@pytest.mark.parametrize("case", RETRY_AFTER)
def test_retry_after_is_read_in_every_form(case: str) -> None:
    value, seconds = RETRY_AFTER[case]
    found = parse_retry_after(value, now=NOW)
    assert found == (None if seconds is None else timedelta(seconds=seconds))


STATUS: dict[int, type[PigeonholeError]] = {
    300: LanguageUnavailableError,
    304: LanguageUnavailableError,
    400: LanguageRefusedError,
    401: LanguageAccessError,
    403: LanguageAccessError,
    404: LanguageNotFoundError,
    405: LanguageRefusedError,
    408: LanguageUnavailableError,
    409: LanguageConflictError,
    413: LanguageRefusedError,
    429: LanguageThrottledError,
    500: LanguageUnavailableError,
    501: LanguageUnavailableError,
    502: LanguageUnavailableError,
    503: LanguageUnavailableError,
    504: LanguageUnavailableError,
}

ERROR_BODIES: dict[str, Callable[[int], httpx.Response]] = {
    "an error object": lambda status: httpx.Response(status, json={"error": {"code": "A", "message": "m"}}),
    "an HTML page": lambda status: httpx.Response(status, html="<html><h1>Oh no</h1></html>"),
    "nothing": lambda status: httpx.Response(status),
    "a list": lambda status: httpx.Response(status, json=[1]),
    "an error in words": lambda status: httpx.Response(status, json={"error": "m"}),
}


@pytest.mark.parametrize("body", ERROR_BODIES)
@pytest.mark.parametrize("status", STATUS)
def test_a_status_becomes_its_error_whatever_the_body(status: int, body: str) -> None:
    with pytest.raises(STATUS[status]) as caught:
        Network(lambda _: ERROR_BODIES[body](status)).client().send(POST)
    assert type(caught.value) is STATUS[status]
    assert str(status) in str(caught.value)


def test_the_innermost_code_and_the_target_are_told() -> None:
    body = {
        "error": {
            "code": "A",
            "message": "outer",
            "target": "#/tasks/x/0",
            "innererror": {"code": "B", "message": "inner"},
        }
    }
    with pytest.raises(LanguageRefusedError, match="400 B: inner") as caught:
        Network(lambda _: httpx.Response(400, json=body)).client().send(POST)
    assert (caught.value.status_code, caught.value.error_code, caught.value.target) == (400, "B", "#/tasks/x/0")


def test_an_endless_error_message_is_cut() -> None:
    body = {"error": {"code": "A" * 10_000, "message": "m" * 1_000_000}}
    with pytest.raises(LanguageRefusedError) as caught:
        Network(lambda _: httpx.Response(400, json=body)).client().send(POST)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(("header", "seconds"), [("30", 30), ("0", 0), ("3600", 3_600), (None, None)])
def test_what_the_service_told_reaches_the_caller(status: int, header: str | None, seconds: float | None) -> None:
    headers = {} if header is None else {"Retry-After": header}
    with pytest.raises(RetryableError) as caught:
        Network(lambda _: httpx.Response(status, headers=headers)).client().send(POST)
    assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


DAYS = str(15 * 24 * 3600)


@pytest.mark.parametrize("asked", [DAYS, "1e12", "Fri, 31 Dec 9999 23:59:59 GMT", "3601"])
@pytest.mark.parametrize(
    ("status", "limit"), [(429, timedelta(hours=1)), (503, timedelta(hours=1)), (403, timedelta(minutes=5))]
)
def test_a_retry_after_of_days_is_cut_and_the_cut_is_logged(
    caplog: pytest.LogCaptureFixture, status: int, limit: timedelta, asked: str
) -> None:
    with pytest.raises(RetryableError) as caught:
        Network(lambda _: httpx.Response(status, headers={"Retry-After": asked})).client().send(POST)
    assert caught.value.retry_after == limit
    assert any(record.message.startswith("retry_after_cut ") for record in caplog.records)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_that_is_encoded_is_refused_before_it_is_decoded(method: str) -> None:
    bomb = gzip.compress(gzip.compress(b"0" * 50_000_000))
    network = Network(lambda _: httpx.Response(200, content=bomb, headers={"Content-Encoding": "gzip, gzip"}))
    with pytest.raises(MalformedAnswerError, match="is encoded"):
        network.client().send(GET if method == "GET" else POST)
    assert network.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_pauses_for_a_minute_unless_told_otherwise(status: int) -> None:
    with pytest.raises(LanguageAccessError) as caught:
        Network(lambda _: httpx.Response(status)).client().send(POST)
    assert (caught.value.status_code, caught.value.retry_after) == (status, timedelta(minutes=1))


# What is tried again.

FAULTS: dict[str, tuple[Callable[[], httpx.Response], type[PigeonholeError], type[PigeonholeError], int]] = {
    # how it shows -> the error of a GET, the error of a POST, how often a POST is sent
    "no connection": (lambda: fail(httpx.ConnectError), LanguageUnavailableError, LanguageUnavailableError, MAX_TRIES),
    "no connection in time": (
        lambda: fail(httpx.ConnectTimeout),
        LanguageUnavailableError,
        LanguageUnavailableError,
        1,
    ),
    "no free connection": (lambda: fail(httpx.PoolTimeout), LanguageUnavailableError, LanguageUnavailableError, 1),
    "reset while reading": (lambda: fail(httpx.ReadError), LanguageUnavailableError, AnswerLostError, 1),
    "reset while writing": (lambda: fail(httpx.WriteError), LanguageUnavailableError, AnswerLostError, 1),
    "no answer in time": (lambda: fail(httpx.ReadTimeout), LanguageUnavailableError, AnswerLostError, 1),
    "not sent in time": (lambda: fail(httpx.WriteTimeout), LanguageUnavailableError, AnswerLostError, 1),
    "closed without an answer": (lambda: fail(httpx.RemoteProtocolError), LanguageUnavailableError, AnswerLostError, 1),
    "500": (lambda: httpx.Response(500), LanguageUnavailableError, LanguageUnavailableError, 1),
    "502 with a page": (
        lambda: httpx.Response(502, html="<html>"),
        LanguageUnavailableError,
        LanguageUnavailableError,
        1,
    ),
}


def fail(kind: type[httpx.TransportError]) -> httpx.Response:
    raise kind("it broke")


@pytest.mark.parametrize("case", FAULTS)
def test_a_get_is_tried_three_times_at_most(case: str) -> None:
    respond, error, _, _ = FAULTS[case]
    network = Network(lambda _: respond())
    with pytest.raises(error):
        network.client().send(GET)
    assert len(network.requests) == MAX_TRIES == 3
    assert network.slept == sorted(network.slept)


@pytest.mark.parametrize("case", FAULTS)
def test_a_post_is_never_repeated_once_its_body_may_have_arrived(case: str) -> None:
    respond, _, error, tries = FAULTS[case]
    network = Network(lambda _: respond())
    with pytest.raises(error) as caught:
        network.client().send(POST)
    assert type(caught.value) is error
    assert len(network.requests) == tries


@pytest.mark.parametrize("failures", [1, 2])
def test_a_get_that_succeeds_in_the_end_is_an_answer(failures: int) -> None:
    answers = iter([httpx.Response(500)] * failures + [httpx.Response(200, json={"status": "running"})])
    network = Network(lambda _: next(answers))
    assert network.client().send(GET).status is LroStatus.RUNNING
    assert len(network.requests) == failures + 1


def test_a_told_wait_is_not_shortened_by_trying_again_at_once() -> None:
    network = Network(lambda _: httpx.Response(503, headers={"Retry-After": "5"}))
    with pytest.raises(LanguageUnavailableError):
        network.client().send(GET)
    assert len(network.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429])
def test_a_refusal_is_not_tried_again_at_once(status: int) -> None:
    network = Network(lambda _: httpx.Response(status))
    with pytest.raises(PigeonholeError):
        network.client().send(GET)
    assert len(network.requests) == 1


def test_a_get_that_has_lasted_long_is_not_tried_again_in_this_visit() -> None:
    network = Network(lambda _: httpx.Response(500))

    def slow(_: httpx.Request) -> httpx.Response:
        network.now += RETRY_WITHIN_SECONDS + 1
        raise httpx.ReadTimeout("slow")

    network.respond = slow
    with pytest.raises(LanguageUnavailableError):
        network.client().send(GET)
    assert len(network.requests) == 1
    assert network.now < 60


def test_a_body_that_drips_for_ever_is_given_up_within_a_minute() -> None:
    network = Network(lambda _: httpx.Response(500))

    def drip() -> object:
        while True:
            network.now += 5
            yield b" "

    network.respond = lambda _: httpx.Response(200, content=drip())  # type: ignore[arg-type]
    with pytest.raises(LanguageUnavailableError, match="ReadTimeout"):
        network.client().send(GET)
    assert len(network.requests) == 1
    assert network.now < 60


# Lists in pages.


def pages(*answers: Listing[str]) -> tuple[list[Page | None], Callable[[Page | None], Call[Listing[str]]]]:
    """Answers page by page, the last one for ever; and the pages asked for."""
    asked: list[Page | None] = []

    def call(page: Page | None) -> Call[Listing[str]]:
        asked.append(page)
        answer = answers[min(len(asked), len(answers)) - 1]
        return Call(AUTHORING_GET.request, lambda _: answer)

    return asked, call


def test_a_list_is_followed_to_its_last_page() -> None:
    asked, call = pages(Listing(("a", "b"), Page(2, 2)), Listing(("c", "d"), Page(4, 2)), Listing(("e",)))
    assert Network(lambda _: httpx.Response(200)).client().send_pages(call) == ["a", "b", "c", "d", "e"]
    assert asked == [None, Page(2, 2), Page(4, 2)]


CIRCLES = {
    "the same page again": [Listing(("a",), Page(1, 1))],
    "the same empty page again": [Listing[str]((), Page(1, 1))],
    "a page before it": [Listing(("a",), Page(2, 1)), Listing(("b",), Page(1, 1))],
}


@pytest.mark.parametrize("case", CIRCLES)
def test_a_list_that_goes_in_circles_is_a_malformed_answer(case: str) -> None:
    asked, call = pages(*CIRCLES[case])
    with pytest.raises(MalformedAnswerError, match="circles"):
        Network(lambda _: httpx.Response(200)).client().send_pages(call)
    assert len(asked) == 2


def endless(items: tuple[str, ...]) -> tuple[list[Page | None], Callable[[Page | None], Call[Listing[str]]]]:
    """Pages of these items without an end, each beginning after the one before; and the pages asked for."""
    asked: list[Page | None] = []

    def call(page: Page | None) -> Call[Listing[str]]:
        asked.append(page)
        assert len(asked) <= 100, "nothing bounds the list"
        return Call(AUTHORING_GET.request, lambda _: Listing(items, Page(len(asked), 1)))

    return asked, call


def test_a_list_of_more_items_than_a_project_can_have_is_a_malformed_answer() -> None:
    asked, call = endless(("a",) * (MAX_ITEMS // 2))
    with pytest.raises(MalformedAnswerError, match="circles"):
        Network(lambda _: httpx.Response(200)).client().send_pages(call)
    assert len(asked) == 3


def test_a_list_of_empty_pages_without_an_end_is_a_malformed_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.language.client.MAX_PAGES", 50)
    asked, call = endless(())
    with pytest.raises(MalformedAnswerError, match="circles"):
        Network(lambda _: httpx.Response(200)).client().send_pages(call)
    assert len(asked) == 50 < MAX_PAGES


# What a reader raises.


@pytest.mark.parametrize("kind", [AttributeError, KeyError, TypeError, ValueError])
def test_a_bug_in_a_reader_is_not_taken_for_a_malformed_answer(kind: type[Exception]) -> None:
    def read(_: WireResponse) -> None:
        raise kind("a bug")

    with pytest.raises(kind, match="a bug"):
        Network(lambda _: httpx.Response(200)).client().send(Call(AUTHORING_GET.request, read))


def test_a_value_that_fails_its_own_checks_is_a_bug_too() -> None:
    def read(_: WireResponse) -> ModelRef:
        return ModelRef.model_validate({})

    with pytest.raises(ValidationError):
        Network(lambda _: httpx.Response(200)).client().send(Call(AUTHORING_GET.request, read))


def test_a_malformed_answer_is_told_by_its_place_and_kind_and_never_by_its_value() -> None:
    value = "a value nobody may see in a log"
    body = {"status": "completed", "tasks": {"customClassificationTasks": [{"results": {"documents": [value, value]}}]}}
    with pytest.raises(MalformedAnswerError) as caught:
        Network(lambda _: httpx.Response(200, json=body)).client().send(GET)
    assert str(caught.value) == (
        "get_analyze_job: the answer does not have the documented shape: "
        "tasks.customClassificationTasks.0.results.documents.0 (text_without_id, and 1 more)"
    )
    assert value not in "".join(traceback.format_exception(caught.value))


def test_an_endless_place_is_cut() -> None:
    figures = {"classes": {"a" * 100_000: 5}}
    body = {"modelType": "MultiClassification", "multiClassificationEvaluation": figures}
    with pytest.raises(MalformedAnswerError) as caught:
        Network(lambda _: httpx.Response(200, json=body)).client().send(API.get_evaluation("p", label="m"))
    assert len(str(caught.value)) < 1_000


# Our own limits.

AUTHORING_POST = API.train("p", label="m")
LIMITED: dict[str, tuple[Call[Any], ...]] = {
    "analyze": (POST, GET),
    "authoring_posts": (AUTHORING_POST,),
    "authoring_gets": (AUTHORING_GET,),
}


@pytest.mark.parametrize("limit", LIMITED)
def test_a_request_beyond_its_limit_is_not_sent_and_no_other_request_is_held_back(limit: str) -> None:
    limiter = RateLimiter(1, clock=lambda: 0.0)
    limiter.acquire()
    network = Network(lambda _: httpx.Response(404))
    client = network.client(rate_limits=RateLimits(**{limit: limiter}))
    for call in LIMITED[limit]:
        with pytest.raises(RateLimitedError):
            client.send(call)
    assert network.requests == []
    others = [call for name, calls in LIMITED.items() if name != limit for call in calls]
    for call in others:
        with pytest.raises(LanguageNotFoundError):
            client.send(call)
    assert len(network.requests) == len(others)


# A refused credential.


def test_while_the_credential_is_refused_one_request_a_minute_asks_again() -> None:
    network = Network(lambda _: httpx.Response(401))
    client = network.client()
    for _ in range(600):
        with pytest.raises(LanguageAccessError) as caught:
            client.send(POST)
        assert caught.value.status_code == 401
        assert caught.value.retry_after
        network.now += 1
    assert len(network.requests) == 10


def test_when_the_credential_works_again_every_request_goes_out() -> None:
    network = Network(lambda _: httpx.Response(401))
    client = network.client()
    with pytest.raises(LanguageAccessError):
        client.send(GET)
    network.respond = lambda _: httpx.Response(200, json={"status": "running"})
    network.now += 61
    for _ in range(3):
        client.send(GET)
    assert len(network.requests) == 4


def test_a_refusal_of_the_authoring_api_holds_nothing_back() -> None:
    network = Network(lambda _: httpx.Response(403))
    client = network.client()
    for _ in range(3):
        with pytest.raises(LanguageAccessError):
            client.send(AUTHORING_GET)
    assert len(network.requests) == 3


def test_a_refusal_by_one_api_says_nothing_about_the_other() -> None:
    for refused, other in ((GET, AUTHORING_GET), (AUTHORING_GET, GET)):
        network = Network(lambda _: httpx.Response(403))
        client = network.client()
        with pytest.raises(LanguageAccessError):
            client.send(refused)
        network.respond = lambda _: httpx.Response(404)
        with pytest.raises(LanguageNotFoundError):
            client.send(other)


def test_an_authoring_answer_does_not_end_the_pause_of_the_prediction_api() -> None:
    network = Network(lambda request: httpx.Response(404 if "authoring" in request.url.path else 401))
    client = network.client()
    for call, error in ((GET, LanguageAccessError), (AUTHORING_GET, LanguageNotFoundError), (GET, LanguageAccessError)):
        with pytest.raises(error):
            client.send(call)
    assert len(network.requests) == 2


# What is sent.


def test_a_body_is_sent_as_utf_8_and_not_as_escapes() -> None:
    network = Network(lambda _: httpx.Response(500))
    call = API.submit_analyze([TextInput("0", "\U0001f600 \u6587")], MODEL, display_name="d")
    with pytest.raises(LanguageUnavailableError):
        network.client().send(call)
    assert "\U0001f600 \u6587".encode() in network.requests[0].content
    assert json.loads(network.requests[0].content) == call.request.body


def test_the_key_is_sent_in_its_header_alone() -> None:
    network = Network(lambda _: httpx.Response(404))
    with pytest.raises(LanguageNotFoundError):
        network.client().send(GET)
    (request,) = network.requests
    assert request.headers["ocp-apim-subscription-key"] == KEY
    assert KEY not in str(request.url)
    assert "authorization" not in request.headers


# What is never seen.


def test_the_key_is_not_in_the_credential_s_text() -> None:
    assert KEY not in repr(KeyCredential(KEY)) + str(KeyCredential(KEY)) + f"{KeyCredential(KEY)!r:s}"


@pytest.mark.parametrize("call", [GET, POST], ids=["GET", "POST"])
def test_neither_key_nor_text_is_in_logs_or_errors(
    call: object, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    answers: list[Callable[[httpx.Request], httpx.Response]] = [
        *(lambda _, status=status: httpx.Response(status, html="<html>") for status in STATUS),
        *(lambda _, respond=respond: respond() for respond, *_ in FAULTS.values()),
        lambda _: httpx.Response(200, html="<html>"),
        lambda _: httpx.Response(202),
    ]
    with caplog.at_level(logging.DEBUG):
        for respond in answers:
            with pytest.raises(PigeonholeError) as caught:
                Network(respond).client().send(call)  # type: ignore[arg-type]
            told.append("".join(traceback.format_exception(caught.value)))
            told.append(repr(caught.value) + repr(caught.value.__dict__))
    printed = capsys.readouterr()
    everything = "\n".join([*told, caplog.text, printed.out, printed.err])
    assert KEY not in everything
    assert TEXT not in everything


ECHOES: dict[str, Callable[[httpx.Request], str]] = {
    "as it came": lambda request: request.content.decode(),
    "escaped once more": lambda request: json.dumps(request.content.decode()),
    "as escapes": lambda request: json.dumps(json.loads(request.content)),
    "in an address": lambda request: urllib.parse.quote(request.content.decode()),
    "as HTML": lambda request: html.escape(request.content.decode()).replace("a", "&#97;"),
    "in capitals, over lines": lambda request: "\n".join(request.content.decode().upper().split()),
    "a part of it": lambda request: f"near {json.loads(request.content)['analysisInput']['documents'][0]['text'][3:]}",
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 503])
@pytest.mark.parametrize("place", ["message", "code", "target", "header"])
def test_a_service_that_echoes_the_request_puts_neither_key_nor_text_into_an_error(
    status: int, echo: str, place: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        words = f"key {request.headers['ocp-apim-subscription-key']!r} text {ECHOES[echo](request)}"
        if place == "header":
            in_one_line = " ".join(words.encode("ascii", "replace").decode().split())
            return httpx.Response(status, headers={"x-ms-error-code": in_one_line})
        return httpx.Response(status, json={"error": {"code": "Invalid", place: words}})

    with pytest.raises(PigeonholeError) as caught:
        Network(answer).client().send(POST)
    everything = str(caught.value) + repr(caught.value.__dict__)
    assert KEY not in everything
    assert not repeats(everything, [TEXT])
    assert str(status) in everything


def test_words_that_repeat_nothing_are_kept_in_one_line_of_100_characters() -> None:
    message = "The deployment\r\n\u202ehas\x00 expired.\ud83d " + "x" * 200
    body = json.dumps({"error": {"code": "Invalid Request\n", "message": message}})
    with pytest.raises(LanguageRefusedError) as caught:
        Network(lambda _: httpx.Response(400, content=body)).client().send(POST)
    assert caught.value.error_code == "Invalid Request"
    told = str(caught.value).partition("Invalid Request: ")[2]
    assert told.startswith("The deployment has expired. xxx")
    assert len(told) == 100


def test_a_token_that_is_echoed_is_hidden() -> None:
    class Tokens:
        def headers(self, _: Api) -> dict[str, str]:
            return {"Authorization": "Bearer opaque-token-0123456789"}

    def answer(request: httpx.Request) -> httpx.Response:
        words = f"refused {request.headers['authorization'].partition(' ')[2]}"
        return httpx.Response(401, json={"error": {"code": "Unauthorized", "message": words}})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    with pytest.raises(LanguageAccessError) as caught:
        LanguageClient("https://x.example", Tokens(), http).send(POST)
    assert "opaque-token" not in str(caught.value)
    assert "401 Unauthorized: refused ***" in str(caught.value)
