"""Reconcile as a walk in steps: what it does is what one pass over everything would do, wherever it was left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.batches import open_batches
from shared.documents import reconcile
from shared.documents.messages import WALK
from shared.documents.reconcile import AT_WORK, TOTALS
from shared.documents.ref import is_document_name, record_name
from shared.documents.walk import Totals
from shared.errors import PlaceLostError, StorageUnavailableError
from shared.messages import StepMessage
from shared.storage.ports import Page
from tests.fakes import FakeBlobStore
from tests.faults.world import Crash
from tests.services_on_fakes import PipelineOnFakes

RECORD = f"reconcile/open/{WALK}.json"
LISTED = ("documents", "classifications", "failures")
# Names too long for the suffix wait for one another: they are given out together, after their page.
HELD = 6
NAMES = [
    *(f"letters/{number:02}.txt" for number in range(12)),
    "a.txt",
    "a.txt!.txt",
    "a.txt.b.txt",
    "a.txt.b.txt.txt",
    "a.txt.k.txt",
    "a.txt~.txt",
    "\uff21.txt",
    "\U0001f600.txt",
    *("x" * 980 + f"{number:036}.txt" for number in range(HELD)),
    *(f"pictures/{number}.png" for number in range(7)),
]


@dataclass
class Walks(PipelineOnFakes):
    """A pipeline with documents whose event was lost, listed in small pages."""

    page_size: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in LISTED:
            self.stores[name].page_size = self.page_size

    def fill(self, seed: int = 0, *, names: Sequence[str] = NAMES) -> Counter[str]:
        """Documents with and without records, records without documents; returns what each document is."""
        chance, what = random.Random(seed), Counter[str]()
        self.missing: list[str] = []
        for name in names:
            document = self.upload(name, "text", event=False)
            if not is_document_name(name):
                continue
            kind = chance.choice(["classified", "failed", "missing", "missing"])
            what["documents"] += 1
            what[kind] += 1
            if kind == "missing":
                self.missing.append(name)
                continue
            store = self.stores["classifications" if kind == "classified" else "failures"]
            store.write_unhooked(record_name(name), b"{}", {"etag": document.etag})
        for number in range(10):
            self.stores["classifications"].write_unhooked(f"deleted/{number}.txt.json", b"{}", {"etag": '"1"'})
        self.clock.advance(timedelta(hours=1))
        return what

    def deliver_step(self) -> bool:
        """The walk's next message, as the host delivers it."""
        queue = self.queues["operations"]
        (message,) = queue.receive_unhooked(1, timedelta(minutes=10)) or (None,)
        if message is None:
            return False
        try:
            self.services.reconcile.advance(StepMessage.model_validate_json(message.text or ""))
        except Crash:
            self.start_process()
            return True
        queue.delete_unhooked(message)
        return True

    def walk(self) -> int:
        """One tick of the timer, and every message it leads to; returns how many steps that were."""
        steps = 1
        self.reconcile()
        while self.deliver_step():
            steps += 1
            assert steps < 500, "the walk does not come to its end"
        return steps

    def totals(self) -> Totals:
        return Totals.model_validate_json(self.state.blobs[TOTALS].data)

    def sent(self) -> list[str]:
        return [message.document.name for message in self.queued_documents()]


@pytest.fixture
def one_document_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "STEP_TAKES", timedelta(0))


def figures(totals: Totals) -> dict[str, int]:
    return {name: getattr(totals, name) for name in ("documents", "classified", "failed", "missing")}


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 5_000])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("one_document_a_step")
def test_a_walk_in_steps_counts_and_sends_what_one_pass_would(seed: int, page_size: int) -> None:
    world = Walks(page_size=page_size)
    what = world.fill(seed)
    steps = world.walk()
    assert steps >= what["documents"]
    assert figures(world.totals()) == {name: what[name] for name in ("documents", "classified", "failed", "missing")}
    assert sorted(world.sent()) == sorted(world.missing)
    assert world.totals().sent == len(world.missing)
    assert RECORD not in world.state.blobs


