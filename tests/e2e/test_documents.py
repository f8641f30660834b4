"""Real documents through real parts: every odd one ends where it should, and none disturbs its neighbours."""

from __future__ import annotations

import json
import re
import secrets
import urllib.parse
from typing import Any

import httpx
import pytest

from azurite_process.processes import wait_until
from shared.documents.ref import FailureCode
from tests.e2e.conftest import DEADLINE, Cloud
from tests.infra.code import functions

pytestmark = pytest.mark.e2e

BILLING = "The invoice lists the wrong amount. Please send a corrected invoice and refund the double payment."
SHIPPING = "The parcel has not arrived, the carrier's tracking shows the delivery van left the depot on Monday."


def test_an_uploaded_document_is_classified_with_everything_its_record_promises(cloud: Cloud, prefix: str) -> None:
    name = f"{prefix}invoice.txt"
    etag = cloud.upload(name, BILLING.encode())
    record = cloud.wait_for_classification(name)
    assert "billing" in [each.name for each in record.classes]
    assert all(0 <= each.confidence <= 1 for each in record.classes)
    assert (record.document.name, record.document.etag, record.document.size) == (name, etag, len(BILLING))
    assert (record.project, record.model.label, record.api_version) == (
        "demo",
        "first",
        cloud.stack.settings.language_api,
    )
    assert record.timings.uploaded <= record.timings.planned <= record.timings.submitted
    assert record.batch.jobs
    assert record.warnings == []


# What does not depend on the API version runs under the current one only.
whatever_the_version = pytest.mark.parametrize("cloud", ["2023-04-01"], indirect=True)

AWKWARD = [
    "with spaces.txt",
    "with#hash.txt",
    "with%percent.txt",
    "with%20escape.txt",
    "with?question&more=1.txt",
    "with+plus.txt",
    "späte Rückmeldung – 漢字 🎉.txt",
    "deeper/and/deeper.txt",
    "UPPER.TXT",
    "no.txt.extension.txt",
    f"{'n' * 980}.txt",
]


@pytest.fixture(scope="module")
def awkward(cloud: Cloud) -> str:
    """The folder of all documents with awkward names, uploaded at once; the last one has a name of 1,000 characters."""
    folder = f"{secrets.token_hex(7)}/x"
    for name in AWKWARD:
        cloud.upload(folder + name, BILLING.encode())
    return folder


@whatever_the_version
@pytest.mark.parametrize("name", AWKWARD, ids=lambda name: urllib.parse.quote(name)[:40])
def test_a_document_with_an_awkward_name_is_classified_and_found_by_that_name(
    cloud: Cloud, awkward: str, name: str
) -> None:
    assert cloud.wait_for_classification(awkward + name).document.name == awkward + name
    status = cloud.api.call("GET", f"/api/documents/?name={urllib.parse.quote(awkward + name, safe='')}")
    assert (status["state"], status["name"]) == ("classified", awkward + name)


@whatever_the_version
def test_the_longest_of_the_awkward_names_has_1000_characters(awkward: str) -> None:
    assert max(len(awkward + name) for name in AWKWARD) == 1000


@whatever_the_version
def test_a_document_created_empty_and_filled_later_never_fails(cloud: Cloud, prefix: str) -> None:
    name = f"{prefix}filled.txt"
    cloud.upload(name, b"")
    host = cloud.stack.host
    assert host is not None
    wait_until(
        lambda: f"document_waits name={name}" in host.process.log_text(),
        seconds=DEADLINE,
        what="its first event",
        poll_seconds=0.2,
    )
    last = cloud.upload(name, BILLING.encode())
    cloud.wait_for_classification(name, last)
    assert cloud.failure(name) is None
    assert f"document_failed name={name}" not in host.process.log_text()


