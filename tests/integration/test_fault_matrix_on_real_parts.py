"""The rows of the fault matrix that have no host in them, on real Azurite and the emulator over HTTP.

docs/reliability.md lists all rows with their tests. The same rows run on fakes, with more seeds and more documents, in
tests/faults.
"""

from __future__ import annotations

import base64
import functools
import io
import itertools
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from azure.core.exceptions import ServiceResponseError
from azure.core.rest import HttpRequest, HttpResponse

from azurite_process.azurite import Azurite
from shared.batches.batch import MAX_ATTEMPTS
from shared.messages import StepMessage
from shared.services import adapters, assemble
from shared.storage.transport import PooledTransport, StorageResponse
from tests.e2e.disturbances import Crash
from tests.integration.real_parts import BILLING, DELIVERY, RealParts, Service, real_parts, running_service

Effect = Callable[[], Any]


# What differs from one API version to the other is the form of the answers; the other rows need one of them.
EACH_API = pytest.mark.parametrize("service", ["2021-preview", "2023-04-01"], indirect=True)


@pytest.fixture(scope="module")
def start_service(azurite: Azurite) -> Iterator[Callable[[str], Service]]:
    """One emulator for each API version, started when it is first asked for."""
    with ExitStack() as running:
        yield functools.cache(lambda api_version: running.enter_context(running_service(azurite, api_version)))


@pytest.fixture
def service(request: pytest.FixtureRequest, start_service: Callable[[str], Service]) -> Service:
    return start_service(getattr(request, "param", "2023-04-01"))


@pytest.fixture
def parts(azurite: Azurite, service: Service) -> Iterator[RealParts]:
    with real_parts(azurite, service) as world:
        yield world


# 2: missed events


def test_documents_whose_event_was_lost_are_found_and_classified_once(parts: RealParts) -> None:
    for number in range(30):
        parts.upload(f"letter-{number}.txt", f"letter {number}: {BILLING}", event=number % 5 != 0)
    parts.run()
    assert len(parts.violations()) == 6
    parts.moment.advance(seconds=parts.settings.grace.total_seconds() + 60)
    for _ in range(2):
        parts.services.reconcile()
        parts.run()
    parts.assert_books_closed()
    assert parts.service.requests("submit_analysis") == {"202": 2}


# 3 and 4: overwritten, deleted, and uploaded again while a batch is under way


def test_documents_changed_deleted_and_reborn_under_way_end_with_the_record_of_what_is_there(parts: RealParts) -> None:
    names = parts.upload_letters(20)
    acts: list[Effect] = []
    for name in names[:5]:
        acts.append(lambda name=name: parts.upload(name, DELIVERY))  # type: ignore[misc]
    for name in names[5:10]:
        acts.append(lambda name=name: parts.documents.delete_blob(name))  # type: ignore[misc]
    for name in names[5:7]:
        acts.append(lambda name=name: parts.upload(name, DELIVERY))  # type: ignore[misc]
    due = {7 + 9 * number: act for number, act in enumerate(acts)}
    calls = itertools.count(1)

    def disturb(_: str, effect: Effect) -> Any:
        act = due.pop(next(calls), None)
        if act:
            act()
        return effect()

    parts.hook = disturb
    parts.run()
    assert due == {}
    parts.assert_books_closed()
    assert parts.failure_codes() == []
    for name in (*names[:5], *names[5:7]):
        record = parts.classification(name)
        assert record is not None
        assert [each.name for each in record.classes] == ["delivery"]


# 5 and 7: a crash before and after every call of the protocol, with neither sweep nor reconcile


class CrashAt:
    """Ends the process at one external call, before its effect or after it; without a number it only counts."""

    def __init__(self, number: int = 0, *, after: bool = False) -> None:
        self.number, self.after = number, after
        self.calls: list[str] = []

    def __call__(self, name: str, effect: Effect) -> Any:
        self.calls.append(name)
        strikes = len(self.calls) == self.number
        if strikes and not self.after:
            raise Crash
        answer = effect()
        if strikes:
            raise Crash
        return answer


