"""Texts grouped into requests under the service's limits, and what reading a document can end in."""

from __future__ import annotations

import gzip
import json
import random

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.batches.batch import BatchDocument, BatchState, Outcome, plan_batch
from shared.batches.submit import ReadDocument
from shared.documents.inbox import document_of
from shared.documents.ref import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB, MAX_REQUEST_BYTES, DocumentRef
from shared.documents.text import DocumentWarning
from shared.documents.texts import AnalyzeRequest, build_requests
from shared.language.apis import API_VERSIONS, api_for
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.values import ModelRef, ProjectKind, TextInput
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes


def read_texts(texts: list[str]) -> list[ReadDocument]:
    return [ReadDocument(index, (TextInput(str(index), text),)) for index, text in enumerate(texts)]


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
        client.send(api_for(api_version).submit_analyze(request.texts, model, display_name="d" * 32))
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
    requests = build_requests(read_texts(WIDEST[case]))
    assert len(requests) == 1
    assert body_bytes(requests[0], api_version) <= MAX_REQUEST_BYTES


@given(
    st.lists(st.tuples(st.sampled_from(["a", "\u00e9", "\u6587", "\U0001f600"]), st.integers(1, 125_000)), max_size=60)
)
@settings(max_examples=60, deadline=None)
def test_any_texts_are_grouped_in_order_within_the_limits(lengths: list[tuple[str, int]]) -> None:
    texts = [letter * count for letter, count in lengths]
    assert_within_limits(build_requests(read_texts(texts)), texts)


def test_many_short_texts_are_grouped_by_25() -> None:
    requests = build_requests(read_texts(["x"] * 60))
    assert [len(request.texts) for request in requests] == [25, 25, 10]


def test_the_same_documents_always_give_the_same_groups() -> None:
    chance = random.Random(3)
    documents = read_texts(["x" * chance.randint(1, 60_000) for _ in range(40)])
    assert build_requests(documents) == build_requests(documents)


def test_warnings_go_with_the_group_that_holds_their_document() -> None:
    warned = ReadDocument(
        1, (TextInput("1.0", "x" * 100_000), TextInput("1.1", "x" * 100_000)), (DocumentWarning("W", "w"),)
    )
    requests = build_requests([ReadDocument(0, (TextInput("0", "x"),)), warned])
    assert [request.warnings for request in requests] == [{"1": [("W", "w")]}, {"1": [("W", "w")]}]


def test_documents_that_ended_while_reading_take_no_room() -> None:
    assert build_requests([ReadDocument(0, outcome=Outcome.DELETED)]) == []


# reading


def submit_letter(world: PipelineOnFakes, text: str | bytes = "about billing") -> list[TextInput]:
    """The batch of one uploaded letter takes its first step; the texts that were submitted."""
    return submit_version(world, world.upload("letter.txt", text, event=False))


def submit_version(world: PipelineOnFakes, document: DocumentRef) -> list[TextInput]:
    world.batches.start(plan_batch([BatchDocument(document=document)], world.clock()))
    (message,) = world.queued_steps()
    world.queues["batches"].clear()
    world.trace.clear()
    world.batch_steps.advance(message)
    return [TextInput(each["id"], each["text"]) for job in world.service.jobs.values() for each in job.documents]


def test_a_document_is_read_with_one_head_and_one_get_before_its_text_is_sent(world: PipelineOnFakes) -> None:
    assert [text.text for text in submit_letter(world)] == ["about billing"]
    assert world.trace == [
        "state.read",
        "classifications.find",
        "documents.read",
        "language.submit",
        "state.replace",
        "batches-queue.send",
    ]


def test_a_changed_document_is_superseded(world: PipelineOnFakes) -> None:
    document = world.upload("letter.txt", "one", event=False)
    world.upload("letter.txt", "two", event=False)
    assert submit_version(world, document) == []
    assert world.outcomes() == [Outcome.SUPERSEDED]


def test_a_removed_document_is_deleted(world: PipelineOnFakes) -> None:
    document = world.upload("letter.txt", "one", event=False)
    world.remove("letter.txt")
    assert submit_version(world, document) == []
    assert world.outcomes() == [Outcome.DELETED]


