"""The fault matrix, row by row on fakes under a virtual clock; docs/reliability.md lists all rows with their tests.

A seed that fails is in the test's name.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from shared.batches.batch import MAX_ATTEMPTS, Outcome
from shared.documents.messages import DocumentMessage
from shared.documents.record_schema import ClassificationRecord
from shared.documents.texts import document_index
from shared.language.client import MAX_TRIES
from shared.language.values import ModelRef, ProjectKind
from shared.messages import StepMessage
from shared.storage.ports import QueuedMessage
from tests.fake_language import FakeJob
from tests.fakes import START
from tests.faults.disturbed import DisturbedWorld, Wire
from tests.faults.world import HOST_LOCK

NEXT_MODEL = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="model-2", label="second")
SEEDS = range(3)


def assert_books_closed(world: DisturbedWorld) -> None:
    """I1 and I2 by `violations`, I4: no open batch, empty queues, no poison."""
    assert world.violations() == []
    assert world.open_batches() == 0
    assert world.queues_are_empty()
    assert world.poison == []


# 1: duplicate events


@pytest.mark.parametrize("seed", SEEDS)
def test_events_that_come_twice_or_ten_times_give_one_result_each(seed: int) -> None:
    world = DisturbedWorld(seed=seed)
    names = [f"letter-{number:03}.txt" for number in range(500)]
    for name in names:
        document = world.upload(name, f"{name} about billing")
        if world.random.random() < 0.5:
            for _ in range(world.random.choice((1, 9))):
                world.raise_event(document)
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 500


def test_repeats_within_one_batch_are_submitted_once() -> None:
    world = DisturbedWorld()
    for number in range(10):
        document = world.upload(f"letter-{number}.txt", f"letter {number} about billing")
        world.raise_event(document)
    world.run()
    assert_books_closed(world)
    assert world.extra_submissions() == 0


def test_a_repeat_an_hour_after_the_result_is_not_submitted() -> None:
    world = DisturbedWorld()
    documents = [world.upload(f"letter-{number}.txt", f"letter {number} about billing") for number in range(10)]
    world.run()
    world.clock.advance(timedelta(hours=1))
    for document in documents:
        world.raise_event(document)
    world.run()
    assert_books_closed(world)
    assert world.extra_submissions() == 0
    assert world.outcomes().count(Outcome.ALREADY_CLASSIFIED) == 10


# 2: missed events


@pytest.mark.parametrize("seed", SEEDS)
def test_documents_whose_event_was_lost_are_found_within_two_passes(seed: int) -> None:
    world = DisturbedWorld(seed=seed)
    for number in range(500):
        world.upload(f"letter-{number:03}.txt", f"letter {number} about billing", event=world.random.random() >= 0.2)
    world.run()
    assert len(world.violations()) > 50
    world.clock.advance(world.settings.grace)
    for _ in range(2):
        world.reconcile()
        world.run()
    assert_books_closed(world)
    assert world.extra_submissions() == 0


# 3 and 4: overwritten and deleted in flight


def while_it_runs(world: DisturbedWorld, act: Callable[[str], object], names: list[str], share: float) -> None:
    """Let `act` happen to a share of the documents, at random external calls of the run."""
    chosen = world.random.sample(names, int(share * len(names)))
    moments = Counter(world.random.randrange(200, 2_000) for _ in chosen)

    def disturb(_call: str) -> None:
        for _ in range(moments.pop(world.calls, 0)):
            act(chosen.pop())

    world.disturb = disturb


@pytest.mark.parametrize("seed", SEEDS)
def test_no_record_is_stale_when_documents_are_overwritten_at_any_moment(seed: int) -> None:
    world = DisturbedWorld(seed=seed)
    names = world.upload_letters(500)
    while_it_runs(world, lambda name: world.upload(name, f"{name}, now about shipping"), names, 0.3)
    world.run()
    assert_books_closed(world)
    assert world.failure_codes() == []
    assert Outcome.SUPERSEDED in world.outcomes()
    changed = [name for name in names if b"now" in world.stores["documents"]._blobs[name].data]
    assert len(changed) == 150
    for name in changed:
        record = world.classification(name)
        assert record is not None
        assert [each.name for each in record.classes] == ["shipping"]


@pytest.mark.parametrize("seed", SEEDS)
def test_documents_deleted_at_any_moment_leave_the_others_alone(seed: int) -> None:
    world = DisturbedWorld(seed=seed)
    names = world.upload_letters(500)
    while_it_runs(world, world.remove, names, 0.3)
    world.run()
    assert_books_closed(world)
    assert world.failure_codes() == []
    assert Outcome.DELETED in world.outcomes()
    assert len(world.stores["documents"]._blobs) == 350


# 6: the answer to a POST is lost


@pytest.mark.parametrize(
    "fault",
    [httpx.ReadTimeout("no answer"), httpx.ReadError("reset"), httpx.RemoteProtocolError("closed")],
    ids=lambda fault: type(fault).__name__,
)
def test_a_lost_answer_leads_to_exactly_one_resubmission(fault: httpx.TransportError) -> None:
    world = DisturbedWorld()
    lost: list[str] = []

    def lose_first_answer(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and not lost:
            lost.extend(["job-1"])
            world.service._submit(json.loads(request.content))
            raise fault
        return None

    wire = Wire(world, lose_first_answer)
    world.upload_letters(25)
    world.run()
    assert_books_closed(world)
    assert world.extra_submissions() == 25
    assert sum(method == "POST" for _, method, _ in wire.requests) == 2
    assert world.service.jobs["job-1"].reads == 0


# 7: a crash between the job id and the next message


def test_a_crash_between_the_job_id_and_the_next_message_submits_nothing_again() -> None:
    undisturbed = DisturbedWorld()
    undisturbed.upload_letters(25)
    undisturbed.run()
    submitted = undisturbed.trace.index("language.submit")
    sent = undisturbed.trace.index("batches-queue.send", submitted) + 1
    world = DisturbedWorld(crash_at=(sent, "before"))
    world.upload_letters(25)
    world.run()
    assert world.crashes == 1
    assert_books_closed(world)
    assert world.extra_submissions() == 0


# 8: a crash between writing results and finishing


@pytest.mark.parametrize("written", [1, 12, 25])
def test_the_second_pass_after_a_crash_leaves_the_results_byte_for_byte(written: int) -> None:
    undisturbed = DisturbedWorld()
    undisturbed.upload_letters(25)
    undisturbed.run()
    creates = [number for number, name in enumerate(undisturbed.trace, 1) if name == "classifications.create"]
    world = DisturbedWorld(crash_at=(creates[written - 1], "after"))
    world.upload_letters(25)
    after_crash: dict[str, bytes] = {}

    def remember() -> None:
        if world.crashes and not after_crash:
            after_crash.update({name: blob.data for name, blob in world.stores["classifications"]._blobs.items()})

    world.run(between=remember)
    assert_books_closed(world)
    final = {name: blob.data for name, blob in world.stores["classifications"]._blobs.items()}
    assert len(after_crash) == written
    assert {name: final[name] for name in after_crash} == after_crash
    assert len(final) == 25
    assert world.extra_submissions() == 0


# 9: the same batch message twice, both deliveries at once


def world_with_batch_message(*, deliveries: int) -> tuple[DisturbedWorld, QueuedMessage]:
    """25 documents, run until their batch message has had `deliveries` deliveries; and the next message, received."""
    world = DisturbedWorld()
    world.upload_letters(25)
    queue = world.queues["batches"]
    done = 0
    while True:
        waiting = world._next_queue()
        assert waiting is not None
        visible = waiting.next_visible()
        assert visible is not None
        world.clock.now = max(world.clock.now, visible)
        if waiting is queue:
            if done == deliveries:
                return world, queue.receive_unhooked(1, HOST_LOCK)[0]
            done += 1
        world._deliver(waiting)


def advance(world: DisturbedWorld, message: QueuedMessage) -> None:
    world.batch_steps.advance(StepMessage.model_validate_json(message.text or ""))


@pytest.mark.parametrize("deliveries", [0, 1, 2], ids=["planned", "running", "finished"])
def test_four_deliveries_at_once_submit_twice_at_most_and_write_25_results(deliveries: int) -> None:
    world, message = world_with_batch_message(deliveries=deliveries)
    start = world.calls
    advance(world, message)
    calls_of_a_visit = world.calls - start
    for call in range(1, calls_of_a_visit + 1):
        world, message = world_with_batch_message(deliveries=deliveries)
        moment = world.calls + call

        def others(
            _call: str, world: DisturbedWorld = world, message: QueuedMessage = message, moment: int = moment
        ) -> None:
            if world.calls + 1 == moment:
                world.disturb = None
                for _ in range(3):
                    advance(world, message)

        world.disturb = others
        advance(world, message)
        assert world.disturb is None
        world.queues["batches"].delete_unhooked(message)
        world.run()
        assert_books_closed(world)
        assert len(world.classified()) == 25, call
        assert max(world.service.submissions.values()) <= 2, call


# 10 and 11: expired, unknown and stuck jobs


def test_jobs_the_service_forgets_are_submitted_three_times_and_then_failed() -> None:
    world = DisturbedWorld()
    Wire(world, lambda request: httpx.Response(404) if request.method == "GET" else None)
    world.upload_letters(25)
    world.run()
    assert_books_closed(world)
    assert set(world.service.submissions.values()) == {MAX_ATTEMPTS}
    assert world.failure_codes() == ["job_expired"] * 25


def test_a_job_whose_results_have_expired_is_submitted_once_more() -> None:
    world = DisturbedWorld()

    def be_away_for_a_day(request: httpx.Request) -> httpx.Response | None:
        if request.method == "GET" and len(world.service.jobs) == 1:
            world.clock.advance(timedelta(hours=25))
        return None

    Wire(world, be_away_for_a_day)
    world.upload_letters(25)
    world.run(until_hours=80)
    assert_books_closed(world)
    assert len(world.classified()) == 25
    assert world.extra_submissions() == 25


def test_a_stuck_job_costs_at_most_320_reads_a_day_and_ends_in_failure_records() -> None:
    world = DisturbedWorld()
    world.service.reads_before_done = 1_000_000
    wire = Wire(world)
    world.upload_letters(25)
    world.run(until_hours=80)
    assert_books_closed(world)
    assert world.failure_codes() == ["job_expired"] * 25
    reads = Counter(job_id for _, job_id in wire.gets())
    assert len(reads) == MAX_ATTEMPTS
    assert max(reads.values()) <= 320
    last = {job_id: at for at, job_id in wire.gets()}
    for job_id, job in world.service.jobs.items():
        assert last[job_id] <= job.created + timedelta(hours=24, minutes=10)


# 12: 429


def seconds_header(seconds: int) -> Callable[[], tuple[dict[str, str], float]]:
    return lambda: ({"Retry-After": str(seconds)}, float(seconds))


def date_header() -> tuple[dict[str, str], float]:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=120)
    return {"Retry-After": format_datetime(moment, usegmt=True)}, (moment - datetime.now(UTC)).total_seconds()


RETRY_AFTER = {
    "30 seconds": seconds_header(30),
    "an HTTP date": date_header,
    "0": seconds_header(0),
    "absent": lambda: ({}, 0.0),
    "3600 seconds": seconds_header(3600),
}


@pytest.mark.parametrize("form", RETRY_AFTER)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_throttled_call_is_never_repeated_earlier_than_told(method: str, form: str) -> None:
    world = DisturbedWorld()
    told: list[tuple[datetime, float]] = []

    def throttle(request: httpx.Request) -> httpx.Response | None:
        if request.method != method or len(told) == 100:
            return None
        headers, seconds = RETRY_AFTER[form]()
        told.append((world.clock(), seconds))
        return httpx.Response(429, headers=headers)

    wire = Wire(world, throttle)
    world.upload("letter.txt", "a letter about billing")
    world.run(until_hours=24 * 7)
    assert_books_closed(world)
    assert world.failure_codes() == []
    assert world.max_dequeue == 1
    times = [at for at, verb, _ in wire.requests if verb == method]
    slowest = world.settings.pipeline_slow_poll_seconds
    for (at, seconds), following in zip(told, times[1:], strict=False):
        gap = (following - at).total_seconds()
        # The date's clock is the real one and has gone on a little.
        assert gap >= seconds - 0.5 * (form == "an HTTP date")
        assert gap <= max(seconds, slowest) * 1.2 + 2


# 13: 30 % of calls fail


def faults_of_the_network(world: DisturbedWorld) -> list[Callable[[httpx.Request], httpx.Response]]:
    def status(code: int, **answer: Any) -> Callable[[httpx.Request], httpx.Response]:
        return lambda _: httpx.Response(code, **answer)

    def broken(error: Exception, *, served: bool) -> Callable[[httpx.Request], httpx.Response]:
        def fail(request: httpx.Request) -> httpx.Response:
            if served and request.method == "POST":
                world.service._submit(json.loads(request.content))
            raise error

        return fail

    return [
        status(500, json={"error": {"code": "InternalServerError", "message": "try again"}}),
        status(502, html="<html>Bad Middleware</html>"),
        status(503, headers={"Retry-After": "5"}),
        status(504),
        broken(httpx.ConnectError("no address for the name"), served=False),
        broken(httpx.ConnectTimeout("no route"), served=False),
        broken(httpx.ReadError("reset"), served=False),
        broken(httpx.ReadTimeout("slow body"), served=True),
        broken(httpx.RemoteProtocolError("the body ended early"), served=True),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_500_documents_finish_although_a_third_of_the_calls_fail(seed: int) -> None:
    world = DisturbedWorld(seed=seed)
    faults = faults_of_the_network(world)
    chance = random.Random(seed)
    tries: Counter[tuple[int, str, str]] = Counter()

    def fail(request: httpx.Request) -> httpx.Response | None:
        tries[world.deliveries, request.method, str(request.url)] += 1
        return chance.choice(faults)(request) if chance.random() < 0.3 else None

    Wire(world, fail)
    world.upload_letters(500)
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 500
    assert world.max_dequeue == 1
    assert max(tries.values()) <= MAX_TRIES


# 15: partial failures

Edit = Callable[[FakeJob, dict[str, Any]], None]


def results_of(job: FakeJob, body: dict[str, Any]) -> dict[str, Any]:
    tasks = body["tasks"]
    found: dict[str, Any] = (tasks["items"] if "items" in tasks else tasks[job.task])[0]["results"]
    return found


def put_into_errors(job: FakeJob, body: dict[str, Any]) -> None:
    results = results_of(job, body)
    kept = [each for each in results["documents"] if document_index(each["id"]) != 7]
    if len(kept) < len(results["documents"]):
        (refused,) = {each["id"] for each in results["documents"]} - {each["id"] for each in kept}
        results["documents"] = kept
        results["errors"] = [{"id": refused, "error": {"code": "InvalidDocument", "message": "odd"}}]


def partially_completed(job: FakeJob, body: dict[str, Any]) -> None:
    put_into_errors(job, body)
    body["status"] = "partiallyCompleted"


def leave_out(job: FakeJob, body: dict[str, Any]) -> None:
    results = results_of(job, body)
    results["documents"] = [
        each for each in results["documents"] if "letter 7 " not in job.documents[document_index(each["id"])]["text"]
    ]


def leave_out_once(job: FakeJob, body: dict[str, Any]) -> None:
    if len(job.documents) == 25:
        leave_out(job, body)


def add_unknown(job: FakeJob, body: dict[str, Any]) -> None:
    results_of(job, body)["documents"].append({"id": "999", "classes": [], "class": [], "warnings": []})


def repeat_one(job: FakeJob, body: dict[str, Any]) -> None:
    documents = results_of(job, body)["documents"]
    another = [{"category": "another", "confidenceScore": 1.0}]
    documents.append({**documents[0], "classes": another, "class": another})


def repeat_one_once(job: FakeJob, body: dict[str, Any]) -> None:
    if len(job.documents) == 25:
        repeat_one(job, body)


def repeat_one_as_it_was(job: FakeJob, body: dict[str, Any]) -> None:
    documents = results_of(job, body)["documents"]
    documents.append(documents[0])


def spoil(member: str, value: Any) -> Edit:
    """Letter 7's result, with that in it."""

    def edit(job: FakeJob, body: dict[str, Any]) -> None:
        for each in results_of(job, body)["documents"]:
            if "letter 7 " in job.documents[document_index(each["id"])]["text"]:
                each.update({member: value})

    return edit


