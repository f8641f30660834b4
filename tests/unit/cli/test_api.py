"""The client of the app's HTTP functions: what an error says, what is asked again, and following an operation."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import respx

from cli.api import Api, ApiError

URL = "https://app.example"
RUNNING = {"state": "running", "step": "train"}
ENDED = {"state": "succeeded", "step": "switch"}


@pytest.fixture
def api() -> Iterator[Api]:
    """Its waits are over at once."""
    api = Api(URL, "the-key", sleep=lambda _: None)
    with respx.mock:
        yield api
    api.close()


def test_the_key_goes_with_every_call(api: Api) -> None:
    route = respx.get(f"{URL}/api/status").respond(200, json={"a": 1})
    assert api.call("GET", "/api/status") == {"a": 1}
    assert route.calls[0].request.headers["x-functions-key"] == "the-key"


ERRORS: dict[str, tuple[httpx.Response | Exception, int | None, bool, str]] = {
    "a problem": (
        httpx.Response(422, json={"title": "T", "detail": "d", "problems": [{"place": "p", "what": "w"}]}),
        422,
        False,
        "GET /x: 422 T: d\n  p: w",
    ),
    "the host's own 401": (httpx.Response(401), 401, False, "GET /x: 401 Unauthorized"),
    "the host's own 503": (httpx.Response(503, text="starting"), 503, True, "GET /x: 503 Service Unavailable"),
    "a page instead of JSON": (httpx.Response(200, html="<html>"), 200, False, "GET /x: 200 OK"),
    "an error in another form": (httpx.Response(500, json=["?"]), 500, True, "GET /x: 500 Internal Server Error"),
    "throttled": (httpx.Response(429, json={"title": "T", "detail": "d"}), 429, True, "GET /x: 429 T: d"),
    "no answer": (httpx.ConnectError("refused"), None, True, f"GET /x: no answer from {URL}"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_says_what_was_asked_and_what_came(api: Api, case: str) -> None:
    answer, status, may_pass, words = ERRORS[case]
    respx.get(f"{URL}/x").mock(side_effect=[answer])
    with pytest.raises(ApiError) as caught:
        api.call("GET", "/x")
    assert str(caught.value).startswith(words)
    assert (caught.value.status, caught.value.may_pass) == (status, may_pass)
    assert "the-key" not in str(caught.value)


def test_what_may_pass_is_asked_again_and_nothing_else_is(api: Api) -> None:
    route = respx.put(f"{URL}/x")
    route.side_effect = [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(200, json={})]
    assert api.call_patiently("PUT", "/x", {}, seconds=60) == {}
    assert route.call_count == 3
    refused = respx.put(f"{URL}/y").respond(409)
    with pytest.raises(ApiError):
        api.call_patiently("PUT", "/y", {}, seconds=60)
    assert refused.call_count == 1


def test_patience_ends(api: Api) -> None:
    respx.get(f"{URL}/x").respond(503)
    with pytest.raises(ApiError, match="503"):
        api.call_patiently("GET", "/x", seconds=0)


def test_an_operation_is_followed_through_restarts_to_its_end(api: Api) -> None:
    seen: list[str] = []
    route = respx.get(f"{URL}/api/operations/1")
    route.side_effect = [
        httpx.Response(200, json=RUNNING),
        httpx.ReadTimeout("restarting"),
        httpx.Response(502),
        httpx.Response(200, json=ENDED),
    ]
    record = api.follow("/api/operations/1", on_change=lambda each: seen.append(each["step"]))
    assert (record, seen) == (ENDED, ["train", "switch"])


def test_an_operation_without_end_times_out(api: Api) -> None:
    respx.get(f"{URL}/api/operations/1").respond(200, json=RUNNING)
    with pytest.raises(TimeoutError, match="has not ended"):
        api.follow("/api/operations/1", seconds=0.05)