def test_a_version_that_is_classified_already_is_not_submitted_again(world: PipelineOnFakes) -> None:
    document = world.upload("letter.txt", "about billing")
    world.run()
    before = dict(world.service.submissions)
    submit_version(world, document)
    assert dict(world.service.submissions) == before


LONG = "Shipping and billing. " * 10_000


def test_a_long_document_is_split_with_a_warning(world: PipelineOnFakes) -> None:
    texts = submit_letter(world, LONG)
    assert [text.id.partition(".")[2] for text in texts] == ["0.0", "0.1"]
    assert "".join(text.text for text in texts) == LONG
    assert warnings(world) == ["DocumentSplit", "DocumentSplit"]


def warnings(world: PipelineOnFakes) -> list[str]:
    """Of each job of the open batch."""
    jobs = world.the_open_one().record.jobs
    return [code for job in jobs for notes in job.warnings.values() for code, _ in notes]


def test_a_setting_truncates_long_documents_instead() -> None:
    world = PipelineOnFakes(changes={"pipeline_oversized": "truncate"})
    (text,) = submit_letter(world, LONG)
    assert text.id == f"{world.the_open_one().record.id[:8]}.0"
    assert LONG.startswith(text.text)
    assert warnings(world) == ["DocumentTruncated"]


def test_a_setting_rejects_long_documents_instead() -> None:
    world = PipelineOnFakes(changes={"pipeline_oversized": "reject"})
    assert submit_letter(world, LONG) == []
    assert world.outcomes() == [Outcome.FAILED]
    assert world.failure_codes() == ["too_large"]


def test_without_a_model_the_batch_stays_planned_and_says_so_once() -> None:
    world = PipelineOnFakes()
    world.model.model = None
    world.upload("letter.txt", "about billing")
    world.deliver_until(world.clock() + world.settings.grace)
    batch = world.the_open_one().record
    facts = batch.facts()
    assert (facts.state, facts.waiting) == (BatchState.PLANNED, True)
    why = "no model is in use: publish one, or set LANGUAGE_MODEL"
    assert [event.what for event in batch.history].count(why) == 1
    assert world.service.requests["submit"] == 0
    world.model.model = MODEL
    world.run()
    assert world.violations() == []


@pytest.mark.parametrize(("gone", "stays"), [("a.txt", "b.txt"), ("b.txt", "a.txt")])
def test_a_document_that_goes_between_two_parts_leaves_its_neighbour_its_own(
    world: PipelineOnFakes, gone: str, stays: str
) -> None:
    """Packed by what storage holds, the two need two requests once they are read; the first of them is submitted. The
    neighbour's part is the one still to be submitted, or the one that is submitted already."""
    documents = world.stores["documents"]
    for name in (gone, stays):
        text = f"{name} about billing. " * 5_000
        documents.upload(name, gzip.compress(text.encode()), content_encoding="gzip")
        world.raise_event(document_of(documents.blobs[name].info))

    def throttle_the_second(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST" or not world.service.jobs or gone not in documents.blobs:
            return None
        world.remove(gone)
        return httpx.Response(429, headers={"Retry-After": "5"})

    world.service.answer = throttle_the_second
    world.run()
    assert world.violations() == []
    assert world.classified() == [f"{stays}.json"]
    assert world.open_batches() == 0


def test_what_a_batch_waits_for_now_is_the_one_thing_that_status_and_health_tell(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload("letter.txt", "about billing")
    world.deliver_for(minutes=5)
    assert world.services.status().batches.waiting_for_model.batches == 1
    world.model.model = MODEL
    world.service.answer = lambda request: httpx.Response(503) if request.method == "POST" else None
    world.deliver_for(minutes=15)
    status = world.services.status()
    assert (status.waiting, status.batches.waiting_for_model.batches) == (None, 0)
    assert [each.reason for each in status.waits if each.what == "batches"] == ["language_unavailable"]
    world.model.model = None
    world.deliver_for(minutes=30)
    status = world.services.status()
    assert status.waiting is not None
    assert [each for each in status.waits if each.what == "batches"] == []
