"""Texts grouped into requests under the service's limits, and what reading a document can end in."""

from __future__ import annotations

import json
import random

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.ref import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB, MAX_REQUEST_BYTES
from shared.documents.text import DocumentWarning
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.dialects import API_VERSIONS, dialect_for
from shared.language.models import ModelRef, ProjectKind, TextInput
from shared.pipeline.manifest import Outcome, PlannedDocument, plan_manifest
from shared.pipeline.submit import AnalyzeRequest, Reading, build_requests, read_document
from tests.faults.disturbed import DisturbedWorld
from tests.faults.world import MODEL


def readings_of(texts: list[str]) -> list[Reading]:
    return [Reading(index, (TextInput(str(index), text),)) for index, text in enumerate(texts)]


def assert_within_limits(requests: list[AnalyzeRequest], texts: list[str]) -> None:
    assert [text.text for request in requests for text in request.texts] == texts
    for request in requests:
        assert 1 <= len(request.texts) <= MAX_DOCUMENTS_PER_JOB
        assert sum(len(text.text) for text in request.texts) <= MAX_CHARACTERS_PER_JOB


def body_bytes(request: AnalyzeRequest, api_version: str) -> int:
    """As the client really sends it."""
    sent: list[int] = []

    def answer(received: httpx.Request) -> httpx.Response:
        sent.append(len(received.content))
        assert json.loads(received.content)
        return httpx.Response(500)

    model = ModelRef(project="p" * 100, kind=ProjectKind.MULTI, reference="m" * 200, label="l" * 100)
    client = LanguageClient(
        "https://x.example", KeyCredential("k"), httpx.Client(transport=httpx.MockTransport(answer))
    )
    with pytest.raises(Exception, match="500"):
        client.send(dialect_for(api_version).submit_analyze(request.texts, model, display_name="d" * 32))
    return sent[0]


WIDEST = {
    "125,000 emoji": ["\U0001f600" * 125_000],
    "25 documents of 5,000 emoji": ["\U0001f600" * 5_000] * 25,
    "125,000 characters that JSON escapes": ['"' * 125_000],
    "125,000 controls, six bytes each": ["\x01" * 125_000],
    "25 documents of Chinese": ["\u6587" * 5_000] * 25,
}


@pytest.mark.parametrize("api_version", API_VERSIONS)
@pytest.mark.parametrize("case", WIDEST)
def test_the_widest_request_stays_under_a_megabyte_as_sent(case: str, api_version: str) -> None:
    requests = build_requests(readings_of(WIDEST[case]))
    assert len(requests) == 1
    assert body_bytes(requests[0], api_version) <= MAX_REQUEST_BYTES


@given(
    st.lists(st.tuples(st.sampled_from(["a", "\u00e9", "\u6587", "\U0001f600"]), st.integers(1, 125_000)), max_size=60)
)
@settings(max_examples=60, deadline=None)
def test_any_texts_are_grouped_in_order_within_the_limits(lengths: list[tuple[str, int]]) -> None:
    texts = [letter * count for letter, count in lengths]
    assert_within_limits(build_requests(readings_of(texts)), texts)


def test_many_short_texts_are_grouped_by_25() -> None:
    requests = build_requests(readings_of(["x"] * 60))
    assert [len(request.texts) for request in requests] == [25, 25, 10]


def test_the_same_readings_always_give_the_same_groups() -> None:
    chance = random.Random(3)
    readings = readings_of(["x" * chance.randint(1, 60_000) for _ in range(40)])
    assert build_requests(readings) == build_requests(readings)


def test_warnings_go_with_the_group_that_holds_their_document() -> None:
    warned = Reading(
        1, (TextInput("1.0", "x" * 100_000), TextInput("1.1", "x" * 100_000)), (DocumentWarning("W", "w"),)
    )
    requests = build_requests([Reading(0, (TextInput("0", "x"),)), warned])
    assert [request.warnings for request in requests] == [{"1": [("W", "w")]}, {"1": [("W", "w")]}]


def test_documents_that_ended_while_reading_take_no_room() -> None:
    assert build_requests([Reading(0, outcome=Outcome.DELETED)]) == []


# reading


def reading_of(world: DisturbedWorld, text: str | bytes = "about billing") -> Reading:
    planned = PlannedDocument(document=world.upload("letter.txt", text, event=False))
    return read_document(world.pipeline, plan_manifest([planned], world.clock()), 0, planned)


def test_a_document_is_read_with_one_head_and_one_get(world: DisturbedWorld) -> None:
    assert [text.text for text in reading_of(world).texts] == ["about billing"]
    assert world.trace == ["classifications.find", "documents.read"]


def test_a_changed_document_is_superseded(world: DisturbedWorld) -> None:
    planned = PlannedDocument(document=world.upload("letter.txt", "one", event=False))
    world.upload("letter.txt", "two", event=False)
    reading = read_document(world.pipeline, plan_manifest([planned], world.clock()), 0, planned)
    assert reading.outcome is Outcome.SUPERSEDED


def test_a_removed_document_is_deleted(world: DisturbedWorld) -> None:
    planned = PlannedDocument(document=world.upload("letter.txt", "one", event=False))
    world.remove("letter.txt")
    reading = read_document(world.pipeline, plan_manifest([planned], world.clock()), 0, planned)
    assert reading.outcome is Outcome.DELETED


LONG = "Shipping and billing. " * 10_000


def test_a_long_document_is_split_with_a_warning(world: DisturbedWorld) -> None:
    reading = reading_of(world, LONG)
    assert [text.id for text in reading.texts] == ["0.0", "0.1"]
    assert "".join(text.text for text in reading.texts) == LONG
    assert [warning.code for warning in reading.warnings] == ["DocumentSplit"]


def test_a_setting_truncates_long_documents_instead() -> None:
    reading = reading_of(DisturbedWorld(changes={"pipeline_oversized": "truncate"}), LONG)
    assert [text.id for text in reading.texts] == ["0"]
    assert LONG.startswith(reading.texts[0].text)
    assert [warning.code for warning in reading.warnings] == ["DocumentTruncated"]


def test_a_setting_rejects_long_documents_instead() -> None:
    world = DisturbedWorld(changes={"pipeline_oversized": "reject"})
    assert reading_of(world, LONG).outcome is Outcome.FAILED
    assert world.failure_codes() == ["too_large"]


def test_without_a_model_the_job_stays_planned_and_says_so_once() -> None:
    world = DisturbedWorld()
    world.model.model = None
    world.upload("letter.txt", "about billing")
    world._deliver_until(world.clock() + world.settings.grace)
    manifests = [blob.info for name, blob in world.stores["state"]._blobs.items() if name.startswith("jobs/active/")]
    assert [info.metadata["waiting"] for info in manifests] == ["yes"]
    assert world.service.requests["submit"] == 0
    world.model.model = MODEL
    world.run()
    assert world.violations() == []
