"""Blob functions in a running host, on real Azurite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from tests.harness import FAST, PATIENCE, ProbeRun
from tests.hosts import RunningHost, starter_of

ODD_NAMES = ["with space.txt", "hash#percent%25question?.txt", "ünï/çødé 文.txt", "a/b//c.txt", "x" * 900 + ".txt"]

# As they are in an address, these name other blobs: `raw/what`, `raw/a b.txt` and `raw/a/b.txt`.
RAW_NAMES = ["raw/what?.txt", "raw/a%20b.txt", "raw/a%2Fb.txt"]


def read_events(run: ProbeRun) -> dict[str, dict[str, Any]]:
    return {str(fact["name"]).partition("/")[2]: fact for fact in run.seen("read_event")}


def wait_read(run: ProbeRun, *names: str) -> dict[str, dict[str, Any]]:
    wait_until(lambda: set(names) <= set(read_events(run)), seconds=PATIENCE, what=f"events of {names}")
    return read_events(run)


@pytest.mark.usefixtures("host")
def test_the_handler_gets_name_address_properties_metadata_and_content(shared_run: ProbeRun) -> None:
    container = shared_run.container("events")
    uploaded = container.upload_blob("facts.txt", "naïve", metadata={"k": "v"})
    fact = wait_read(shared_run, "facts.txt")["facts.txt"]
    assert fact["name"] == f"{shared_run.name}-events/facts.txt"
    assert fact["uri"] == uploaded.url
    assert fact["content"] == "naïve"
    assert fact["metadata"] == {"k": "v"}
    properties = uploaded.get_blob_properties()
    assert fact["properties"]["LastModified"] == properties.last_modified.isoformat()
    assert (fact["properties"]["ContentLength"], fact["properties"]["BlobType"]) == (6, 0)
    assert fact["properties"]["ETag"] == {}
    assert fact["properties"]["ContentType"] == "application/octet-stream"


@pytest.mark.usefixtures("host")
def test_names_of_any_kind_arrive_unchanged(shared_run: ProbeRun) -> None:
    container = shared_run.container("events")
    for name in ODD_NAMES:
        container.upload_blob(name, name)
    facts = wait_read(shared_run, *ODD_NAMES)
    assert [facts[name]["content"] for name in ODD_NAMES] == ODD_NAMES


@pytest.mark.usefixtures("host")
def test_a_container_is_looked_through_for_what_the_pattern_means(shared_run: ProbeRun) -> None:
    container = shared_run.container("uploads")
    container.upload_blob("ignored.txt", "the pattern wants a folder")
    container.upload_blob("in/a.txt", "hello")
    facts = shared_run.wait_seen("read_upload", 1)
    assert facts == [{"name": f"{shared_run.name}-uploads/in/a.txt", "length": 5}]


@pytest.mark.usefixtures("host")
def test_a_new_version_is_a_new_event(shared_run: ProbeRun) -> None:
    container = shared_run.container("events")
    container.upload_blob("versions.txt", "one")
    wait_read(shared_run, "versions.txt")
    container.upload_blob("versions.txt", "two", overwrite=True)
    wait_until(
        lambda: any(fact["content"] == "two" for fact in shared_run.seen("read_event")),
        seconds=PATIENCE,
        what="version two",
    )


@pytest.mark.usefixtures("host")
def test_a_blob_whose_function_keeps_failing_is_tried_five_times_and_poisoned(shared_run: ProbeRun) -> None:
    shared_run.container("events").upload_blob("broken.txt", "")

    def buried() -> list[dict[str, Any]]:
        messages = map(json.loads, shared_run.messages("webjobs-blobtrigger-poison"))
        return [message for message in messages if message["ContainerName"] == f"{shared_run.name}-events"]

    wait_until(lambda: bool(buried()), seconds=PATIENCE, what="a poison message")
    (message,) = buried()
    assert message["Type"] == "BlobTrigger"
    assert message["FunctionId"] == "Host.Functions.read_event"
    assert message["BlobType"] == "BlockBlob"
    assert message["BlobName"] == "broken.txt"
    assert message["ETag"].startswith('"0x')
    assert len(shared_run.seen("read_event_broken")) == 5


def test_a_restart_repeats_nothing_finds_what_came_meanwhile_and_keeps_its_keys(run: ProbeRun) -> None:
    container = run.container("events")
    container.upload_blob("before.txt", "1")
    with run.host() as first:
        wait_read(run, "before.txt")
    container.upload_blob("between.txt", "2")
    with run.host() as second:
        wait_read(run, "between.txt")
        container.upload_blob("after.txt", "3")
        wait_read(run, "after.txt")
    assert len(run.seen("read_event")) == 3
    assert (second.master_key, second.function_key) == (first.master_key, first.function_key)


@pytest.fixture(scope="module")
def bare_run(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[ProbeRun]:
    probe = ProbeRun(azurite, tmp_path_factory.mktemp("bare"), starter_of(host_kind))
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def bare_host(bare_run: ProbeRun) -> Iterator[RunningHost]:
    """A host that does not emulate Event Grid."""
    with bare_run.host(FAST, FUNCTIONS_HOST_EMULATE_EVENT_GRID="0") as handle:
        yield handle


def test_without_emulation_only_the_webhook_starts_an_event_grid_function(
    bare_run: ProbeRun, bare_host: RunningHost
) -> None:
    bare_run.container("events").upload_blob("not posted.txt", "")
    bare_run.container("events").upload_blob("posted.txt", "")
    bare_run.container("uploads").upload_blob("in/a.txt", "")
    bare_run.wait_seen("read_upload", 1)
    assert deliver(bare_run, bare_host, "posted.txt").status_code == 202
    assert "not posted.txt" not in wait_read(bare_run, "posted.txt")


def test_a_blob_deleted_before_its_turn_is_dropped(bare_run: ProbeRun, bare_host: RunningHost) -> None:
    bare_run.container("events").upload_blob("there.txt", "")
    deliver(bare_run, bare_host, "gone.txt")
    deliver(bare_run, bare_host, "there.txt")
    wait_until(lambda: bare_run.depth(internal_queue(bare_run)) == 0, seconds=PATIENCE, what="an empty internal queue")
    assert "gone.txt" not in wait_read(bare_run, "there.txt")


def test_every_delivered_event_is_an_invocation(bare_run: ProbeRun, bare_host: RunningHost) -> None:
    bare_run.container("events").upload_blob("no text.csv", "")
    before = len(bare_run.seen("read_event"))
    for _ in range(2):
        deliver(bare_run, bare_host, "no text.csv")
    bare_run.wait_seen("read_event", before + 2)


def test_an_address_that_is_not_encoded_names_another_blob(bare_run: ProbeRun, bare_host: RunningHost) -> None:
    """Event Grid was seen to send such addresses. The host takes them for encoded ones."""
    container = bare_run.container("events")
    for name in [*RAW_NAMES, "raw/a b.txt", "raw/a#1.txt", "raw/plain.txt"]:
        container.upload_blob(name, name)
    for name in [*RAW_NAMES, "raw/a#1.txt", "raw/plain.txt"]:
        assert deliver_address(bare_host, f"{container.url}/{name}").status_code == 202
    wait_until(lambda: bare_run.depth(internal_queue(bare_run)) == 0, seconds=PATIENCE, what="an empty internal queue")
    arrive = {"raw/plain.txt", "raw/a#1.txt", "raw/a b.txt"}
    assert {name for name in wait_read(bare_run, *arrive) if name.startswith("raw/")} == arrive


def test_the_webhook_wants_the_key_of_the_extension(shared_run: ProbeRun, host: RunningHost) -> None:
    for key, status in [("", 401), (host.function_key, 403), (host.blobs_key, 202), (host.master_key, 202)]:
        assert deliver(shared_run, host, "absent.txt", key=key).status_code == status


def test_an_event_for_an_unknown_function_is_accepted(shared_run: ProbeRun, host: RunningHost) -> None:
    assert deliver(shared_run, host, "absent.txt", function_id="Host.Functions.unknown").status_code == 202


@pytest.mark.parametrize(
    "body",
    ["no json", "[{}]", '[{"data": {"blobType": "BlockBlob"}}]', '[{"data": {"url": "http://127.0.0.1/a/c/b"}}]'],
)
def test_an_event_that_cannot_be_read_is_an_error(host: RunningHost, body: str) -> None:
    answer = httpx.post(
        f"{host.url}/runtime/webhooks/blobs",
        params={"functionName": "Host.Functions.read_event", "code": host.blobs_key},
        headers={"aeg-event-type": "Notification"},
        content=body,
    )
    assert answer.status_code == 500


def test_the_webhook_answers_the_handshake(host: RunningHost) -> None:
    answer = httpx.post(
        f"{host.url}/runtime/webhooks/blobs",
        params={"functionName": "Host.Functions.read_event", "code": host.blobs_key},
        headers={"aeg-event-type": "SubscriptionValidation"},
        json=[{"data": {"validationCode": "code"}}],
    )
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "code"})


def internal_queue(run: ProbeRun) -> str:
    return f"azure-webjobs-blobtrigger-{run.name}"


def deliver(
    run: ProbeRun,
    host: RunningHost,
    name: str,
    *,
    key: str | None = None,
    function_id: str = "Host.Functions.read_event",
) -> httpx.Response:
    """Post an event as Event Grid would."""
    address = run.blobs.get_blob_client(f"{run.name}-events", name).url
    return deliver_address(host, address, key=key, function_id=function_id)


def deliver_address(
    host: RunningHost,
    address: str,
    *,
    key: str | None = None,
    function_id: str = "Host.Functions.read_event",
) -> httpx.Response:
    return httpx.post(
        f"{host.url}/runtime/webhooks/blobs",
        params={"functionName": function_id, "code": host.blobs_key if key is None else key},
        headers={"aeg-event-type": "Notification"},
        json=[{"eventType": "Microsoft.Storage.BlobCreated", "data": {"url": address, "blobType": "BlockBlob"}}],
    )