@whatever_the_version
def test_a_binary_file_called_txt_fails_and_its_neighbours_do_not(cloud: Cloud, prefix: str) -> None:
    cloud.upload(f"{prefix}picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    cloud.upload(f"{prefix}neighbour.txt", SHIPPING.encode())
    assert cloud.wait_for_failure(f"{prefix}picture.txt").code is FailureCode.BINARY
    cloud.wait_for_classification(f"{prefix}neighbour.txt")


@whatever_the_version
def test_utf_16_with_a_byte_order_mark_is_read(cloud: Cloud, prefix: str) -> None:
    cloud.upload(f"{prefix}wide.txt", BILLING.encode("utf-16"))
    record = cloud.wait_for_classification(f"{prefix}wide.txt")
    assert "billing" in [each.name for each in record.classes]
    assert record.warnings == []


@whatever_the_version
def test_latin_1_is_read_with_a_warning(cloud: Cloud, prefix: str) -> None:
    text = BILLING + " Grüße aus Köln, die Rechnung über fünf Stück wäre längst fällig. Café, naïve, déjà vu."
    cloud.upload(f"{prefix}latin.txt", text.encode("latin-1"))
    record = cloud.wait_for_classification(f"{prefix}latin.txt")
    # The uploads of these tests declare UTF-8, which it is not.
    assert [each.code for each in record.warnings] == ["EncodingGuessed", "CharsetIgnored"]


def test_a_document_of_400_000_characters_is_split_merged_and_marked(cloud: Cloud, prefix: str) -> None:
    paragraph = f"{BILLING}\n\n"
    text = (paragraph * (400_000 // len(paragraph) + 1))[:400_000]
    cloud.upload(f"{prefix}long.txt", text.encode())
    record = cloud.wait_for_classification(f"{prefix}long.txt")
    assert "billing" in [each.name for each in record.classes]
    assert [each.code for each in record.warnings] == ["DocumentSplit"]
    assert len(record.batch.jobs) == 4


def test_a_document_overwritten_in_flight_ends_with_the_record_of_its_last_version(cloud: Cloud, prefix: str) -> None:
    name = f"{prefix}changing.txt"
    cloud.upload(name, BILLING.encode())
    wait_until(
        lambda: cloud.api.call("GET", "/api/status")["queues"]["documents"] > 0 or bool(cloud.classification(name)),
        seconds=DEADLINE,
        what="the first version to be accepted",
        poll_seconds=0.02,
    )
    last = cloud.upload(name, SHIPPING.encode())
    record = cloud.wait_for_classification(name, last)
    assert "shipping" in [each.name for each in record.classes]
    assert cloud.unsettled(prefix) == []


@whatever_the_version
def test_a_document_deleted_in_flight_leaves_no_failure_and_its_neighbours_finish(cloud: Cloud, prefix: str) -> None:
    cloud.upload(f"{prefix}gone.txt", BILLING.encode())
    cloud.container("documents").delete(f"{prefix}gone.txt")
    cloud.upload(f"{prefix}stays.txt", BILLING.encode())
    cloud.wait_for_classification(f"{prefix}stays.txt")
    assert cloud.failure(f"{prefix}gone.txt") is None


@whatever_the_version
def test_duplicate_events_lead_to_one_submission(cloud: Cloud, prefix: str) -> None:
    name = f"{prefix}twice.txt"
    etag = cloud.upload(name, BILLING.encode())
    host = cloud.stack.host
    assert host is not None
    event = {
        "id": "1",
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/documents/blobs/{name}",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "",
        "topic": "/subscriptions/none",
        "data": {
            "api": "PutBlob",
            "eTag": etag,
            "contentLength": len(BILLING),
            "blobType": "BlockBlob",
            "url": f"{cloud.stack.azurite.blob_url}/documents/{name}",
        },
    }
    address = f"{host.url}/runtime/webhooks/blobs?functionName=Host.Functions.accept_document&code={host.blobs_key}"
    for _ in range(3):
        answer = httpx.post(address, json=[event], headers={"aeg-event-type": "Notification"})
        assert answer.status_code == 202, answer.text
    record = cloud.wait_for_classification(name)
    batch = cloud.api.call("GET", f"/api/batches/{record.batch.id}")
    assert [each["document"]["name"] for each in batch["documents"]].count(name) == 1


def test_a_document_can_be_classified_again_and_keeps_its_record_meanwhile(cloud: Cloud, prefix: str) -> None:
    name = f"{prefix}again.txt"
    cloud.upload(name, BILLING.encode())
    first = cloud.wait_for_classification(name)
    assert cloud.api.call("POST", f"/api/documents/{name}/classify")["state"] == "sent"

    def is_newer() -> bool:
        record = cloud.classification(name)
        assert record is not None, "the old classification must stay until the new one replaces it"
        return record.batch.jobs != first.batch.jobs

    wait_until(is_newer, seconds=DEADLINE, what="the second classification", poll_seconds=0.2)


@whatever_the_version
def test_status_and_problems_speak_plainly(cloud: Cloud, prefix: str) -> None:
    host = cloud.stack.host
    assert host is not None
    headers = {"x-functions-key": host.function_key}
    health = httpx.get(f"{host.url}/api/health", headers=headers)
    assert (health.status_code, health.json()["healthy"]) == (200, True)
    unknown = httpx.get(f"{host.url}/api/documents/{prefix}never.txt", headers=headers)
    assert unknown.status_code == 404
    assert unknown.headers["content-type"].startswith("application/problem+json")
    assert f"{prefix}never.txt" in unknown.json()["detail"]
    assert httpx.get(f"{host.url}/api/status").status_code == 401


@whatever_the_version
def test_a_function_key_opens_what_reads_and_the_master_key_alone_what_changes(cloud: Cloud) -> None:
    """Requests that change nothing: what they are about is not there, or they have an unknown member."""
    host = cloud.stack.host
    assert host is not None
    triggers = {name: each.trigger for name, each in functions().items() if each.trigger["type"] == "httpTrigger"}

    def ask(trigger: dict[str, Any], key: str) -> int:
        address = f"{host.url}/api/{re.sub(r'{[^}]+}', 'nosuch', trigger['route'])}"
        method, headers = trigger["methods"][0], {"x-functions-key": key}
        body = {"unheard-of": 1} if method in ("POST", "PUT") else None
        return httpx.request(method, address, headers=headers, json=body, timeout=60).status_code

    refused = {name for name, trigger in triggers.items() if ask(trigger, host.function_key) == 401}
    assert refused == {name for name, trigger in triggers.items() if trigger["authLevel"] == "ADMIN"}
    opened = {name: ask(trigger, host.master_key) for name, trigger in triggers.items()}
    assert set(opened.values()) & {401, 403} == set(), opened


def test_no_log_of_the_host_holds_a_key_or_a_text(cloud: Cloud, prefix: str) -> None:
    marker = "Zweihundertneunundneunzig Invoices"
    cloud.upload(f"{prefix}secret.txt", f"{marker}: {BILLING}".encode())
    cloud.wait_for_classification(f"{prefix}secret.txt")
    stack = cloud.stack
    assert stack.host is not None
    logs = stack.host.process.log_text() + stack.emulator.log_text()
    assert marker not in logs
    key = stack.settings.language_key
    assert key is not None
    for secret in (key.get_secret_value(), stack.host.function_key, "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6"):
        assert secret not in logs


@whatever_the_version
def test_a_failed_document_shows_its_reason_in_status(cloud: Cloud, prefix: str) -> None:
    name = f"{prefix}blank.txt"
    cloud.upload(name, b"   \n\n  ")
    cloud.wait_for_failure(name)
    assert cloud.api.call("GET", f"/api/documents/{name}")["state"] == "failed"
    recent = json.dumps(cloud.api.call("GET", "/api/status")["recent_failures"])
    assert f"{name}.json" in recent


@whatever_the_version
def test_what_the_app_writes_triggers_nothing(cloud: Cloud, prefix: str) -> None:
    """One invocation for each upload: neither records nor anything else of the app comes back as an event."""
    host = cloud.stack.host
    assert host is not None
    names = cloud.upload_some(prefix, count=40)
    cloud.wait_until_settled(prefix)
    # By the time a later upload is classified, the host has looked again at every container it watches.
    cloud.upload(f"{prefix}later.txt", BILLING.encode())
    cloud.wait_for_classification(f"{prefix}later.txt")
    log = host.process.log_path.read_text(errors="replace")
    lines = [line for line in log.splitlines() if f"name={prefix}" in line]
    accepted = [line for line in lines if "document_accepted" in line]
    assert len(accepted) == len(names) + 1
    assert [line for line in lines if "event_ignored" in line or "event_superseded" in line] == []


# The handler's, as each host writes it: ours before the line, Microsoft's on the line above it.
_FAILED_LINE = re.compile(
    r"(?:\[(?P<ours>\w+) [0-9a-f]{8}\]|Function\.(?P<theirs>\w+)\.User\[\d+\]\s) *document_failed name=(\S+)"
)


@whatever_the_version
def test_every_line_about_a_failed_document_reaches_the_log_under_its_invocation(cloud: Cloud, prefix: str) -> None:
    """Threads of the app's pool wrote 26 of 29 such lines, and Microsoft's host drops what a thread logs by itself."""
    contents = {
        "blank": b" \n\t ",
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "cut": "odd".encode("utf-16")[:-1],
    }
    names = [f"{prefix}{kind}-{number}.txt" for kind in contents for number in range(5)]
    for name in names:
        cloud.upload(name, contents[name.removeprefix(prefix).partition("-")[0]])
    for name in names:
        cloud.wait_for_failure(name)
    host = cloud.stack.host
    assert host is not None

    def written() -> dict[str, str]:
        found = _FAILED_LINE.finditer(host.process.log_text())
        return {name: ours or theirs for ours, theirs, name in (match.groups() for match in found) if prefix in name}

    wait_until(lambda: len(written()) == len(names), seconds=DEADLINE, what="a line about each failed document")
    assert set(written()) == set(names)
    # In hand, or from the queue.
    assert set(written().values()) <= {"accept_document", "collect_documents", "advance_batch"}