def test_what_one_step_can_do_leaves_no_message() -> None:
    world = Walks()
    world.fill()
    assert world.walk() == 1


@pytest.mark.usefixtures("one_document_a_step")
def test_the_place_is_small_and_so_is_a_step() -> None:
    """Whatever the number of blobs: a page of each listing is read again, and one further page at most."""
    world = Walks()
    world.fill()
    world.reconcile()
    while RECORD in world.state.blobs:
        # The most of it are six names of 1,000 characters that are held back together, and fifty lines of history.
        assert len(world.state.blobs[RECORD].data) < 16_000
        world.trace.clear()
        assert world.deliver_step()
        assert len([call for call in world.trace if call.endswith(".list")]) <= 8


@pytest.mark.usefixtures("one_document_a_step")
def test_records_of_deleted_documents_do_not_make_a_step_long() -> None:
    world = Walks()
    for number in range(300):
        world.stores["classifications"].write_unhooked(f"{number:03}.txt.json", b"{}", {"etag": '"1"'})
    world.upload("z.txt", "text", event=False)
    world.clock.advance(timedelta(hours=1))
    world.reconcile()
    longest = 0
    while RECORD in world.state.blobs:
        world.trace.clear()
        assert world.deliver_step()
        longest = max(longest, sum(call.endswith(".list") for call in world.trace))
    assert longest <= 5
    assert world.sent() == ["z.txt"]


# crashes


def test_a_crash_anywhere_repeats_one_page_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "STEP_TAKES", timedelta(milliseconds=60))
    undisturbed = Walks()
    undisturbed.fill(names=NAMES[9:17])
    assert undisturbed.walk() > 2
    # A crash after a call is one before the next.
    points = [(number, "before") for number in range(2, undisturbed.calls + 1)] + [(undisturbed.calls, "after")]
    reached = repeated = 0
    for point in points:
        world = Walks(crash_at=point)
        world.fill(names=NAMES[9:17])
        world.walk()
        reached += world.crashes
        world.clock.advance(timedelta(minutes=15))
        world.walk()  # the message comes back, or the timer goes on
        found = Counter(world.sent())
        assert sorted(found) == sorted(world.missing), point
        assert found.total() - len(found) <= world.page_size + HELD, point
        repeated += found.total() > len(found)
        assert RECORD not in world.state.blobs, point
    assert reached == len(points)
    assert 0 < repeated < len(points) / 2


def test_a_crash_while_many_are_sent_repeats_no_more_than_are_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "SENT_AT_ONCE", 10)
    world = Walks(page_size=5_000)
    for number in range(95):
        world.upload(f"{number:02}.txt", "text", event=False)
    world.clock.advance(timedelta(hours=1))
    world.disturb = dies_at(world, "documents-queue.send", 57)
    world.reconcile()
    world.disturb = None
    world.clock.advance(AT_WORK)
    world.walk()
    found = Counter(world.sent())
    assert len(found) == 95
    assert 0 < found.total() - 95 <= 10


def dies_at(world: Walks, call: str, number: int):  # type: ignore[no-untyped-def]
    def die(name: str) -> None:
        if name == call and world.trace.count(call) == number:
            raise Crash

    return die


# two at once


@pytest.mark.usefixtures("one_document_a_step")
def test_the_timer_leaves_a_walk_alone_that_a_message_goes_on_with() -> None:
    world = Walks()
    world.fill()
    world.reconcile()
    before = world.state.blobs[RECORD].data
    world.reconcile()
    assert world.state.blobs[RECORD].data == before


@pytest.mark.usefixtures("one_document_a_step")
def test_the_timer_goes_on_with_a_walk_whose_message_was_lost() -> None:
    world = Walks()
    what = world.fill()
    world.reconcile()
    world.queues["operations"].clear()
    world.clock.advance(AT_WORK)
    world.walk()
    assert world.totals().documents == what["documents"]
    assert sorted(world.sent()) == sorted(world.missing)