def name_a_class(name: str) -> Edit:
    """Letter 7's class is called so, in either API's member."""
    classes = [{"category": name, "confidenceScore": 0.5}]

    def edit(job: FakeJob, body: dict[str, Any]) -> None:
        member = "class" if "items" in body["tasks"] else "classes"
        spoil(member, classes)(job, body)

    return edit


def ids_of_another_batch(job: FakeJob, body: dict[str, Any]) -> None:
    for each in results_of(job, body)["documents"]:
        each["id"] = "ffffffff." + each["id"].partition(".")[2]


def error_with_half_a_character(job: FakeJob, body: dict[str, Any]) -> None:
    fail_task(job, body)
    body["errors"] = [{"code": "InternalServerError", "message": "\ud800"}]


def fail_task(job: FakeJob, body: dict[str, Any]) -> None:
    body["status"] = "failed"
    body["errors"] = [{"code": "InternalServerError", "message": "the task failed"}]
    if "items" in body["tasks"]:
        del body["tasks"]["items"][0]["results"]
    else:
        del body["tasks"][job.task]
    for link in ("@nextLink", "nextLink"):
        body.pop(link, None)


def unchanged(job: FakeJob, body: dict[str, Any]) -> None:
    return None


PARTIAL: dict[str, tuple[Edit, int, list[str], int]] = {
    # edit, classified, failure codes, extra submissions
    "a document in errors": (put_into_errors, 24, ["document_error"], 0),
    "partially completed": (partially_completed, 24, ["document_error"], 0),
    "a document missing once": (leave_out_once, 25, [], 1),
    "a document always missing": (leave_out, 24, ["no_result"], 2),
    "an unknown id": (add_unknown, 25, [], 0),
    "a repeated id": (repeat_one_as_it_was, 25, [], 0),
    # The first of each page; in the second answer one of the two is the first again.
    "a contradicted result": (repeat_one_once, 25, [], 2),
    "a result that is always contradicted": (repeat_one, 24, ["malformed_answer"], 3),
    "a class name of 51 characters": (name_a_class("x" * 51), 24, ["malformed_answer"], 2),
    "a class name with half a character": (name_a_class("\ud800"), 24, ["malformed_answer"], 2),
    "a class name of two lines": (name_a_class("a\nb"), 24, ["malformed_answer"], 2),
    "half a character in a warning": (
        spoil("warnings", [{"code": "A", "message": "\ud800"}]),
        24,
        ["malformed_answer"],
        2,
    ),
    "half a character in the job's error": (error_with_half_a_character, 0, ["malformed_answer"] * 25, 50),
    "the results of another batch": (ids_of_another_batch, 0, ["malformed_answer"] * 25, 50),
    "the task failed": (fail_task, 0, ["job_failed"] * 25, 50),
    "two pages": (unchanged, 25, [], 0),
}