@pytest.mark.long
def test_a_crash_at_any_call_loses_no_document_and_submits_at_most_once_more(
    azurite: Azurite, service: Service
) -> None:
    with real_parts(azurite, service) as parts:
        parts.hook = undisturbed = CrashAt()
        parts.upload_letters(2)
        parts.run()
        parts.assert_books_closed()
    assert {"documents-queue.send", "pipeline.create", "batches-queue.send"} <= set(undisturbed.calls)
    assert any(name.startswith("language.POST") for name in undisturbed.calls)
    with real_parts(azurite, service) as parts:
        for number in range(1, len(undisturbed.calls) + 1):
            for after in (False, True):
                service.control("DELETE", "requests")
                parts.hook = crash = CrashAt(number, after=after)
                name = f"letter-{number}-{after}.txt"
                parts.upload(name, f"{name}: {BILLING}")
                parts.upload(f"beside-{name}", f"beside {name}: {DELIVERY}")
                parts.run()
                assert parts.violations() == [], (number, crash.calls[number - 1])
                assert parts.failure_codes() == []
                submitted = service.requests("submit_analysis")["202"]
                # A document hidden by the collector that crashed comes alone, after its neighbour.
                assert submitted <= 2, (number, crash.calls[number - 1], submitted)
        parts.hook = None
        parts.assert_books_closed()


@pytest.mark.long
@pytest.mark.parametrize("rescuer", ["reconcile", "sweep"])
def test_a_crash_at_any_call_of_a_rescue_leaves_it_to_the_next_one(parts: RealParts, rescuer: str) -> None:
    def strand(prefix: str) -> None:
        """Two documents whose events, or whose batch's only message, are gone."""
        for number in range(2):
            parts.upload(f"{prefix}-{number}.txt", f"{prefix} {number}: {BILLING}", event=rescuer == "sweep")
        if rescuer == "sweep":
            parts.collect_everything()
            parts.queues["batches"].delete(parts.queues["batches"].receive(1, visibility=timedelta(0))[0])
        parts.moment.advance(seconds=3600)

    strand("undisturbed")
    parts.hook = undisturbed = CrashAt()
    getattr(parts.services, rescuer)()
    parts.run()
    parts.hook = None
    # What follows the rescue is the protocol itself, which has its own test.
    calls = undisturbed.calls[: undisturbed.calls.index("documents.read")]
    for number, after in itertools.product(range(1, len(calls) + 1), (False, True)):
        strand(f"letter-{number}-{after}")
        parts.hook = CrashAt(number, after=after)
        try:
            getattr(parts.services, rescuer)()
        except Crash:
            parts.start_process()
        parts.run()
        parts.hook = None
        parts.moment.advance(seconds=3600)
        parts.services.sweep()
        parts.run()
        parts.services.reconcile()
        parts.run()
        assert parts.violations() == [], (number, calls[number - 1])
    parts.assert_books_closed()
    assert parts.failure_codes() == []


def test_a_crash_between_the_job_id_and_the_next_message_submits_nothing_again(parts: RealParts) -> None:
    state = {"saved": False}

    def crash(name: str, effect: Effect) -> Any:
        submitted = parts.service.requests("submit_analysis") and name == "batches-queue.send"
        if submitted and not state["saved"]:
            state["saved"] = True
            raise Crash
        return effect()

    parts.upload_letters(25)
    parts.hook = crash
    parts.run()
    assert state["saved"]
    parts.assert_books_closed()
    assert parts.service.requests("submit_analysis") == {"202": 1}


# 6: the answer to a POST is lost


@EACH_API
def test_a_lost_answer_leads_to_exactly_one_resubmission(parts: RealParts) -> None:
    parts.service.inject({"operation": "submit_analysis", "action": {"kind": "drop", "when": "after"}, "count": 1})
    parts.upload_letters(25)
    parts.run()
    parts.assert_books_closed()
    assert parts.count_classified() == 25
    assert len(parts.posts()) == 2
    jobs = parts.service.control("GET", "jobs")["jobs"]
    assert len({job_id for _, job_id in parts.gets()}) == 1, "the orphan is never polled"
    assert len(jobs) >= 2


