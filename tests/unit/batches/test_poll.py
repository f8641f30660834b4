"""One look at a submitted batch: not ready, finished, failed, unknown, or an answer that never ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.batches.batch import (
    MAX_ATTEMPTS,
    Batch,
    BatchDocument,
    BatchState,
    JobReference,
    Outcome,
    plan_batch,
)
from shared.batches.poll import Poll, split_unanswered
from shared.documents.jobs import MAX_PAGES
from shared.documents.ref import DocumentRef
from shared.durable.steps import Done, Next, NotReady, StepLater
from shared.durable.store import Stored
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.values import AnalyzeJob, ClassScore, LroStatus, Page, ServiceError, TextClasses
from tests.fakes import START
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes

ERROR = ServiceError("InvalidDocument", "odd")


def document(world: PipelineOnFakes, number: int, attempt: int) -> BatchDocument:
    return BatchDocument(document=world.upload(f"{number}.txt", "about billing", event=False), attempt=attempt)


def submitted(world: PipelineOnFakes, *, count: int = 1, attempt: int = 0) -> Stored[Batch]:
    """An open batch of `count` documents that was submitted in one job."""
    batch = plan_batch([document(world, number, attempt) for number in range(count)], START)
    job = JobReference(
        job_id="job-1",
        submitted=START,
        expires=START + timedelta(hours=24),
        texts={str(number): 13 for number in range(count)},
    )
    changes = {"state": BatchState.SUBMITTED, "model": MODEL, "api_version": "2021-preview", "jobs": (job,)}
    stored = world.batches.store.create(batch.model_copy(update=changes))
    assert stored is not None
    return stored


@dataclass
class Pages(LanguageClient):
    """Answers with these pages one after the other; more questions than a look may ask are a failure, not a loop."""

    pages: list[AnalyzeJob]
    asked: int = 0
    queries: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(500))
        super().__init__("https://x.example", KeyCredential("k"), httpx.Client(transport=transport))

    def send(self, call: Any) -> Any:
        self.asked += 1
        self.queries.append(dict(call.request.query))
        assert self.asked <= len(self.pages), "it asks for page after page"
        return self.pages[self.asked - 1]


def page(
    *texts: str,
    status: LroStatus = LroStatus.SUCCEEDED,
    more: bool = False,
    errors: Mapping[str, ServiceError] | None = None,
) -> AnalyzeJob:
    classes = tuple(TextClasses(each, (ClassScore("billing", 0.9),)) for each in texts)
    following = Page(skip=20, top=20) if more else None
    return AnalyzeJob(status, None, START, None, classes, errors or {}, next_page=following)


def look(world: PipelineOnFakes, stored: Stored[Batch], *pages: AnalyzeJob) -> Next[Batch]:
    return poll_with(world, Pages(list(pages)))(stored)


def poll_with(world: PipelineOnFakes, language: LanguageClient) -> Poll:
    return replace(world.services.batch_steps.poll, language=language)


def outcomes(following: Next[Batch]) -> list[Outcome | None]:
    assert isinstance(following, Done)
    return [each.outcome for each in following.stored.record.documents]


# pages


@pytest.mark.parametrize(
    ("api_version", "query"),
    [("2021-preview", {}), ("2023-04-01", {"api-version": "2023-04-01", "top": "25", "skip": "0"})],
)
def test_all_results_are_asked_for_in_one_page_where_the_version_documents_it(
    world: PipelineOnFakes, api_version: str, query: dict[str, str]
) -> None:
    language = Pages([page("0")])
    poll_with(world, language)(submitted(world).change(api_version=api_version))
    assert language.queries == [query]


def test_the_results_of_as_many_pages_as_texts_can_fill_are_read(world: PipelineOnFakes) -> None:
    stored = submitted(world)
    pages = [page(more=True)] * (MAX_PAGES - 1) + [page("0")]
    assert outcomes(look(world, stored, *pages)) == [Outcome.CLASSIFIED]


def test_next_links_that_go_in_circles_end_the_look_and_the_batch_is_submitted_again(world: PipelineOnFakes) -> None:
    language = Pages([page("0", more=True)] * (MAX_PAGES + 2))
    following = poll_with(world, language)(submitted(world))
    assert isinstance(following, StepLater)
    batch = following.stored.record
    assert (batch.state, batch.documents[0].attempt) == (BatchState.PLANNED, 1)
    assert "have more than 30 pages" in batch.history[-1].what
    assert language.asked == MAX_PAGES + 1
    assert world.classified() == []


def test_pages_of_a_job_that_runs_are_not_followed(world: PipelineOnFakes) -> None:
    language = Pages([page(status=LroStatus.RUNNING, more=True)])
    assert isinstance(poll_with(world, language)(submitted(world)), NotReady)
    assert language.asked == 1


@pytest.mark.parametrize(
    "others",
    [
        {"display_name": "another-batch"},
        {"project": "another-project"},
        {"deployment": "another-deployment"},
        {"texts": (TextClasses("ffffffff.0", (ClassScore("billing", 0.9),)),)},
        {"texts": (), "text_errors": {"ffffffff.0": ERROR}},
    ],
    ids=["another batch", "another project", "another deployment", "other texts", "errors of other texts"],
)
def test_an_answer_to_another_request_gives_no_document_a_class(world: PipelineOnFakes, others: dict[str, Any]) -> None:
    following = look(world, submitted(world), replace(page("0"), **others))
    assert isinstance(following, StepLater)
    assert following.stored.record.state is BatchState.PLANNED
    assert world.classified() == []


def test_an_answer_that_names_our_job_and_batch_is_ours(world: PipelineOnFakes) -> None:
    stored = submitted(world)
    batch = stored.record
    named = replace(page("0"), id=batch.jobs[0].job_id, display_name=batch.id)
    following = look(world, stored, replace(named, project=MODEL.project, deployment=MODEL.reference))
    assert outcomes(following) == [Outcome.CLASSIFIED]


# not ready


def test_a_running_job_is_polled_again_by_how_long_it_has_run(world: PipelineOnFakes) -> None:
    following = look(world, submitted(world), page(status=LroStatus.RUNNING))
    assert isinstance(following, NotReady)
    assert following.since == following.stored.record.jobs[0].submitted


@pytest.mark.parametrize(
    ("left", "state"),
    [(timedelta(microseconds=1), BatchState.SUBMITTED), (timedelta(0), BatchState.PLANNED)],
    ids=["the last moment", "expired"],
)
def test_a_job_that_still_runs_when_its_results_expire_is_submitted_again(
    world: PipelineOnFakes, left: timedelta, state: BatchState
) -> None:
    stored = submitted(world)
    world.clock.now = START + timedelta(hours=24) - left
    following = look(world, stored, page(status=LroStatus.RUNNING))
    assert isinstance(following, NotReady if state is BatchState.SUBMITTED else StepLater)
    assert following.stored.record.state is state


# finished


def test_records_are_written_before_the_batch_says_that_it_is_done(world: PipelineOnFakes) -> None:
    stored = submitted(world, count=3)
    world.trace.clear()
    following = look(world, stored, page("0", "1", errors={"2": ERROR}))
    assert outcomes(following) == [Outcome.CLASSIFIED, Outcome.CLASSIFIED, Outcome.FAILED]
    assert world.classified() == ["0.txt.json", "1.txt.json"]
    assert world.failure_codes() == ["document_error"]
    assert [call for call in world.trace if call.startswith(("state.", "batches-queue."))] == []


@pytest.mark.parametrize("status", [LroStatus.FAILED, LroStatus.CANCELLED])
def test_a_job_that_failed_as_a_whole_is_submitted_again(world: PipelineOnFakes, status: LroStatus) -> None:
    following = look(world, submitted(world), page(status=status))
    assert isinstance(following, StepLater)
    assert following.stored.record.state is BatchState.PLANNED


@pytest.mark.parametrize("status", [LroStatus.FAILED, LroStatus.CANCELLED])
def test_a_job_that_failed_with_results_gives_what_it_has(world: PipelineOnFakes, status: LroStatus) -> None:
    following = look(world, submitted(world, count=2), page("0", status=status))
    assert outcomes(following) == [Outcome.CLASSIFIED, Outcome.RESUBMITTED]


def test_documents_an_answer_left_out_go_on_in_a_batch_of_their_own(world: PipelineOnFakes) -> None:
    stored = submitted(world, count=3)
    following = look(world, stored, page("1"))
    assert outcomes(following) == [Outcome.RESUBMITTED, Outcome.CLASSIFIED, Outcome.RESUBMITTED]
    (apart,) = [each.record for each in world.open() if each.record.id != stored.record.id]
    assert [(each.document.name, each.attempt) for each in apart.documents] == [("0.txt", 1), ("2.txt", 1)]
    assert [message.id for message in world.queued_steps()] == [apart.id]


def test_a_document_that_every_answer_left_out_gets_a_failure_record(world: PipelineOnFakes) -> None:
    following = look(world, submitted(world, attempt=MAX_ATTEMPTS - 1), page())
    assert outcomes(following) == [Outcome.FAILED]
    assert world.failure_codes() == ["no_result"]
    assert world.queued_steps() == []


def test_a_document_whose_result_cannot_be_read_goes_on_alone(world: PipelineOnFakes) -> None:
    stored = submitted(world, count=3)
    following = look(world, stored, replace(page("0", "2"), malformed={"1": "class (class_name)"}))
    assert outcomes(following) == [Outcome.CLASSIFIED, Outcome.RESUBMITTED, Outcome.CLASSIFIED]
    (apart,) = [each.record for each in world.open() if each.record.id != stored.record.id]
    assert [(each.document.name, each.attempt) for each in apart.documents] == [("1.txt", 1)]


def test_a_document_whose_result_could_never_be_read_gets_a_failure_record(world: PipelineOnFakes) -> None:
    answer = replace(page(), malformed={"0": "class (class_name)"})
    assert outcomes(look(world, submitted(world, attempt=MAX_ATTEMPTS - 1), answer)) == [Outcome.FAILED]
    failure = world.failure("0.txt")
    assert failure is not None
    assert failure.code.value == "malformed_answer"
    assert "class (class_name)" in failure.message


# split_unanswered


def batch_of(attempts: list[int]) -> Batch:
    documents = [
        BatchDocument(
            document=DocumentRef(name=f"{number}.txt", etag='"1"', last_modified=START, size=5),
            attempt=attempt,
            record_etag='"old"',
        )
        for number, attempt in enumerate(attempts)
    ]
    return plan_batch(documents, START)


SPLIT: dict[str, tuple[list[int], list[int], dict[int, int], list[int]]] = {
    # attempts of the documents, indexes missing -> attempts of those that go on, indexes given up
    "nothing is missing": ([0, 0], [], {}, []),
    "the first submission": ([0], [0], {0: 1}, []),
    "the second": ([1], [0], {0: 2}, []),
    "the third is the last": ([2], [0], {}, [0]),
    "each by its own count": ([0, 1, 2, 2], [0, 1, 2, 3], {0: 1, 1: 2}, [2, 3]),
    "only those that are missing": ([0, 2, 0], [1, 2], {2: 1}, [1]),
}


@pytest.mark.parametrize("case", SPLIT)
def test_missing_documents_go_on_until_their_third_submission(case: str) -> None:
    attempts, missing, going_on, given_up = SPLIT[case]
    again, ended = split_unanswered(batch_of(attempts), missing)
    assert {index: each.attempt for index, each in again.items()} == going_on
    assert ended == given_up
    assert all(each.record_etag is None for each in again.values()), "it is read again, and may have a record by then"


def test_the_time_of_a_job_counts_once_however_many_pages_its_results_have() -> None:
    world = PipelineOnFakes()
    stored = submitted(world, count=2)
    times = world.services.batch_steps.poll.job_times
    times.note(replace(page(), created=START - timedelta(seconds=1)))
    pages = [replace(each, created=START - timedelta(seconds=4)) for each in (page("0", more=True), page("1"))]
    look(world, stored, *pages)
    assert times.expected() == timedelta(seconds=1), "the lower of two"