@pytest.mark.parametrize("case", PARTIAL)
def test_every_document_of_a_partial_answer_gets_its_own_end(case: str) -> None:
    edit, classified, codes, extra = PARTIAL[case]
    world = DisturbedWorld()

    def edited(request: httpx.Request) -> httpx.Response | None:
        job = world.service.jobs.get(request.url.path.rsplit("/", 1)[-1])
        if request.method == "POST" or job is None:
            return None
        body = world.service._get(request).json()
        if body["status"] in ("completed", "succeeded"):
            edit(job, body)
        return httpx.Response(200, content=json.dumps(body))

    # A service may give smaller pages than it is asked for.
    world.service.longest_page = 20
    wire = Wire(world, edited)
    world.upload_letters(25)
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == classified
    assert world.failure_codes() == codes
    assert world.extra_submissions() == extra
    if case == "two pages":
        assert any("skip=20" in query for query in wire.queries)
    if case == "a contradicted result":
        first = world.classification("letter-0000.txt")
        assert first is not None
        assert [each.name for each in first.classes] == ["billing"]


# 16: what one document's content does to the others

CONTENTS: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", "empty"),
    "blanks": (b" \r\n\t ", "empty"),
    "UTF-8 with mark": (b"\xef\xbb\xbfbilling", None),
    "UTF-16 with mark": ("billing \u20ac".encode("utf-16"), None),
    "Latin-1": ("billing f\xfcr Gr\xf6\xdfe und Menge".encode("latin-1"), None),
    "binary": (bytes(range(256)) * 4, "binary"),
    "a broken mark": (b"\xff\xfeb\x00i\x00l", "unreadable"),
    "125,000 characters": (b"billing " * 15_625, None),
    "125,001 characters": (b"billing " * 15_625 + b"!", None),
    "joined emoji": ("billing \U0001f469\u200d\U0001f469\u200d\U0001f467".encode() * 1_000, None),
    "over the size limit": (b"billing " * 500_001, "too_large"),
}