# 8: a crash between writing results and finishing


@pytest.mark.parametrize("written", [1, 12, 25])
def test_the_second_pass_after_a_crash_leaves_the_results_byte_for_byte(parts: RealParts, written: int) -> None:
    # One after another, so that the crash comes after exactly so many.
    one_by_one = lambda function, items: [function(item) for item in items]  # noqa: E731
    without_threads = replace(parts.base.adapters, fan_out=one_by_one)
    parts.base = assemble(parts.settings, without_threads, close=parts.base.close)
    parts.start_process()
    names = parts.upload_letters(25)
    creates = itertools.count(1)
    after_crash: dict[str, bytes | None] = {}

    def crash(name: str, effect: Effect) -> Any:
        answer = effect()
        if name == "classifications.create" and next(creates) == written:
            after_crash.update({name: parts.read_result(name) for name in names})
            raise Crash
        return answer

    parts.hook = crash
    parts.run()
    parts.assert_books_closed()
    kept = {name: data for name, data in after_crash.items() if data is not None}
    assert len(kept) == written
    assert {name: parts.read_result(name) for name in kept} == kept
    assert parts.service.requests("submit_analysis") == {"202": 1}


# 9: the same batch message twice at once, by real threads


@pytest.mark.parametrize("state", ["planned", "submitted"])
def test_two_processes_at_one_batch_submit_twice_at_most_and_neither_fails(parts: RealParts, state: str) -> None:
    names = parts.upload_letters(25)
    parts.collect_everything()
    if state == "submitted":
        parts.deliver("batches")
        parts.moment.advance(seconds=60)
        parts.queues["batches"].let_due_messages_appear()
    message = parts.queues["batches"].receive(1, visibility=timedelta(0))[0]
    step = StepMessage.model_validate_json(message.text or "")
    together = threading.Barrier(2)
    errors: list[BaseException] = []

    def advance() -> None:
        process = parts.build_process()
        together.wait()
        try:
            process.batch_steps.advance(step)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=advance) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    parts.run()
    parts.assert_books_closed()
    assert all(parts.classification(name) for name in names)
    assert len(parts.posts()) <= 2


# 10 and 11: jobs that are lost, out of date, or never end


@EACH_API
def test_jobs_the_service_forgets_are_submitted_three_times_and_then_failed(parts: RealParts) -> None:
    parts.service.inject({"operation": "get_analysis", "action": {"kind": "lose_job"}})
    parts.upload_letters(25)
    parts.run()
    parts.assert_books_closed()
    assert parts.service.requests("submit_analysis") == {"202": MAX_ATTEMPTS}
    assert parts.failure_codes() == ["job_expired"] * 25


@EACH_API
def test_a_job_whose_results_have_expired_is_submitted_once_more(parts: RealParts) -> None:
    parts.upload_letters(5)
    submitted = itertools.count(1)

    def be_away_for_a_day(name: str, effect: Effect) -> Any:
        answer = effect()
        if name.startswith("language.POST") and next(submitted) == 1:
            parts.moment.advance(seconds=25 * 3600)
        return answer

    parts.hook = be_away_for_a_day
    parts.run()
    parts.assert_books_closed()
    assert parts.count_classified() == 5
    assert parts.service.requests("submit_analysis") == {"202": 2}


@pytest.mark.long
def test_a_stuck_job_costs_at_most_320_reads_a_day_and_ends_as_expired(parts: RealParts) -> None:
    parts.service.control("PUT", "progression", {"analysis": "never"})
    parts.upload_letters(1)
    parts.run(hours=80)
    parts.assert_books_closed()
    assert parts.failure_codes() == ["job_expired"]
    reads = Counter(job_id for _, job_id in parts.gets())
    assert len(reads) == MAX_ATTEMPTS
    assert max(reads.values()) <= 320


# 12: 429


