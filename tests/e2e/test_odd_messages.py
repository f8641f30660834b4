"""What a host cannot deliver is kept all the same, and what its webhook misreads is found by reconcile."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueServiceClient

from azurite_process.processes import wait_until
from tests.e2e.conftest import DEADLINE, NEVER, Cloud, running_cloud
from tests.e2e.real_host import STAND_IN
from tests.infra.alert_rules import log_alerts
from tests.infra.log_analytics import workspace_of

pytestmark = pytest.mark.e2e

TRIGGERS = ("collect", "batches", "operations", "events")
UPLOADS = "webjobs-blobtrigger-poison"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[Cloud]:
    """Without a model, without Event Grid, and without reconcile: events are what a test posts."""
    changes = {
        "functions_host_emulate_event_grid": "0",
        "reconcile_schedule": NEVER,
        "pipeline_grace_minutes": "0",
        "sweep_schedule": "*/3 * * * * *",
    }
    with running_cloud(tmp_path_factory.mktemp("bare"), host_kind=host_kind, changes=changes) as running:
        yield running


@pytest.fixture
def queues(bare: Cloud) -> Iterator[QueueServiceClient]:
    storage = bare.stack.settings.data_storage
    assert storage is not None
    with QueueServiceClient.from_connection_string(storage.get_secret_value()) as service:
        yield service


def test_a_message_that_no_host_can_decode_is_kept_wherever_it_lies(bare: Cloud, queues: QueueServiceClient) -> None:
    """From a queue with a trigger the host moves it to the queue beside, and from there it would deliver it to none."""
    everywhere = [*TRIGGERS, *(f"{name}-poison" for name in TRIGGERS), UPLOADS]
    mark = secrets.token_hex(4)
    for name in everywhere:
        queue = queues.get_queue_client(name)
        with suppress(ResourceExistsError):
            queue.create_queue()
        queue.send_message(f"{{plain {mark} {name}}}")
    state = bare.container("pipeline")

    def kept() -> dict[str, str]:
        letters = [json.loads(state.read(info.name).data) for info in state.list("dead-letters/")]
        return {letter["body"]: letter["queue"] for letter in letters if mark in letter["body"]}

    wait_until(lambda: len(kept()) == len(everywhere), seconds=DEADLINE, what="the dead letters", poll_seconds=0.5)
    assert kept() == {f"{{plain {mark} {name}}}": name.removesuffix("-poison") for name in TRIGGERS} | {
        f"{{plain {mark} {name}-poison}}": name for name in TRIGGERS
    } | {f"{{plain {mark} {UPLOADS}}}": UPLOADS}

    def left() -> list[str]:
        return [name for name in everywhere if queues.get_queue_client(name).peek_messages()]

    wait_until(lambda: left() == [], seconds=DEADLINE, what="empty queues", poll_seconds=0.5)


def test_the_alert_for_dead_letters_fires_on_the_lines_that_the_host_writes(
    bare: Cloud, queues: QueueServiceClient, host_kind: str
) -> None:
    """With the invocations that the host gives them. The other alerts are judged in tests/infra/test_alerts.py."""
    if host_kind != STAND_IN:
        pytest.skip("the lines of Microsoft's host name no invocation")
    queues.get_queue_client("collect").send_message("{not base64}")
    host = bare.stack.host
    assert host is not None
    log = host.process.log_text
    wait_until(lambda: "dead_letter_kept queue=collect " in log(), seconds=DEADLINE, what="the dead letter")
    wait_until(lambda: "Executed 'Functions.sweep' (Succeeded" in log(), seconds=DEADLINE, what="the end of a sweep")
    now = datetime.now(UTC)
    rules = [log_alerts()[name] for name in ("pigeonhole-dead-letters", "pigeonhole-app-silent")]
    times = workspace_of(log(), now).firing_times(rules, now, now)
    assert times == {"pigeonhole-dead-letters": [now], "pigeonhole-app-silent": []}


# As they are in an address, they name other blobs: `what`, `a b.txt` and `a/b.txt`.
MISREAD = ["what?.txt", "a%20b.txt", "a%2Fb.txt"]


def test_blobs_whose_events_the_webhook_misreads_are_found_by_reconcile(bare: Cloud, prefix: str) -> None:
    """Event Grid was seen to write a name into the address of an event as it is; the host takes it for encoded."""
    for name in [*MISREAD, "plain.txt"]:
        bare.upload(prefix + name, b"The parcel has not arrived.")
        post_event(bare, prefix + name)
    wait_until(lambda: state_of(bare, prefix + "plain.txt") == "planned", seconds=DEADLINE, what="the plain name")
    assert {name: state_of(bare, prefix + name) for name in MISREAD} == dict.fromkeys(MISREAD, "waiting")
    bare.stack.stop_host()
    bare.stack.environment["RECONCILE_SCHEDULE"] = "*/3 * * * * *"
    bare.stack.start_host()
    wait_until(
        lambda: {state_of(bare, prefix + name) for name in MISREAD} == {"planned"},
        seconds=DEADLINE,
        what="reconcile to find the others",
    )


def state_of(cloud: Cloud, name: str) -> str:
    return str(cloud.api.call("GET", f"/api/documents/?name={quote(name, safe='')}")["state"])


def post_event(cloud: Cloud, name: str) -> None:
    """With the name in the address as it is."""
    host = cloud.stack.host
    assert host is not None
    event = {
        "id": secrets.token_hex(8),
        "eventType": "Microsoft.Storage.BlobCreated",
        "topic": "/local",
        "subject": f"/blobServices/default/containers/documents/blobs/{name}",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "",
        "data": {
            "api": "PutBlob",
            "eTag": "0x1",
            "blobType": "BlockBlob",
            "url": f"https://letters.blob.core.windows.net/documents/{name}",
        },
    }
    answer = httpx.post(
        f"{host.url}/runtime/webhooks/blobs",
        params={"functionName": "Host.Functions.accept_document", "code": host.blobs_key},
        headers={"aeg-event-type": "Notification"},
        json=[event],
    )
    assert answer.status_code == 202