def test_each_odd_content_has_its_own_end_and_harms_no_other() -> None:
    world = DisturbedWorld()
    for name, (content, _) in CONTENTS.items():
        world.upload(f"{name}.txt", content)
    letters = world.upload_letters(20)
    world.run()
    # An empty blob may be filled yet; when it is not, reconcile ends it.
    world.clock.advance(world.settings.grace)
    world.reconcile()
    assert_books_closed(world)
    codes = {name: failure.code.value if (failure := world.failure(f"{name}.txt")) else None for name in CONTENTS}
    assert codes == {name: code for name, (_, code) in CONTENTS.items()}
    assert all(world.classification(name) for name in letters)


def test_a_blob_over_the_size_limit_is_never_read() -> None:
    world = DisturbedWorld()
    world.upload("huge.txt", b"x" * 4_000_001)
    world.run()
    assert world.failure_codes() == ["too_large"]
    assert "documents.read" not in world.trace


def test_a_batch_the_service_refuses_is_halved_until_the_bad_document_is_alone() -> None:
    world = DisturbedWorld()

    def refuse_the_bad(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and b"letter 7 " in request.content:
            return httpx.Response(400, json={"error": {"code": "InvalidRequest", "message": "a document is odd"}})
        return None

    wire = Wire(world, refuse_the_bad)
    world.upload_letters(25)
    world.run()
    assert_books_closed(world)
    assert world.failure_codes() == ["refused"]
    assert len(world.classified()) == 24
    # Five halvings: the refused batches of 25, 12, 6, 3 and 1, each one's other half, and two probes.
    assert sum(method == "POST" for _, method, _ in wire.requests) <= 13


# 19: poison and forged messages


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


NOISE = {
    "not base64": "{plain}",
    "not UTF-8": "/w==",
    "not JSON": encoded("hello"),
    "another version": encoded('{"schema":2,"container":"documents"}'),
    "64 KiB of noise": base64.b64encode(random.Random(1).randbytes(49_152)).decode(),
}


def forged_document(**changes: Any) -> str:
    document = {"name": "x.txt", "etag": '"0x1"', "last_modified": START.isoformat(), "size": 5} | changes
    return encoded(json.dumps({"schema": 1, "container": document.pop("container", "documents"), "document": document}))


DOCUMENT_NOISE = NOISE | {
    "another container": forged_document(container="secrets"),
    "not a .txt": forged_document(name="models/active.json"),
    "an unknown member": forged_document(url="https://elsewhere.example/x.txt"),
    "no ETag": forged_document(etag=""),
    "an ETag that no header can hold": forged_document(etag='"\u20ac"'),
    "an ETag with a header of its own": forged_document(etag='"a"\r\nX: 1'),
    "a version of the future": forged_document(last_modified=(START + timedelta(days=3)).isoformat()),
}


def test_each_noise_in_the_documents_queue_becomes_a_dead_letter_once_and_the_documents_go_on() -> None:
    world = DisturbedWorld()
    for body in DOCUMENT_NOISE.values():
        world.queues["documents"].send_raw(body)
    world.upload_letters(500)
    world.run()
    assert_books_closed(world)
    assert world.max_dequeue == 1
    assert len(world.dead_letters()) == len(DOCUMENT_NOISE)
    kept = [json.loads(world.stores["state"]._blobs[name].data) for name in world.dead_letters()]
    assert sorted(each["body"] for each in kept) == sorted(DOCUMENT_NOISE.values())
    assert {each["reason"] for each in kept} == {"not a document message"}


def test_a_forged_name_that_climbs_out_of_the_container_ends_as_deleted() -> None:
    world = DisturbedWorld()
    world.queues["documents"].send_raw(forged_document(name="../secrets/x.txt"))
    world.upload("letter.txt", "a letter about billing")
    world.run()
    assert_books_closed(world)
    assert Outcome.DELETED in world.outcomes()


@pytest.mark.parametrize(
    "body",
    [*NOISE.values(), encoded('{"id":"../../x","visit":0}'), encoded('{"id":"https://elsewhere.example","visit":0}')],
    ids=[*NOISE, "a path for an id", "an address for an id"],
)
def test_noise_in_the_batches_queue_becomes_a_dead_letter_and_the_documents_go_on(body: str) -> None:
    world = DisturbedWorld(poison_is_a_bug=False)
    world.queues["batches"].send_raw(body)
    world.upload_letters(50)
    world.run()
    assert world.violations() == []
    assert world.open_batches() == 0
    assert len(world.poison) == len(world.dead_letters()) == 1


def test_a_job_message_that_names_no_open_job_does_nothing() -> None:
    world = DisturbedWorld()
    world.queues["batches"].send(StepMessage(id="0" * 32))
    world.run()
    assert_books_closed(world)
    assert world.trace[1:] == ["state.read"]


def test_noise_in_the_collect_queue_becomes_a_dead_letter_and_wakes_the_collector() -> None:
    world = DisturbedWorld(poison_is_a_bug=False)
    document = world.upload("letter.txt", "a letter about billing", event=False)
    world.queues["documents"].send(DocumentMessage(container="documents", document=document))
    world.queues["collect"].send_raw("{plain}")
    world.run()
    assert world.violations() == []
    assert len(world.dead_letters()) == 1


# 20: redrive


def test_given_up_documents_succeed_when_sent_again_and_a_second_time_adds_nothing() -> None:
    world = DisturbedWorld()
    # The probe is accepted, so the refusal is the documents'.
    wire = Wire(world, lambda request: httpx.Response(400) if b"letter " in request.content else None)
    names = world.upload_letters(30)
    world.run()
    assert world.failure_codes() == ["refused"] * 30
    wire.answer = lambda _: None
    for _ in range(2):
        for name in names:
            assert world.services.inbox.classify_again(name) is not None
        world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 30
    assert world.failure_codes() == []


# 22: clocks that disagree


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_worker_whose_clock_is_ten_minutes_off_submits_nothing_more(minutes: int) -> None:
    world = DisturbedWorld()
    world.app_clock = lambda: world.clock() + timedelta(minutes=minutes)
    world.start_process()
    world.upload_letters(100)
    world.run()
    assert_books_closed(world)
    assert world.extra_submissions() == 0
    assert len(world.service.jobs) == 4


def test_a_clock_that_steps_back_an_hour_in_the_middle_submits_nothing_more() -> None:
    world = DisturbedWorld()
    skew = timedelta(0)
    world.app_clock = lambda: world.clock() + skew
    world.start_process()

    def step_back(call: str) -> None:
        nonlocal skew
        if call == "language.submit":
            skew = timedelta(hours=-1)

    world.disturb = step_back
    world.upload_letters(100)
    world.run()
    world.sweep()
    world.run()
    assert_books_closed(world)
    assert world.extra_submissions() == 0


# 23: the model changes or goes away


@pytest.mark.parametrize("seed", SEEDS)
def test_every_result_names_the_one_model_that_made_it_although_the_model_changes(seed: int) -> None:
    world = DisturbedWorld(seed=seed)
    world.service.models.add("model-2")
    world.upload_letters(500)
    switch = world.random.randrange(5, 15)

    def publish(_: str) -> None:
        if len(world.service.jobs) >= switch:
            world.model.model = NEXT_MODEL

    world.disturb = publish
    world.run()
    assert_books_closed(world)
    used = set()
    for name in world.stores["documents"]._blobs:
        record = world.classification(name)
        assert record is not None
        models = {world.service.jobs[job].model_id for job in record.batch.jobs}
        assert models == {record.model.reference}
        used |= models
    assert used == {"model-1", "model-2"}


UNKNOWN_MODEL = {
    "404": httpx.Response(404, json={"error": {"code": "NotFound", "message": "no such model"}}),
    "400 that points at the task": httpx.Response(
        400,
        json={
            "error": {
                "code": "InvalidRequest",
                "message": "no such model",
                "target": "#/tasks/customMultiClassificationTasks/0",
                "innererror": {"code": "InvalidParameterValue", "message": "no such model"},
            }
        },
    ),
}


@pytest.mark.parametrize("refusal", UNKNOWN_MODEL)
def test_jobs_planned_with_a_deleted_model_wait_and_use_the_next_one(refusal: str) -> None:
    world = DisturbedWorld()
    world.service.models.clear()
    Wire(world, lambda _: None if world.service.models else UNKNOWN_MODEL[refusal])
    world.upload_letters(50)

    def publish_after_an_hour() -> None:
        if world.clock() >= START + timedelta(hours=1):
            world.service.models.add("model-2")
            world.model.model = NEXT_MODEL

    world.run(between=publish_after_an_hour)
    assert_books_closed(world)
    assert len(world.classified()) == 50
    assert world.max_dequeue == 1


def test_a_document_whose_model_goes_between_its_parts_is_classified_by_one_model() -> None:
    world = DisturbedWorld()

    def delete_after_first_part(request: httpx.Request) -> httpx.Response | None:
        if world.service.jobs and "model-1" in world.service.models:
            world.service.models = {"model-2"}
            world.model.model = NEXT_MODEL
        return None

    Wire(world, delete_after_first_part)
    world.upload("long.txt", "shipping and billing. " * 15_000)
    world.run()
    assert_books_closed(world)
    record = world.classification("long.txt")
    assert record is not None
    assert {world.service.jobs[job].model_id for job in record.batch.jobs} == {"model-2"}


def test_a_document_deleted_between_its_parts_ends_its_job() -> None:
    world = DisturbedWorld()

    def throttle_second_part(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and world.service.jobs and "long.txt" in world.stores["documents"]._blobs:
            world.remove("long.txt")
            return httpx.Response(429, headers={"Retry-After": "5"})
        return None

    Wire(world, throttle_second_part)
    world.upload("long.txt", "shipping and billing. " * 15_000)
    world.run()
    assert_books_closed(world)
    assert world.outcomes() == [Outcome.DELETED]


# 24: the key is refused for half an hour


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_costs_one_call_a_minute_and_no_document(status: int) -> None:
    world = DisturbedWorld()
    mended = START + timedelta(minutes=30)
    wire = Wire(world, lambda _: httpx.Response(status) if world.clock() < mended else None)
    world.upload_letters(500)
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 500
    assert world.extra_submissions() == 0
    assert world.max_dequeue == 1
    refused = [at for at, _, _ in wire.requests if at < mended]
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in itertools.pairwise(refused))
    first_after = next(at for at, _, _ in wire.requests if at >= mended)
    assert first_after <= mended + timedelta(minutes=2)
    last_submission = max(job.created for job in world.service.jobs.values())
    assert last_submission <= mended + timedelta(minutes=4)


# 27: a burst, and a service that is down


def test_a_burst_of_2000_fills_its_jobs() -> None:
    world = DisturbedWorld()
    world.upload_letters(2_000)
    world.run()
    assert_books_closed(world)
    fill = 2_000 / len(world.service.jobs)
    assert fill >= 24
    assert world.extra_submissions() == 0


def test_work_goes_on_by_itself_after_two_hours_without_the_service() -> None:
    world = DisturbedWorld()
    back = START + timedelta(hours=2)
    Wire(world, lambda _: httpx.Response(503) if world.clock() < back else None)
    world.upload_letters(500)
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 500
    assert world.max_dequeue == 1
    assert world.clock() <= back + timedelta(minutes=15)


def test_messages_wait_for_a_host_that_is_down_for_eight_days() -> None:
    world = DisturbedWorld()
    world.upload_letters(50)
    for _ in range(60):
        world.deliver_next_of("events", "collect")
    world.clock.advance(timedelta(days=8))
    world.start_process()
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 50
    assert world.extra_submissions() == 0


# 14: an answer that is somebody else's


@pytest.mark.parametrize("names_its_job", [True, False], ids=["with its job's id", "without a name"])
def test_answers_of_two_jobs_that_are_swapped_give_no_document_a_wrong_class(names_its_job: bool) -> None:
    world = DisturbedWorld()

    def swapped(request: httpx.Request) -> httpx.Response | None:
        first_two = sorted(world.service.jobs)[:2]
        mine = request.url.path.rsplit("/", 1)[-1]
        # The cache that mixes them up is emptied in the end: later jobs are answered rightly.
        if request.method != "GET" or len(first_two) < 2 or mine not in first_two:
            return None
        other = first_two[1 - first_two.index(mine)]
        answer = world.service._get(httpx.Request("GET", str(request.url).replace(mine, other)))
        left_out = () if names_its_job else ("jobId", "displayName")
        return httpx.Response(200, json={key: value for key, value in answer.json().items() if key not in left_out})

    Wire(world, swapped)
    for number in range(25):
        world.upload(f"a{number:02}.txt", f"letter {number} about billing")
    for number in range(25):
        world.upload(f"b{number:02}.txt", f"letter {number} about shipping")
    world.run()
    assert_books_closed(world)
    found = {name: [each.name for each in (record.classes if record else [])] for name, record in _records(world)}
    assert found == {name: ["billing" if name.startswith("a") else "shipping"] for name in found}
    assert len(found) == 50


def _records(world: DisturbedWorld) -> list[tuple[str, ClassificationRecord | None]]:
    names = [name.removesuffix(".json") for name in world.classified()]
    return [(name, world.classification(name)) for name in names]
