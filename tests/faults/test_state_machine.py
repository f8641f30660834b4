"""Any interleaving keeps the invariant: hypothesis chooses what users, the host, the service and bad luck do next.

The crash tests enumerate single crashes of one run; here many things happen to few documents. The examples are the same
in every run (`derandomize`), so a red test is red for everybody; HYPOTHESIS_EXAMPLES asks for more of them.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import TypeAdapter

from shared.documents.records import Records
from shared.documents.ref import DocumentRef
from shared.durable.record import Facts, Record
from shared.durable.retry import RetryPolicy
from shared.durable.steps import Done, Next, NotReady, StepLater, StepNow, StepQueue, advance
from shared.durable.store import RecordStore, Stored
from shared.durable.sweep import revive_stalled
from shared.errors import LanguageUnavailableError
from shared.messages import StepMessage
from tests.fakes import FakeBlobStore, FakeQueue, VirtualClock, serial_fan_out
from tests.faults.disturbed import DisturbedWorld
from tests.faults.test_fault_matrix import NEXT_MODEL
from tests.faults.world import MODEL, Crash

MANY = settings(
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "100")),
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
    # Shrinking may take minutes; add Phase.shrink to see the shortest example.
    phases=[Phase.generate],
)
NAMES = st.sampled_from(["a.txt", "b/c.txt"])
# The last one is no text: its record is a failure.
TOPICS = st.sampled_from(["billing", "shipping", "\0\1\2\3" * 50])


class Documents(RuleBasedStateMachine):
    """The pipeline: two documents, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = DisturbedWorld()
        self.world.disturb = self.interrupt
        self.world.service.models.add("model-2")
        self.interruptions: dict[int, Callable[[], object]] = {}
        self.uploaded: list[DocumentRef] = []
        self.newest: dict[str, int] = {}

    @rule(name=NAMES, topic=TOPICS, event=st.booleans())
    def upload(self, name: str, topic: str, event: bool) -> None:
        """A new document, or a new version of one; its event may get lost."""
        text = f"{name} version {len(self.uploaded)} about {topic}"
        self.uploaded.append(self.world.upload(name, text, event=event))

    @precondition(lambda self: self.uploaded)
    @rule(data=st.data())
    def repeat_an_event(self, data: st.DataObject) -> None:
        """Of any version that ever was, as late as it likes."""
        self.world.raise_event(data.draw(st.sampled_from(self.uploaded)))

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.world.remove(name)

    @rule(count=st.integers(1, 8))
    def deliver(self, count: int) -> None:
        for _ in range(count):
            queue = self.world._next_queue()
            if queue is None:
                return
            self.world.clock.now = max(self.world.clock.now, queue.next_visible() or self.world.clock.now)
            self.world._deliver(queue)

    @rule(data=st.data())
    def deliver_out_of_order(self, data: st.DataObject) -> None:
        """A message that another one has overtaken: delays and locks end whenever they like."""
        queue = data.draw(st.sampled_from([self.world.queues[name] for name in ("collect", "batches")]))
        if queue._messages:
            chosen = data.draw(st.sampled_from(queue._messages))
            queue._messages.remove(chosen)
            queue._messages.insert(0, chosen)
            chosen.visible_at = self.world.clock.now
            self.world._deliver(queue)

    @rule(after=st.integers(1, 30), moment=st.sampled_from(["before", "after"]))
    def crash_soon(self, after: int, moment: str) -> None:
        """At one of the next external calls, whoever makes it."""
        self.world.crash_at = (self.world.calls + after, moment)

    def interrupt(self, _call: str) -> None:
        """In the middle of a step, before the effect of a call."""
        act = self.interruptions.pop(self.world.calls + 1, None)
        if act:
            act()

    @rule(after=st.integers(1, 30), name=NAMES, topic=TOPICS)
    def overwrite_in_the_middle_of_a_step(self, after: int, name: str, topic: str) -> None:
        self.interruptions[self.world.calls + after] = lambda: self.upload(name, topic, True)

    @rule(after=st.integers(1, 30), name=NAMES)
    def delete_in_the_middle_of_a_step(self, after: int, name: str) -> None:
        self.interruptions[self.world.calls + after] = lambda: self.world.remove(name)

    @rule(after=st.integers(1, 30))
    def let_others_work_in_the_middle_of_a_step(self, after: int) -> None:
        """Another process delivers what is visible, while one call of this one takes long."""
        self.world.pause_at = self.world.calls + after

    @rule(data=st.data())
    def duplicate_a_message(self, data: st.DataObject) -> None:
        queue = data.draw(st.sampled_from([self.world.queues[name] for name in ("documents", "collect", "batches")]))
        bodies = [message.body for message in queue._messages]
        if bodies:
            queue.send_raw(data.draw(st.sampled_from(bodies)))

    @rule(hours=st.sampled_from([1, 25]))
    def let_time_pass(self, hours: int) -> None:
        """After 25 hours the service has forgotten its jobs."""
        self.world.clock.advance(timedelta(hours=hours))

    @rule()
    def forget_jobs(self) -> None:
        self.world.service.jobs.clear()

    @rule()
    def publish_another_model(self) -> None:
        self.world.model.model = MODEL if self.world.model.model == NEXT_MODEL else NEXT_MODEL

    @rule()
    def take_the_model_away(self) -> None:
        self.world.model.model = None

    @rule(name=NAMES)
    def ask_again(self, name: str) -> None:
        self.world._in_process(lambda: self.world.services.inbox.classify_again(name))

    @rule()
    def reconcile(self) -> None:
        self.world.reconcile()

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @invariant()
    def no_older_version_replaces_a_newer_one(self) -> None:
        for name in {document.name for document in self.uploaded}:
            versions = [
                int(record.document.etag.strip('"'), 16)
                for record in (self.world.classification(name), self.world.failure(name))
                if record is not None
            ]
            if versions:
                assert max(versions) >= self.newest.get(name, 0), f"{name} went back"
                self.newest[name] = max(versions)

    @invariant()
    def every_record_names_a_version_that_was_uploaded_and_what_it_said(self) -> None:
        said = {document.etag: document for document in self.uploaded}
        for name in {document.name for document in self.uploaded}:
            record = self.world.classification(name)
            if record is not None:
                assert said[record.document.etag].name == name
                assert record.model.reference in {"model-1", "model-2"}

    def teardown(self) -> None:
        """Bad luck ends; what is left to do is done by the host and the two nets."""
        world = self.world
        world.crash_at = world.pause_at = world.disturb = None
        world.model.model = world.model.model or MODEL
        for _ in range(4):
            world.run(until_hours=24 * 14)
            world.clock.advance(timedelta(hours=1))
            world.services.inbox.revive_collector()
            world.sweep()
            world.reconcile()
        world.run(until_hours=24 * 14)
        assert world.violations() == [], world.violations()
        assert world.open_batches() == 0
        assert world.poison == []
        for name, stored in world.stores["documents"]._blobs.items():
            classification, topic = world.classification(name), stored.data.decode().rsplit(" ", 1)[1]
            if classification is None:
                assert "\0" in topic
            else:
                assert [each.name for each in classification.classes] == [topic]


