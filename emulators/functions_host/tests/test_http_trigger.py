"""HTTP functions, keys and the admin API of a running host."""

from __future__ import annotations

import http.client
import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from functions_host.process import HostHandle
from tests.harness import ProbeRun


def call(host: HostHandle, path: str, **options: Any) -> httpx.Response:
    return httpx.request(options.pop("method", "GET"), host.url + path, **options)


def test_a_request_reaches_the_handler_whole(host: HostHandle) -> None:
    answer = call(
        host,
        "/api/echo/abc/a%20b/c%2Fd?q=1&q=2&empty=",
        method="POST",
        headers={"x-functions-key": host.function_key, "X-Probe": "p"},
        content="bödy",
    )
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["x-out"], answer.headers["set-cookie"]) == ("1", "a=b; Path=/")
    assert answer.json() == {
        "method": "POST",
        "url": f"{host.url}/api/echo/abc/a%20b/c%2Fd?q=1&q=2&empty=",
        "params": {"q": "1,2", "empty": ""},
        "route": {"kind": "abc", "path": "a b/c%2Fd"},
        "header": "p",
        "body": "bödy",
    }


def test_text_returned_by_an_async_handler_is_the_body(host: HostHandle) -> None:
    answer = call(host, "/API/open")
    assert (answer.status_code, answer.text) == (200, "hello")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/api/unknown", "GET", 404, id="no such route"),
        pytest.param("/open", "GET", 404, id="without prefix"),
        pytest.param("/api/echo/123/x", "GET", 404, id="constraint not met"),
        pytest.param("/api/orders", "GET", 404, id="another method"),
        pytest.param("/api/broken", "GET", 500, id="an exception"),
        pytest.param("/", "GET", 200, id="home page"),
        pytest.param("/runtime/health", "GET", 200, id="health"),
        pytest.param("/runtime/health/live", "GET", 200, id="live"),
        pytest.param("/runtime/health/ready", "GET", 200, id="ready"),
        pytest.param("/admin/host/ping", "GET", 200, id="ping"),
        pytest.param("/admin/host/ping", "POST", 200, id="ping by POST"),
        pytest.param("/runtime/webhooks/other", "POST", 404, id="no such webhook"),
    ],
)
def test_what_needs_no_key(host: HostHandle, path: str, method: str, status: int) -> None:
    assert call(host, path, method=method).status_code == status


def test_an_exception_is_not_told_to_the_caller(host: HostHandle) -> None:
    assert call(host, "/api/broken").text == ""


def test_keys_are_taken_from_the_header_before_the_query(host: HostHandle) -> None:
    path = "/api/echo/abc/x"
    assert call(host, path).status_code == 401
    assert call(host, path, params={"code": host.function_key}).status_code == 201
    assert call(host, path, params={"code": host.master_key}).status_code == 201
    assert call(host, path, params={"code": host.blobs_key}).status_code == 401
    wrong_first = call(host, path, params={"code": host.function_key}, headers={"x-functions-key": "wrong"})
    assert wrong_first.status_code == 401


def test_the_admin_level_wants_the_master_key(host: HostHandle) -> None:
    assert call(host, "/api/guarded", params={"code": host.function_key}).status_code == 401
    assert call(host, "/api/guarded", params={"code": host.master_key}).text == "master"


def test_the_admin_api_wants_the_master_key(host: HostHandle) -> None:
    for path in ("/admin/host/status", "/admin/functions", "/admin/host/systemkeys"):
        assert call(host, path).status_code == 401
        assert call(host, path, params={"code": host.function_key}).status_code == 401
        assert call(host, path, params={"code": host.master_key}).status_code == 200


def admin(host: HostHandle, path: str, **options: Any) -> httpx.Response:
    return call(host, f"/admin/{path}", headers={"x-functions-key": host.master_key}, **options)


def test_the_host_tells_its_state(host: HostHandle, shared_run: ProbeRun) -> None:
    status = admin(host, "host/status").json()
    assert (status["state"], status["id"]) == ("Running", shared_run.name)