@pytest.mark.parametrize("operation", ["submit_analysis", "get_analysis"])
@pytest.mark.parametrize("seconds", [0, 30, 600])
def test_a_throttled_call_is_not_repeated_earlier_than_asked(parts: RealParts, operation: str, seconds: int) -> None:
    action = {"kind": "status", "status": 429, "retryAfter": str(seconds)}
    parts.service.inject({"operation": operation, "action": action, "count": 10})
    parts.upload_letters(1)
    parts.run()
    parts.assert_books_closed()
    assert parts.count_classified() == 1
    assert parts.max_dequeue == 1
    times = parts.posts() if operation == "submit_analysis" else [at for at, _ in parts.gets()]
    assert len(times) > 10
    for earlier, later in itertools.pairwise(times[:11]):
        assert later - earlier >= timedelta(seconds=seconds)


# 13: 5xx, cuts, HTML


@EACH_API
def test_documents_finish_although_a_third_of_the_calls_fail(parts: RealParts) -> None:
    html = {"kind": "replace", "status": 502, "body": "<html>Bad Gateway</html>", "contentType": "text/html"}
    actions: list[dict[str, Any]] = [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "retryAfter": "5"},
        {"kind": "status", "status": 504},
        {"kind": "drop", "when": "before"},
        {"kind": "drop", "when": "after"},
        html,
    ]
    operations = ("submit_analysis", "get_analysis")
    parts.service.inject(
        *({"operation": each, "action": action, "probability": 0.06} for each in operations for action in actions)
    )
    parts.upload_letters(100)
    parts.run()
    parts.assert_books_closed()
    assert parts.count_classified() == 100
    assert parts.max_dequeue == 1


# 14: malformed answers

NOT_OURS = {"jobId": "somebody-else", "status": "running"}
MALFORMED: dict[str, tuple[str, dict[str, Any]]] = {
    "a 202 without its address": ("submit_analysis", {"kind": "without_header", "header": "operation-location"}),
    "half a JSON document": ("get_analysis", {"kind": "malformed"}),
    "another job's answer": ("get_analysis", {"kind": "replace", "body": NOT_OURS}),
    "a list": ("get_analysis", {"kind": "replace", "body": []}),
    "null": ("get_analysis", {"kind": "replace", "body": None}),
    "no JSON at all": ("get_analysis", {"kind": "replace", "body": "hello"}),
    "a number for the status": ("get_analysis", {"kind": "replace", "body": {"status": 7}}),
    "50 MB": ("get_analysis", {"kind": "replace", "body": "x" * 50_000_000}),
}


@EACH_API
@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_answer_costs_one_more_submission_and_a_lasting_one_ends_by_its_name(
    parts: RealParts, case: str
) -> None:
    operation, action = MALFORMED[case]
    parts.service.inject({"operation": operation, "action": action, "count": 1})
    parts.upload_letters(2)
    parts.run()
    parts.assert_books_closed()
    assert parts.failure_codes() == []
    assert parts.count_classified() == 2
    if case == "50 MB":
        return
    parts.service.inject({"operation": operation, "action": action})
    parts.upload("later.txt", BILLING)
    parts.run()
    parts.assert_books_closed()
    assert parts.failure_codes() == ["malformed_answer"]
    assert parts.max_dequeue == 1


# 15: partial failures

MARKED = "letter 7:"
PARTIAL: dict[str, tuple[dict[str, Any], int | None, int, list[str], int]] = {
    # action, count, classified, failure codes, submissions
    "a document in errors": ({"kind": "document_error", "marker": MARKED}, None, 24, ["document_error"], 1),
    "a document missing once": ({"kind": "omit_documents", "marker": MARKED}, 1, 25, [], 2),
    "a document always missing": ({"kind": "omit_documents", "marker": MARKED}, None, 24, ["no_result"], 3),
    "an unknown id once": ({"kind": "rename_documents", "marker": MARKED}, 1, 25, [], 2),
    "a repeated id": ({"kind": "repeat_documents", "marker": MARKED}, None, 25, [], 1),
    "the task failed once": ({"kind": "fail_task"}, 1, 25, [], 2),
    "two pages": ({"kind": "slow", "seconds": 0}, None, 25, [], 1),
}