def test_any_interleaving_leaves_every_document_its_one_record(api_version: str) -> None:
    run_state_machine_as_test(Documents, settings=MANY)


class Counted(Record):
    """A record whose steps must be taken in order; `taken` are those that were saved."""

    taken: tuple[int, ...] = ()

    @property
    def is_ended(self) -> bool:
        return len(self.taken) == LAST


LAST = 6


class DurableRecords(RuleBasedStateMachine):
    """The engine alone: records of six steps, of which some can be taken at once, some later, some fail first."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.calls = 0
        self.crash_at: tuple[int, str] | None = None
        self.interrupt_at: int | None = None
        self.refuse = 0
        self.started: set[str] = set()
        self.effects: dict[str, list[int]] = {}
        self.newest: dict[str, int] = {}
        self.blobs = FakeBlobStore("state", self.clock, self.call)
        self.queue = FakeQueue("steps", self.clock, self.call)
        store = RecordStore(self.blobs, "counted", record=TypeAdapter(Counted), facts=Facts)
        self.steps = StepQueue("counted", store, self.queue, RetryPolicy((1.0, 5.0), 60.0, lambda: 0.5), self.clock)

    def call(self, _name, effect):  # type: ignore[no-untyped-def]
        self.calls += 1
        if self.crash_at == (self.calls, "before"):
            raise Crash
        if self.interrupt_at == self.calls:
            self.deliver_visible()
        answer = effect()
        self.what_is_saved_is_a_beginning_of_the_steps()
        if self.crash_at == (self.calls, "after"):
            raise Crash
        return answer

    def take(self, stored: Stored[Counted]) -> Next[Counted]:
        record = stored.record
        if self.refuse:
            self.refuse -= 1
            raise LanguageUnavailableError("not now")
        number = len(record.taken)
        self.effects.setdefault(record.id, []).append(number)
        following = stored.evolve(self.clock(), f"step {number}", taken=(*record.taken, number))
        if number + 1 == LAST:
            return Done(following)
        if number % 3 == 1:
            return StepLater(self.steps.store.save(following), timedelta(minutes=3))
        if number % 3 == 2:
            return NotReady(self.steps.store.save(following), since=self.clock())
        return StepNow(following)

    @initialize()
    def start_two(self) -> None:
        self.start("one")
        self.start("two")

    @rule(name=st.sampled_from(["one", "two", "three"]))
    def start(self, name: str) -> None:
        """The same record may be started again, as by a message that was delivered twice."""
        if name in self.started and not self.is_open(name):
            return
        self.started.add(name)
        now = self.clock()
        try:
            self.steps.start(Counted(id=name, created=now, due=now))
        except Crash:
            # Whoever starts a record does so on a message, which comes again.
            self.crash_at = None
            self.steps.start(Counted(id=name, created=now, due=now))

    def has_ended(self, name: str) -> bool:
        return any(blob.startswith("counted/closed/") and blob.endswith(f"/{name}.json") for blob in self.blobs.blobs)

    def is_open(self, name: str) -> bool:
        return f"counted/open/{name}.json" in self.blobs.blobs

    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        for _ in range(count):
            self._deliver()

    def deliver_visible(self) -> None:
        """What another process does meanwhile; the clock stands still."""
        for _ in range(4):
            visible = self.queue.next_visible()
            if visible is not None and visible <= self.clock():
                self._deliver()

    def _deliver(self) -> bool:
        visible = self.queue.next_visible()
        if visible is None:
            return False
        self.clock.now = max(self.clock.now, visible)
        message = self.queue.receive_unhooked(1, timedelta(minutes=10))[0]
        try:
            advance(self.steps, StepMessage.model_validate_json(message.text or ""), self.take)
        except Crash:
            return True
        self.queue.delete_unhooked(message)
        return True

    @rule(after=st.integers(1, 8), moment=st.sampled_from(["before", "after"]))
    def crash_soon(self, after: int, moment: str) -> None:
        self.crash_at = (self.calls + after, moment)

    @rule(after=st.integers(1, 8))
    def let_another_process_work_in_the_middle_of_a_step(self, after: int) -> None:
        self.interrupt_at = self.calls + after

    @rule(times=st.integers(1, 3))
    def refuse_steps(self, times: int) -> None:
        self.refuse = times

    @rule(data=st.data())
    def duplicate_a_message(self, data: st.DataObject) -> None:
        bodies = [message.body for message in self.queue._messages]
        if bodies:
            self.queue.send_raw(data.draw(st.sampled_from(bodies)))

    @rule()
    def lose_every_message(self) -> None:
        self.queue.clear()

    @rule(minutes=st.sampled_from([1, 40]))
    def let_time_pass(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule()
    def sweep(self) -> None:
        try:
            revive_stalled(self.steps, serial_fan_out)
        except Crash:
            return

    @invariant()
    def what_is_saved_is_a_beginning_of_the_steps(self) -> None:
        for name, blob in self.blobs.blobs.items():
            taken = Counted.model_validate_json(blob.data).taken
            assert taken == tuple(range(len(taken))), name
            if not taken and self.has_ended(name.rpartition("/")[2].removesuffix(".json")):
                self.newest[name] = 0  # started again, by a message that came again after its end
            assert len(taken) >= self.newest.get(name, 0), f"{name} went back"
            self.newest[name] = len(taken)

    def teardown(self) -> None:
        self.crash_at, self.interrupt_at, self.refuse = None, None, 0
        for _ in range(3):
            while self._deliver():
                pass
            self.clock.advance(timedelta(hours=2))
            self.sweep()
        while self._deliver():
            pass
        assert not any(self.is_open(name) for name in self.started)
        closed = [name for name in self.blobs.blobs if name.startswith("counted/closed/")]
        assert len(closed) == len(self.started)
        for effects in self.effects.values():
            # A step may be repeated, never left out, and never taken before the one before it was saved.
            assert sorted(set(effects)) == list(range(LAST))
            assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(effects))


def test_any_interleaving_ends_every_record_after_all_its_steps() -> None:
    run_state_machine_as_test(DurableRecords, settings=MANY)


# As many as it takes to find what is wrong.
UNTIL_FOUND = settings(MANY, max_examples=1_000)

# Can the machines say no? What they are shown is run as it is, with one guard taken away.


def test_a_save_that_ignores_the_etag_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def save(store: RecordStore[Counted, Facts], stored: Stored[Counted]) -> Stored[Counted]:
        record = stored.record
        metadata = record.facts().to_metadata()
        return Stored(record, store._blobs.put(store._open_name(record.id), record.to_json(), metadata=metadata))

    monkeypatch.setattr(RecordStore, "save", save)
    with pytest.raises(AssertionError, match="went back"):
        run_state_machine_as_test(DurableRecords, settings=UNTIL_FOUND)


def test_a_failure_record_that_outlives_its_cause_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Records, "_clear_failures", lambda *_, **__: None)
    monkeypatch.setattr(Records, "clear_outdone", lambda *_: False)
    with pytest.raises(AssertionError, match="its records at"):
        run_state_machine_as_test(Documents, settings=UNTIL_FOUND)