def test_functions_are_listed_with_their_bindings(host: HostHandle) -> None:
    listed = {function["name"]: function for function in admin(host, "functions").json()}
    assert len(listed) == 14
    bindings = listed["read_event"]["config"]["bindings"]
    assert [(binding["type"], binding["source"]) for binding in bindings] == [("blobTrigger", "EventGrid")]
    assert admin(host, "functions/read_event").json() == listed["read_event"]
    assert admin(host, "functions/read_event/status").json() == {"name": "read_event", "isDisabled": False}
    assert admin(host, "functions/unknown").status_code == 404


def test_keys_can_be_read(host: HostHandle) -> None:
    assert admin(host, "host/systemkeys/blobs_extension").json()["value"] == host.blobs_key
    assert admin(host, "host/systemkeys/_master").json()["value"] == host.master_key
    assert [key["name"] for key in admin(host, "host/systemkeys").json()["keys"]] == ["blobs_extension"]
    assert admin(host, "host/functionkeys/default").json()["value"] == host.function_key
    own = admin(host, "functions/echo/keys").json()["keys"][0]["value"]
    assert call(host, "/api/echo/abc/x", params={"code": own}).status_code == 201
    assert admin(host, "host/systemkeys/other").status_code == 404


def test_any_function_can_be_run_by_hand(host: HostHandle, shared_run: ProbeRun) -> None:
    shared_run.container("events").upload_blob("by hand.csv", "by hand")
    inputs = {
        "take_order": '{"label": "by hand"}',
        "read_event": f"{shared_run.name}-events/by hand.csv",
        "tick": None,
    }
    ticks = len(shared_run.seen("tick"))
    for name, value in inputs.items():
        assert admin(host, f"functions/{name}", method="POST", json={"input": value}).status_code == 202
    assert shared_run.wait_seen("take_order", 1)[0]["order"] == {"label": "by hand"}
    assert shared_run.wait_seen("read_event", 1)[0]["content"] == "by hand"
    assert len(shared_run.wait_seen("tick", ticks + 1)) == ticks + 1
    assert admin(host, "functions/greet", method="POST", json={}).status_code == 202
    assert admin(host, "functions/take_order", method="POST", content="no json").status_code == 400


def test_blobs_are_read_and_written_by_bindings(host: HostHandle, shared_run: ProbeRun) -> None:
    shared_run.container("events").upload_blob("source.csv", "content")
    assert call(host, "/api/copies/source.csv", method="POST").status_code == 201
    copies = shared_run.container("copies")
    (name,) = copies.list_blob_names()
    assert re.fullmatch(r"source\.csv-[0-9a-f-]{36}", name)
    assert copies.download_blob(name).readall() == b"content"


def test_a_missing_blob_is_none_for_its_input_binding(host: HostHandle) -> None:
    assert call(host, "/api/copies/missing.csv", method="POST").status_code == 404


def test_a_thread_of_the_app_can_log_under_its_invocation(host: HostHandle) -> None:
    function_name, invocation_id = call(host, "/api/threads").text.split()
    assert f"[{function_name} {invocation_id[:8]}] from a thread of the app" in host.process.log_text()


def test_a_function_that_takes_too_long_is_answered_with_an_error(shared_run: ProbeRun, host: HostHandle) -> None:
    assert call(host, "/api/hang", timeout=15).status_code == 500
    assert call(host, "/api/open").status_code == 200


def test_a_malformed_escape_is_no_failure_of_the_host(host: HostHandle) -> None:
    address = urlsplit(host.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 0)
    connection.request("GET", "/api/echo/abc/%zz%ff?code=" + host.function_key)
    answer = connection.getresponse()
    assert (answer.status, b'"path": "%zz%ff"' in answer.read()) == (201, True)
    connection.close()


def test_no_key_and_no_content_is_logged(host: HostHandle) -> None:
    call(host, "/api/echo/abc/x?code=" + host.function_key, method="POST", content="private words")
    log = host.process.log_text()
    assert "Executing echo (POST /api/echo/abc/x)" in log
    for secret in ("private words", host.function_key, host.master_key, host.blobs_key):
        assert secret not in log
