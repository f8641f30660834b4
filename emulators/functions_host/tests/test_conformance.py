"""The probe app in Microsoft's own loader and invoker gives what it gives in this host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from azure.functions.meta import Datum

from azurite_process.azurite import Azurite
from functions_host.testing.microsoft_worker import MicrosoftWorker, microsoft_worker
from functions_host.worker.decoding import BlobContent, TriggerData, as_json, text
from tests.harness import NEVER, PROBE_APP, ProbeRun

PROPERTIES = {"ETag": {}, "ContentLength": 5, "LastModified": "2026-11-24T00:00:00+00:00"}


@pytest.fixture
def worker(run: ProbeRun, azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[MicrosoftWorker]:
    for name, value in {"RUN": run.name, "TICKS": NEVER, "Data": azurite.connection_string}.items():
        monkeypatch.setenv(name, value)
    with microsoft_worker(PROBE_APP) as loaded:
        yield loaded


def blob(name: str) -> TriggerData:
    metadata = {
        "BlobTrigger": text(name),
        "Uri": as_json(f"http://account/{name}"),
        "Properties": as_json(PROPERTIES),
        "Metadata": as_json({"k": "v"}),
    }
    return TriggerData(BlobContent(lambda: b"hello"), metadata)


def request(method: str, body: bytes = b"", **route: str) -> TriggerData:
    value = {
        "method": text(method),
        "url": text("http://host/api"),
        "headers": {"x-probe": text("p")},
        "query": {"q": text("1")},
        "params": {name: text(part) for name, part in route.items()},
        "body": Datum(body, "bytes"),
    }
    return TriggerData(Datum(value, "http"), {})


def order(**what: Any) -> TriggerData:
    return TriggerData(text(json.dumps(what)), {"Id": text("m"), "DequeueCount": as_json(2)})


def test_every_function_is_found(worker: MicrosoftWorker) -> None:
    assert len(worker.functions) == 15


def test_a_blob_function_sees_the_same_facts(worker: MicrosoftWorker, run: ProbeRun) -> None:
    assert worker.invoke("read_upload", blob("c/in/a.txt")).error is None
    assert run.seen("read_upload") == [{"name": "c/in/a.txt", "length": 5}]


def test_a_blob_function_reads_the_content(worker: MicrosoftWorker, run: ProbeRun) -> None:
    assert worker.invoke("read_event", blob("c/a.txt")).error is None
    (fact,) = run.seen("read_event")
    assert (fact["content"], fact["uri"], fact["metadata"]) == ("hello", "http://account/c/a.txt", {"k": "v"})


def test_a_queue_function_sees_the_same_facts(worker: MicrosoftWorker, run: ProbeRun) -> None:
    assert worker.invoke("take_order", order(label="x")).error is None
    (fact,) = run.seen("take_order")
    assert (fact["order"], fact["dequeue_count"]) == ({"label": "x"}, 2)


def test_an_http_function_answers_the_same(worker: MicrosoftWorker) -> None:
    answer = worker.invoke("echo", request("POST", b"body", kind="abc", path="x/y"))
    assert answer.returned is not None
    response = answer.returned.value
    assert response["status_code"].value == "201"
    assert json.loads(response["body"].value) == {
        "method": "POST",
        "url": "http://host/api",
        "params": {"q": "1"},
        "route": {"kind": "abc", "path": "x/y"},
        "header": "p",
        "body": "body",
    }


def test_an_async_function_works(worker: MicrosoftWorker) -> None:
    greeting = worker.invoke("greet", request("GET")).returned
    assert greeting is not None
    assert greeting.value == "hello"


def test_a_failure_is_a_failure_there_too(worker: MicrosoftWorker) -> None:
    assert "a timer that fails goes on" in str(
        worker.invoke("tick", TriggerData(as_json({"IsPastDue": True}), {})).error
    )
