"""HTTP functions, keys and the admin API of a running host."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from azurite_process.processes import wait_until
from tests.harness import PATIENCE, ProbeRun
from tests.hosts import RunningHost


def call(host: RunningHost, path: str, **options: Any) -> httpx.Response:
    return httpx.request(options.pop("method", "GET"), host.url + path, **options)


def test_a_request_reaches_the_handler_whole(host: RunningHost) -> None:
    answer = call(
        host,
        "/api/echo/abc/a%20b/c%2Fd?q=1&q=2&empty=",
        method="POST",
        headers={"x-functions-key": host.function_key, "X-Probe": "p"},
        content="bödy",
    )
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["x-out"], answer.headers["set-cookie"]) == ("1", "a=b; domain=; path=/")
    assert answer.json() == {
        "method": "POST",
        "url": f"{host.url}/api/echo/abc/a%20b/c%2Fd?q=1&q=2&empty=",
        "params": {"q": "1,2"},
        "route": {"kind": "abc", "path": "a b/c%2Fd"},
        "header": "p",
        "body": "bödy",
    }


def test_text_returned_by_an_async_handler_is_the_body(host: RunningHost) -> None:
    answer = call(host, "/API/open")
    assert (answer.status_code, answer.text) == (200, "hello")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/api/unknown", "GET", 404, id="no such route"),
        pytest.param("/open", "GET", 404, id="without prefix"),
        pytest.param("/api/orders", "GET", 404, id="another method"),
        pytest.param("/api/broken", "GET", 500, id="an exception"),
        pytest.param("/", "GET", 200, id="home page"),
        pytest.param("/admin/host/ping", "GET", 200, id="ping"),
        pytest.param("/admin/host/ping", "POST", 200, id="ping by POST"),
        pytest.param("/admin/other", "GET", 404, id="no such part of the admin API"),
    ],
)
def test_what_needs_no_key(host: RunningHost, path: str, method: str, status: int) -> None:
    assert call(host, path, method=method).status_code == status


def test_an_exception_is_not_told_to_the_caller(host: RunningHost) -> None:
    assert call(host, "/api/broken").text == ""


def test_keys_are_taken_from_the_header_before_the_query(host: RunningHost) -> None:
    path = "/api/echo/abc/x"
    assert call(host, path).status_code == 401
    assert call(host, path, params={"code": host.function_key}).status_code == 201
    assert call(host, path, params={"code": host.master_key}).status_code == 201
    assert call(host, path, params={"code": host.blobs_key}).status_code == 401
    wrong_first = call(host, path, params={"code": host.function_key}, headers={"x-functions-key": "wrong"})
    assert wrong_first.status_code == 401


def test_the_admin_level_wants_the_master_key(host: RunningHost) -> None:
    assert call(host, "/api/guarded", params={"code": host.function_key}).status_code == 401
    assert call(host, "/api/guarded", params={"code": host.master_key}).text == "master"


@pytest.mark.parametrize("path", ["/admin/host/status", "/admin/functions", "/admin/host/systemkeys"])
def test_the_admin_api_wants_the_master_key(host: RunningHost, path: str) -> None:
    statuses = {"none": 401, "wrong": 401, host.function_key: 403, host.blobs_key: 403, host.master_key: 200}
    assert {key: call(host, path, params={"code": key}).status_code for key in statuses} == statuses


def test_an_unknown_webhook_is_not_told_of_without_the_master_key(host: RunningHost) -> None:
    path, statuses = "/runtime/webhooks/other", {"wrong": 401, host.blobs_key: 403, host.master_key: 404}
    assert {key: call(host, path, method="POST", params={"code": key}).status_code for key in statuses} == statuses


def admin(host: RunningHost, path: str, **options: Any) -> httpx.Response:
    return call(host, f"/admin/{path}", headers={"x-functions-key": host.master_key}, **options)


def test_the_host_tells_its_state(host: RunningHost, shared_run: ProbeRun) -> None:
    status = admin(host, "host/status").json()
    assert (status["state"], status["id"]) == ("Running", shared_run.name)


def test_functions_are_listed_with_their_bindings(host: RunningHost) -> None:
    listed = {function["name"]: function for function in admin(host, "functions").json()}
    assert len(listed) == 15
    bindings = listed["read_event"]["config"]["bindings"]
    assert [(binding["type"], binding["source"]) for binding in bindings] == [("blobTrigger", "EventGrid")]
    assert admin(host, "functions/read_event").json()["config"] == listed["read_event"]["config"]
    assert admin(host, "functions/unknown").status_code == 404


def test_keys_can_be_read(host: RunningHost) -> None:
    assert admin(host, "host/systemkeys/blobs_extension").json()["value"] == host.blobs_key
    assert admin(host, "host/systemkeys/_master").json()["value"] == host.master_key
    assert [key["name"] for key in admin(host, "host/systemkeys").json()["keys"]] == ["blobs_extension"]
    assert admin(host, "host/functionkeys/default").json()["value"] == host.function_key
    own = admin(host, "functions/echo/keys").json()["keys"][0]["value"]
    assert call(host, "/api/echo/abc/x", params={"code": own}).status_code == 201
    assert admin(host, "host/systemkeys/other").status_code == 404


def test_a_thread_of_the_app_can_log_under_its_invocation(host: RunningHost) -> None:
    function_name, invocation_id = call(host, "/api/threads").text.split()
    assert f"[{function_name} {invocation_id[:8]}] from a thread of the app" in host.process.log_text()


LOSERS = {
    "/api/lost": (["after the thread that is nobody's"], "from a thread that is nobody's"),
    "/api/tasks": (["from a task of the app", "after the tasks"], "from a thread beside the loop"),
}


@pytest.mark.parametrize("path", LOSERS)
def test_a_line_outside_every_invocation_is_dropped(host: RunningHost, path: str) -> None:
    kept, lost = LOSERS[path]
    assert call(host, path).text == "spoken"
    # Lines keep their order, so that the last one says that those before it have been written, or never are.
    wait_until(lambda: kept[-1] in host.process.log_text(), seconds=PATIENCE, what="the last line")
    text = host.process.log_text()
    assert [line for line in (*kept, lost) if line in text] == kept


def test_a_line_while_the_app_is_loaded_is_dropped(host: RunningHost) -> None:
    assert call(host, "/api/open").status_code == 200
    assert "a line while the app is loaded" not in host.process.log_text()


def test_lost_lines_can_be_shown(run: ProbeRun) -> None:
    with run.host(FUNCTIONS_HOST_SHOW_LOST_LINES="1") as host:
        call(host, "/api/lost")
        assert "[root] from a thread that is nobody's" in host.process.log_text()


def test_the_host_says_once_that_it_drops_lines(run: ProbeRun) -> None:
    with run.host() as host:
        call(host, "/api/lost")
        call(host, "/api/lost")
        assert host.process.log_text().count("Dropping what logger 'root' writes outside every invocation") == 1


def test_a_function_that_takes_too_long_is_answered_with_an_error(shared_run: ProbeRun, host: RunningHost) -> None:
    assert call(host, "/api/hang", timeout=15).status_code == 500
    assert call(host, "/api/open").status_code == 200


def test_a_malformed_escape_is_no_failure_of_the_host(host: RunningHost) -> None:
    address = urlsplit(host.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 0)
    connection.request("GET", "/api/echo/abc/%zz%ff?code=" + host.function_key)
    answer = connection.getresponse()
    assert (answer.status, b'"path": "%zz%ff"' in answer.read()) == (201, True)
    connection.close()


def test_no_key_and_no_content_is_logged(host: RunningHost) -> None:
    call(host, "/api/echo/abc/x?code=" + host.function_key, method="POST", content="private words")
    log = host.process.log_text()
    assert "Executing 'Functions.echo'" in log
    for secret in ("private words", host.function_key, host.master_key, host.blobs_key):
        assert secret not in log