def test_of_two_steps_at_once_one_ends_and_a_page_at_most_is_sent_twice() -> None:
    calls = Walks()
    calls.fill(names=NAMES[9:17])
    calls.walk()
    for number in range(1, calls.calls):
        world = Walks()
        what = world.fill(names=NAMES[9:17])

        def meanwhile(_: str, world: Walks = world, number: int = number) -> None:
            if len(world.trace) == number and RECORD in world.state.blobs:
                world.disturb = None
                world.services.reconcile.advance(StepMessage(id=WALK))

        world.disturb = meanwhile
        world.walk()
        found = Counter(world.sent())
        assert sorted(found) == sorted(world.missing), number
        assert found.total() - len(found) <= world.page_size + HELD, number
        assert figures(world.totals())["documents"] == what["documents"], number
        assert RECORD not in world.state.blobs, number


# what can go wrong on the way


@pytest.mark.usefixtures("one_document_a_step")
def test_a_walk_whose_place_storage_does_not_take_begins_again(caplog: pytest.LogCaptureFixture) -> None:
    world = Walks()
    what = world.fill()
    world.reconcile()
    for _ in range(20):
        world.deliver_step()
    store = world.stores["documents"]
    refused: list[str] = []
    list_page = store.list_page

    def refuse(prefix: str = "", *, token: str | None = None, **options: object) -> Page:
        if token is not None and not refused:
            refused.append(token)
            raise PlaceLostError("no such place")
        return list_page(prefix, token=token, **options)  # type: ignore[arg-type]

    store.list_page = refuse  # type: ignore[method-assign]
    while world.deliver_step():
        pass
    assert refused
    assert "walk_begins_again" in caplog.text
    assert world.totals().documents == what["documents"], "what was counted before is not counted twice"
    assert len(world.sent()) == len(set(world.sent())), "and what waits is not sent again"


@pytest.mark.usefixtures("one_document_a_step")
def test_a_walk_that_cannot_be_read_is_replaced() -> None:
    world = Walks()
    what = world.fill()
    world.state.write_unhooked(RECORD, b"cut")
    world.walk()
    assert world.totals().documents == what["documents"]


@pytest.mark.parametrize("container", LISTED)
def test_storage_that_refuses_defers_the_walk_and_changes_no_figure(container: str) -> None:
    world = Walks()
    what = world.fill()
    refusals = 0

    def refuse(call: str) -> None:
        nonlocal refusals
        if call == f"{container}.list" and world.trace.count(call) in (2, 4):
            refusals += 1
            raise StorageUnavailableError("503")

    world.disturb = refuse
    for _ in range(4):
        world.walk()
        world.clock.advance(timedelta(minutes=15))
    assert refusals == 2
    assert figures(world.totals()) == {name: what[name] for name in ("documents", "classified", "failed", "missing")}
    assert sorted(world.sent()) == sorted(world.missing)


def test_nothing_is_sent_beside_more_open_batches_than_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_batches, "FEW", 2)
    world = PipelineOnFakes()
    world.service.reads_before_done = 1_000_000
    for number in range(3):
        world.upload(f"open-{number}.txt", "about billing")
        world.deliver_for(20)
    assert world.open_batches() == 3
    world.upload("lost.txt", "text", event=False)
    world.deliver_for(20)
    world.trace.clear()
    totals = world.services.reconcile()
    assert (totals.missing, totals.sent) == (4, 0)
    assert "state.read" not in world.trace[world.trace.index("documents.list") :], "no batch is read"


# what it puts right


def test_a_failure_record_of_a_newer_version_than_was_listed_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    world = PipelineOnFakes()
    older = world.upload("letter.txt", "about billing")
    world.run()
    failures: FakeBlobStore = world.stores["failures"]

    def newer_fails(call: str) -> None:
        """Between the listing of the documents and that of the failures."""
        if call == "failures.list":
            world.disturb = None
            newer = older.model_copy(update={"etag": '"newer"', "last_modified": world.clock() + timedelta(seconds=5)})
            metadata = {"etag": newer.etag, "modified": newer.last_modified.isoformat()}
            failures.write_unhooked("letter.txt.json", b"{}", metadata)

    world.disturb = newer_fails
    world.services.reconcile()
    assert "letter.txt.json" in failures.blobs