@EACH_API
@pytest.mark.parametrize("case", PARTIAL)
def test_every_document_of_a_partial_answer_gets_its_own_end(parts: RealParts, case: str) -> None:
    action, count, classified, codes, submissions = PARTIAL[case]
    parts.service.inject({"operation": "submit_analysis", "action": action, "count": count})
    parts.upload_letters(25)
    parts.run()
    parts.assert_books_closed()
    assert (parts.count_classified(), parts.failure_codes()) == (classified, codes)
    assert parts.service.requests("submit_analysis") == {"202": submissions}
    if case == "two pages":
        # The preview answers 20 at a time; of the dated API all 25 are asked for at once.
        page = "skip=20" if parts.settings.language_api == "2021-preview" else "top=25"
        assert any(page in str(request.url) for _, request in parts.sent)


# 16 and 17: sizes


def test_a_blob_over_the_size_limit_is_never_read(parts: RealParts) -> None:
    parts.upload("huge.txt", b"x" * 4_000_001)
    parts.hook = calls = CrashAt()
    parts.run()
    parts.assert_books_closed()
    assert parts.failure_codes() == ["too_large"]
    assert "documents.read" not in calls.calls


def test_texts_of_four_byte_characters_fill_requests_that_the_service_takes(parts: RealParts) -> None:
    for number in range(30):
        parts.upload(f"emoji-{number:02}.txt", f"{number} {BILLING} " + "\U0001f4e6" * 24_000)
    parts.run()
    parts.assert_books_closed()
    assert parts.count_classified() == 30
    assert set(parts.service.requests("submit_analysis")) == {"202"}
    posts = [request for _, request in parts.sent if request.method == "POST"]
    assert max(len(request.content) for request in posts) <= 1_000_000
    for request in posts:
        texts = json.loads(request.content)["analysisInput"]["documents"]
        assert len(texts) <= 25
        assert sum(len(each["text"]) for each in texts) <= 125_000


# 18: an answer that names another host


@EACH_API
def test_an_address_on_another_host_is_never_called(parts: RealParts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        action = {"kind": "foreign_location", "origin": f"http://127.0.0.1:{listener.getsockname()[1]}"}
        parts.service.inject({"operation": "submit_analysis", "action": action})
        parts.upload_letters(2)
        parts.run()
        parts.assert_books_closed()
        assert parts.failure_codes() == ["malformed_answer"] * 2
        with pytest.raises(BlockingIOError):
            listener.accept()


# 19: messages that are none of ours

NOISE = ["{plain}", "/w==", base64.b64encode(b"hello").decode(), base64.b64encode(b'{"schema":2}').decode()]


@pytest.mark.parametrize("queue", ["documents", "collect", "batches"])
def test_noise_in_a_queue_is_kept_as_dead_letters_and_the_documents_go_on(parts: RealParts, queue: str) -> None:
    client = parts.queues[queue].client
    for body in NOISE:
        client.send_message(body)
    names = parts.upload_letters(30)
    parts.run()
    assert all(parts.classification(name) for name in names)
    assert parts.violations() == []
    assert len(parts.dead_letters()) == len(NOISE)


# 21: storage throttles, cuts, and answers a delete that took effect with a lost receipt


class Throttling(PooledTransport):
    """The network below the storage SDK: one request in ten is refused as busy, or answered by a cut after it took
    effect. The SDK repeats both, so a conditional write can meet its own effect.

    Receiving a message is only refused: cut, it would hide the message by Azurite's clock, not ours. The crash tests
    lose received messages."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.struck: Counter[str] = Counter()

    def send(self, request: HttpRequest, **options: Any) -> HttpResponse:
        if self.random.random() >= 0.1:
            return super().send(request, **options)
        cut = self.random.random() < 0.5 and "visibilitytimeout" not in request.url
        self.struck[f"{request.method} {'cut' if cut else 'busy'}"] += 1
        if cut:
            super().send(request, **options)
            raise ServiceResponseError("the connection was cut after the request took effect")
        refused = urllib3.HTTPResponse(
            body=io.BytesIO(), status=503, headers={"x-ms-error-code": "ServerBusy"}, preload_content=False
        )
        busy = StorageResponse(request, refused)
        busy.read()
        return busy


@pytest.mark.parametrize("seed", range(2))
def test_storage_that_fails_a_tenth_of_its_calls_costs_no_document(
    azurite: Azurite, service: Service, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Throttling(seed)
    at_once = adapters._STORAGE_RETRY | {"initial_backoff": 0, "increment_base": 0, "random_jitter_range": 0}
    # More tries than the app has: what follows when all fail is the subject of tests/faults/test_restrictions.py.
    at_once["retry_total"] = 8
    monkeypatch.setattr(adapters, "_STORAGE_RETRY", at_once)
    monkeypatch.setattr(adapters, "PooledTransport", lambda: network)
    with real_parts(azurite, service, seed=seed) as parts:
        parts.upload_letters(100)
        parts.run()
        assert {f"{method} {how}" for method in ("GET", "PUT", "POST", "DELETE") for how in ("cut", "busy")} <= set(
            network.struck
        )
        parts.assert_books_closed()
        assert parts.failure_codes() == []
        assert parts.count_classified() == 100
        assert parts.max_dequeue <= 2


# 22: clocks that disagree, and one that steps back


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_worker_whose_clock_is_ten_minutes_off_submits_nothing_more(parts: RealParts, minutes: int) -> None:
    parts.skew = timedelta(minutes=minutes)
    parts.upload_letters(50)
    parts.run()
    parts.assert_books_closed()
    assert parts.service.requests("submit_analysis") == {"202": 2}


def test_a_clock_that_steps_back_an_hour_in_the_middle_submits_nothing_more(parts: RealParts) -> None:
    parts.upload_letters(50)

    def step_back(name: str, effect: Effect) -> Any:
        if name.startswith("language.POST"):
            parts.skew = timedelta(hours=-1)
        return effect()

    parts.hook = step_back
    parts.run()
    parts.services.sweep()
    parts.run()
    parts.assert_books_closed()
    assert parts.service.requests("submit_analysis") == {"202": 2}


# 24: the key is refused for half an hour


@pytest.mark.long
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_costs_one_call_a_minute_and_no_document(parts: RealParts, status: int) -> None:
    parts.service.inject({"operation": "*", "action": {"kind": "status", "status": status}})
    mended = parts.now() + timedelta(minutes=30)
    parts.upload_letters(50)

    def mend() -> None:
        if parts.now() >= mended:
            parts.service.mend()

    parts.run(between=mend)
    parts.assert_books_closed()
    assert parts.count_classified() == 50
    assert parts.max_dequeue == 1
    refused = [at for at, _ in parts.sent if at < mended]
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in itertools.pairwise(refused))
    assert next(at for at, _ in parts.sent if at >= mended) <= mended + timedelta(minutes=2)


# 27: a burst, a service that is down, a host that is down


def test_a_burst_fills_its_jobs(parts: RealParts) -> None:
    parts.upload_letters(150)
    parts.run()
    parts.assert_books_closed()
    assert parts.service.requests("submit_analysis") == {"202": 6}


@pytest.mark.long
def test_work_goes_on_by_itself_after_two_hours_without_the_service(parts: RealParts) -> None:
    parts.service.inject({"operation": "*", "action": {"kind": "status", "status": 503}})
    back = parts.now() + timedelta(hours=2)
    parts.upload_letters(50)

    def come_back() -> None:
        if parts.now() >= back:
            parts.service.mend()

    parts.run(between=come_back)
    parts.assert_books_closed()
    assert parts.count_classified() == 50
    assert parts.max_dequeue == 1
    assert parts.now() <= back + timedelta(minutes=15)


def test_messages_wait_for_a_host_that_is_down_for_eight_days(parts: RealParts) -> None:
    parts.upload_letters(30)
    parts.accept_everything()
    parts.moment.advance(seconds=8 * 24 * 3600)
    peeked = parts.queues["documents"].client.peek_messages(max_messages=32)
    assert len(peeked) == 30
    # The service's way to say that a message never expires.
    assert {message.expires_on.year for message in peeked if message.expires_on} == {9999}
    parts.start_process()
    parts.run()
    parts.assert_books_closed()
    assert parts.count_classified() == 30
