"""The trial and the paired gate, both ways to publish: what is asked of which model, what is kept, what is decided.

On fakes; the models are made to read some documents wrong. What the real emulator adds is in tests/e2e.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.documents.ref import MAX_CHARACTERS_PER_JOB
from shared.models.gate import Verdict
from shared.models.trial import Trial, TrialStore
from shared.operations.operation import Operation, OperationState, PublishingRecord, Retrain, Step
from tests.fake_language import language_error
from tests.unit.operations.operations_world import API_VERSIONS, CLASSES, OperationsWorld, labels, steps_of

GOLDEN = 60


def golden_labels(documents: int = GOLDEN, training: int = 20) -> dict[str, Any]:
    """A labels file that says itself which documents are golden: g0.txt and so on."""
    content = labels(training, "Train")
    content["assets"]["documents"] += [
        {
            "location": f"g{number}.txt",
            "language": "en-us",
            "classes": [{"category": CLASSES[number % 2]}],
            "dataset": "Test",
        }
        for number in range(documents)
    ]
    return content


def put_golden(world: OperationsWorld, documents: int = GOLDEN, *, there: int = 0) -> None:
    """`there` of them are in the container already."""
    world.put_labels(golden_labels(documents))
    for number in range(there, documents):
        put_text(world, number, f"document {number}. about {CLASSES[number % 2]}")


def put_text(world: OperationsWorld, number: int, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    world.stores["training"]._write(f"g{number}.txt", data, None, must_be="*")


def wrong_about(*numbers: int) -> Callable[[str], str]:
    """A model that names no class for these documents."""
    starts = tuple(f"document {number}." for number in numbers)
    return lambda text: "nothing" if text.startswith(starts) else text


@pytest.fixture(params=API_VERSIONS)
def world(request: pytest.FixtureRequest) -> OperationsWorld:
    """`first` is in use and has been tried on 60 golden documents; it is wrong about two."""
    return tried(OperationsWorld(api_version=request.param))


def tried(world: OperationsWorld, documents: int = GOLDEN) -> OperationsWorld:
    put_golden(world, documents)
    world.authoring.evaluations = {"first": 0.9, "next": 0.9}
    world.authoring.reads["first"] = wrong_about(0, 1)
    world.publish("first")
    world.authoring.changes.clear()
    world.service.submissions.clear()
    world.service.jobs.clear()
    return world


def retrained(operation: Operation) -> Retrain:
    assert isinstance(operation, Retrain)
    return operation


def trial_of(world: OperationsWorld, label: str) -> Trial:
    found = TrialStore(world.stores["state"]).find("letters", label=label)
    assert found is not None
    return found


def reference(world: OperationsWorld, label: str) -> str:
    """What requests to a model that is being tried name it by."""
    return f"{label}-id" if world.api_version == "2021-preview" else "staging"


# What is asked, and of whom


def test_the_candidate_is_tried_in_full_batches_and_the_active_model_only_on_what_it_has_not_seen(
    world: OperationsWorld,
) -> None:
    ended = retrained(world.retrain(model="next"))
    assert ended.state is OperationState.SUCCEEDED
    assert [each for each in world.authoring.changes if each.startswith("analyze")] == [
        f"analyze {reference(world, 'next')}"
    ] * 3
    # Each job is seen running once, and finished once. The preview gives 20 results a page.
    pages = {"2021-preview": [2, 2, 1], "2023-04-01": [1, 1, 1]}[world.api_version]
    assert [job.reads for job in world.service.jobs.values()] == [1 + number for number in pages]
    assert set(world.service.submissions.values()) == {1}
    assert len(world.service.submissions) == GOLDEN


def test_a_document_that_is_new_or_was_overwritten_is_put_to_both_models_and_nothing_else_to_the_active_one(
    world: OperationsWorld,
) -> None:
    world.put_labels(golden_labels(GOLDEN + 1))
    put_text(world, GOLDEN, f"document {GOLDEN}. about billing")
    put_text(world, 5, "document 5. quite another text about shipping")
    ended = retrained(world.retrain(model="next"))
    assert ended.trial is not None
    assert (ended.trial.documents, ended.trial.to_classify, ended.trial.done) == (61, 63, 63)
    asked_twice = sorted(text for text, times in world.service.submissions.items() if times == 2)
    assert asked_twice == ["document 5. quite another text about shipping", f"document {GOLDEN}. about billing"]
    for label in ("first", "next"):
        locations = [each.location for each in trial_of(world, label).documents]
        assert locations == [f"g{number}.txt" for number in range(GOLDEN + 1)]


def test_a_trial_is_kept_by_model_with_locations_versions_labels_and_confidences(world: OperationsWorld) -> None:
    world.retrain(model="next")
    trial = trial_of(world, "next")
    assert (trial.project, trial.label, trial.api_version) == ("letters", "next", world.api_version)
    (third,) = [each for each in trial.documents if each.location == "g3.txt"]
    info = world.stores["training"]._blobs["g3.txt"].info
    assert (third.etag, third.labels, third.error) == (info.etag, ("shipping",), None)
    assert [(each.name, each.confidence) for each in third.classes] == [("shipping", 0.9)]


def test_publishing_an_older_model_again_asks_it_for_nothing_but_the_probe(world: OperationsWorld) -> None:
    world.retrain(model="next")
    world.service.submissions.clear()
    ended = world.publish("first")
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "first")
    assert sum(world.service.submissions.values()) == 1
    assert "about" not in next(iter(world.service.submissions))


def test_a_publication_is_tried_and_not_judged(world: OperationsWorld) -> None:
    """It is how a person says which model to use."""
    world.authoring.reads["second"] = lambda _: "nothing at all"
    ended = world.publish("second")
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "second")
    assert len(trial_of(world, "second").answered) == GOLDEN
    assert "gate" not in steps_of(ended)


@pytest.mark.parametrize("publish", [True, False])
def test_a_model_with_the_name_of_one_that_was_deleted_has_no_part_in_its_trial(publish: bool) -> None:
    world = tried(OperationsWorld(api_version="2023-04-01"))
    world.retrain(model="next")
    world.publish("first")
    world.authoring.trained.remove("next")
    world.authoring.reads["next"] = lambda _: "nothing at all"
    ended = retrained(world.retrain(model="next", publish=publish))
    if publish:
        assert ended.state is OperationState.REFUSED
    else:
        world.publish("next")
    assert {each.classes for each in trial_of(world, "next").documents} == {()}


def test_labels_that_changed_are_in_the_trial_and_decide_although_nothing_is_classified_again(
    world: OperationsWorld,
) -> None:
    content = golden_labels()
    for document in content["assets"]["documents"]:
        if document["location"] == "g3.txt":
            document["classes"] = [{"category": "billing"}]
    world.put_labels(content)
    ended = retrained(world.retrain(model="next"))
    for label in ("first", "next"):
        (third,) = [each for each in trial_of(world, label).documents if each.location == "g3.txt"]
        assert third.labels == ("billing",)
    assert ended.gate is not None
    assert ended.gate.candidate is not None
    assert ended.gate.candidate < 1.0


def test_more_golden_documents_than_the_setting_allows_are_chosen_by_a_stable_order(world: OperationsWorld) -> None:
    world.change_settings(trial_documents=30)
    world.retrain(model="next")
    chosen = {each.location for each in trial_of(world, "next").documents}
    assert len(chosen) == 30
    put_golden(world, GOLDEN + 1, there=GOLDEN)
    world.retrain(model="later")
    assert len(chosen & {each.location for each in trial_of(world, "later").documents}) >= 29


def test_a_document_over_the_limit_is_split_and_merged_as_in_the_pipeline(world: OperationsWorld) -> None:
    long = "about billing. " + "x " * (MAX_CHARACTERS_PER_JOB // 2) + "about shipping."
    put_text(world, 7, long)
    world.retrain(model="next")
    (found,) = [each for each in trial_of(world, "next").documents if each.location == "g7.txt"]
    assert [each.name for each in found.classes] == ["billing", "shipping"]
    world.upload("same.txt", long)
    world.run()
    record = world.classification("same.txt")
    assert record is not None
    assert [each.name for each in record.classes] == ["billing", "shipping"]


# The gate


def test_a_better_model_is_used_and_the_answer_says_how_sure_that_is(world: OperationsWorld) -> None:
    world.authoring.reads["first"] = wrong_about(*range(12))
    world.stores["state"]._delete("trials/letters/first.json", None)
    ended = retrained(world.retrain(model="next", gate={"metric": "micro_recall", "tolerance": 0.1}))
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")
    assert ended.gate is not None
    assert (ended.gate.verdict, ended.gate.documents, ended.gate.discordant) == (Verdict.BETTER, GOLDEN, 12)
    assert ended.gate.difference == pytest.approx(0.2)
    assert ended.gate.interval is not None
    assert ended.gate.interval[0] < 0.2 < ended.gate.interval[1]


def test_a_worse_model_leaves_production_and_the_active_model_untouched(world: OperationsWorld) -> None:
    before = world.active_model()
    world.authoring.reads["next"] = wrong_about(*range(0, 40, 2))
    ended = retrained(world.retrain(model="next", gate={"tolerance": 0.15}))
    assert (ended.state, world.active_model()) == (OperationState.REFUSED, before)
    assert ended.gate is not None
    assert (ended.gate.verdict, ended.gate.passed) == (Verdict.WORSE, False)
    assert [(loss.name, loss.documents) for loss in ended.gate.losses] == [("billing", 30)]
    assert "billing lost 0.63 of recall" in (ended.reason or "")
    assert steps_of(ended)[-1] == "gate"
    assert world.authoring.count("swap") == 0
    assert world.authoring.deployments.get("production", "first") == "first"
    assert world.locks() == []
    left = {"2021-preview": "the model id next-id, which stays published", "2023-04-01": "'staging' holds it until"}
    assert left[world.api_version] in (ended.reason or "")


def test_the_next_publication_replaces_a_refused_model_in_staging() -> None:
    world = tried(OperationsWorld(api_version="2023-04-01"))
    world.authoring.reads["next"] = lambda _: "nothing at all"
    assert world.retrain(model="next").state is OperationState.REFUSED
    assert world.authoring.deployments == {"staging": "next", "production": "first"}
    assert world.publish("second").state is OperationState.SUCCEEDED
    assert world.authoring.deployments == {"staging": "first", "production": "second"}


def test_a_worse_model_is_used_by_force_and_the_verdict_is_told(world: OperationsWorld) -> None:
    world.authoring.reads["next"] = lambda _: "nothing at all"
    ended = retrained(world.retrain(model="next", force=True, gate={"tolerance": 0.2}))
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")
    assert ended.gate is not None
    assert (ended.gate.verdict, ended.gate.forced) == (Verdict.WORSE, True)


@pytest.mark.parametrize(
    ("on_unclear", "state"),
    [("by_estimate", OperationState.SUCCEEDED), ("refuse", OperationState.REFUSED)],
)
def test_what_an_unclear_comparison_leads_to_is_the_caller_s_choice(
    world: OperationsWorld, on_unclear: str, state: OperationState
) -> None:
    world.authoring.reads["next"] = wrong_about(2, 3)
    gate = {"tolerance": 0.02, "on_unclear": on_unclear}
    ended = retrained(world.retrain(model="next", gate=gate))
    assert ended.state is state
    assert ended.gate is not None
    assert ended.gate.verdict is Verdict.UNCLEAR
    assert ended.gate.documents_needed is not None
    assert ended.gate.documents_needed > GOLDEN


def test_a_class_may_not_lose_more_than_the_request_allows(world: OperationsWorld) -> None:
    world.authoring.reads["next"] = wrong_about(2, 4, 6)
    gate = {"tolerance": 0.5, "no_class_loses_more_than": 0.05}
    ended = retrained(world.retrain(model="next", gate=gate))
    assert ended.state is OperationState.REFUSED
    assert "billing lost 0.07 of recall, more than the 0.05 that a class may lose" in (ended.reason or "")


def test_a_model_without_an_evaluation_is_judged_by_the_golden_documents(world: OperationsWorld) -> None:
    world.authoring.evaluations.clear()
    ended = retrained(world.retrain(model="next"))
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")


def without_golden(world: OperationsWorld) -> None:
    world.change_settings(golden_percent=0)
    world.put_labels(labels(20))


def test_without_golden_documents_the_model_is_probed_and_the_evaluations_decide(world: OperationsWorld) -> None:
    without_golden(world)
    ended = retrained(world.retrain(model="next"))
    assert ended.state is OperationState.SUCCEEDED
    assert ended.gate is not None
    assert ended.gate.verdict is Verdict.UNPAIRED
    assert ended.gate.reason.endswith("not compared on golden documents: there are no golden documents")
    assert world.authoring.count("analyze") == 1


def test_a_retraining_that_is_not_to_publish_is_judged_by_evaluations_and_tries_nothing(
    world: OperationsWorld,
) -> None:
    ended = retrained(world.retrain(model="next", publish=False))
    assert ended.state is OperationState.SUCCEEDED
    assert ended.gate is not None
    assert ended.gate.verdict is Verdict.UNPAIRED
    assert world.authoring.count("analyze") == 0
    assert steps_of(ended)[-2:] == ["evaluate", "gate"]


def test_on_the_free_tier_the_evaluations_are_asked_before_the_model_is_live() -> None:
    world = OperationsWorld(api_version="2023-04-01")
    world.authoring.max_deployments = 1
    tried(world)
    assert world.authoring.deployments == {"production": "first"}
    world.authoring.evaluations["next"] = 0.5
    ended = retrained(world.retrain(model="next"))
    assert ended.state is OperationState.REFUSED
    assert world.authoring.deployments == {"production": "first"}
    assert (ended.reason or "").startswith("not published: micro_f1 is 0.500, worse than the 0.900")
    assert ended.gate is not None
    assert ended.gate.verdict is Verdict.UNPAIRED
    assert "the service allows one deployment (tier F0)" in ended.gate.reason
    assert world.authoring.count("analyze") == 0
    world.authoring.evaluations["better"] = 0.9
    assert world.retrain(model="better").state is OperationState.SUCCEEDED
    assert world.authoring.deployments == {"production": "better"}


# What goes wrong


ODD: dict[str, tuple[bytes, str]] = {
    "is no text": (bytes(range(256)) * 8, "binary"),
    "is empty": (b"", "empty"),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_golden_document_is_an_error_of_the_trial_and_ends_nothing(world: OperationsWorld, case: str) -> None:
    data, _ = ODD[case]
    put_text(world, 9, data)
    ended = retrained(world.retrain(model="next"))
    assert ended.state is OperationState.SUCCEEDED
    assert ended.gate is not None
    assert ended.gate.documents == GOLDEN - 1
    assert ended.trial is not None
    assert ended.trial.errors == 2
    (odd,) = [each for each in trial_of(world, "next").documents if each.location == "g9.txt"]
    assert odd.error
    assert odd.classes == ()


def test_a_golden_document_that_is_not_there_is_an_error_of_the_trial(world: OperationsWorld) -> None:
    world.stores["training"]._delete("g9.txt", None)
    ended = retrained(world.retrain(model="next"))
    assert ended.state is OperationState.SUCCEEDED
    (gone,) = [each for each in trial_of(world, "next").documents if each.location == "g9.txt"]
    assert gone.error == "the container has no such blob"


def jobs_of(world: OperationsWorld, request: httpx.Request) -> str | None:
    """The text of the first document that a look at a job is about."""
    if request.method != "GET" or "/jobs/job-" not in request.url.path:
        return None
    return world.service.jobs[request.url.path.rpartition("/")[2]].documents[0]["text"]


def test_a_job_that_fails_is_submitted_again_and_what_is_answered_is_not(world: OperationsWorld) -> None:
    failing = [{"status": "failed", "errors": [{"code": "Broken", "message": "no"}], "tasks": {}}] * 2

    def answer(request: httpx.Request) -> httpx.Response | None:
        text = jobs_of(world, request)
        return httpx.Response(200, json=failing.pop()) if failing and text and text.startswith("document 25.") else None

    world.authoring.answer = answer
    ended = world.retrain(model="next")
    assert ended.state is OperationState.SUCCEEDED
    assert world.authoring.count("analyze") == 5
    times = {text: times for text, times in world.service.submissions.items()}
    assert {times[f"document {number}. about {CLASSES[number % 2]}"] for number in range(25)} == {1}
    assert {times[f"document {number}. about {CLASSES[number % 2]}"] for number in range(25, 50)} == {3}


def test_documents_that_no_model_can_be_asked_about_end_nothing(world: OperationsWorld) -> None:
    """One that the service always fails on costs its batch, once the model is seen to classify."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        text = jobs_of(world, request)
        body = {"status": "failed", "errors": [{"code": "Broken", "message": "the secret text"}], "tasks": {}}
        return httpx.Response(200, json=body) if text and text.startswith("document 0.") else None

    world.authoring.answer = answer
    ended = retrained(world.retrain(model="next"))
    assert ended.state is OperationState.SUCCEEDED
    assert ended.gate is not None
    assert ended.gate.documents == GOLDEN - 25
    assert {each.error for each in trial_of(world, "next").documents[:25]} == {"no result: Broken"}
    assert "secret" not in world.stores["state"]._blobs[f"operations/closed/2026-03-01/{ended.id}.json"].data.decode()


def test_a_document_that_the_service_refuses_is_isolated(world: OperationsWorld) -> None:
    def answer(request: httpx.Request) -> httpx.Response | None:
        is_refused = request.method == "POST" and b"document 30." in request.content
        return language_error(400, "InvalidRequest", "no") if is_refused else None

    world.authoring.answer = answer
    ended = retrained(world.retrain(model="next"))
    assert ended.state is OperationState.SUCCEEDED
    found = {each.location: each.error for each in trial_of(world, "next").documents}
    assert [location for location, error in found.items() if error] == ["g30.txt"]


def test_a_model_that_classifies_nothing_never_goes_live(world: OperationsWorld) -> None:
    before = world.active_model()

    def answer(request: httpx.Request) -> httpx.Response | None:
        body = {"status": "failed", "errors": [{"code": "Broken", "message": "no"}], "tasks": {}}
        return httpx.Response(200, json=body) if jobs_of(world, request) else None

    world.authoring.answer = answer
    ended = world.retrain(model="next", force=True)
    assert (ended.state, world.active_model()) == (OperationState.FAILED, before)
    assert "does not classify the probe: Broken: no" in (ended.reason or "")
    assert (ended.reason or "").endswith("the active model is unchanged")
    # Three times the first batch, and three times the probe.
    assert world.authoring.count("analyze") == 6
    assert [(error.code, error.message) for error in ended.errors] == [("Broken", "no")]


def test_an_active_model_that_cannot_be_tried_leaves_the_evaluations_to_decide() -> None:
    world = tried(OperationsWorld(api_version="2021-preview"))
    world.stores["state"]._delete("trials/letters/first.json", None)
    del world.authoring.published["first-id"]
    ended = retrained(world.retrain(model="next"))
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")
    assert ended.gate is not None
    assert ended.gate.verdict is Verdict.UNPAIRED
    assert "the active model first does not classify: " in ended.gate.reason


def test_throttling_defers_a_trial_and_asks_for_nothing_twice(world: OperationsWorld) -> None:
    refused: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        is_post = request.method == "POST" and "analyze" in request.url.path and b"analysisInput" in request.content
        if not is_post or len(refused) == 4:
            return None
        refused.append(request.url.path)
        return httpx.Response(429, headers={"retry-after": "30"}, json={"error": {"code": "429", "message": "slow"}})

    world.authoring.answer = answer
    assert world.retrain(model="next").state is OperationState.SUCCEEDED
    assert len(refused) == 4
    assert set(world.service.submissions.values()) == {1}


def test_labels_that_cannot_be_read_do_not_keep_an_older_model_from_being_published(world: OperationsWorld) -> None:
    world.put_labels(b"{")
    ended = world.publish("second")
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "second")
    assert any("the probe alone: the labels cannot be read" in event.what for event in ended.history)


# The record


def test_progress_is_counted_in_the_record_and_history_keeps_what_was_before(world: OperationsWorld) -> None:
    put_golden(world, 1_000, there=GOLDEN)
    operation = world.start_retraining(model="next")
    seen: list[tuple[int | None, int]] = []
    while not (found := world.find(operation)).is_ended:
        assert isinstance(found, PublishingRecord)
        if found.trial is not None and found.step in (Step.TRIAL, Step.WAIT_TRIAL):
            seen.append((found.percent, found.trial.done))
            # 25 of them and their texts' ids, however many there are.
            assert len(found.to_json()) < 20_000
        world.deliver_next()
    ended = retrained(found)
    assert ended.trial is not None
    assert (ended.trial.to_classify, ended.trial.done) == (1_940, 1_940)
    assert seen == sorted(seen)
    assert {done for _, done in seen} >= {0, 25, 1_000, 1_025, 1_940}
    assert {percent for percent, _ in seen} >= {0, 50, 100}
    lines = [event.what for event in ended.history]
    assert any(line.startswith("train: training job") for line in lines)
    assert "trial: 1000 golden documents: next is to classify 1000, first is to classify 940" in lines
    assert "trial: 1940 of 1940 documents" in lines
    assert len(lines) < 25


@pytest.mark.parametrize("step", ["probe", "wait_probe"])
def test_an_operation_that_an_earlier_release_left_at_its_probe_goes_on(world: OperationsWorld, step: str) -> None:
    operation = world.start_retraining(model="next")
    world.run_until(operation, "trial")
    name = f"operations/open/{operation.id}.json"
    content = json.loads(world.stores["state"]._blobs[name].data)
    assert content["step"] == "trial"
    content |= {"step": step, "probes": 1, "job_id": "job-77"}
    del content["trial"]
    world.stores["state"]._write(name, json.dumps(content).encode(), None, must_be="*")
    ended = world.finish(operation)
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")
    assert len(trial_of(world, "next").answered) == GOLDEN


def test_an_operation_that_an_earlier_release_left_at_its_gate_is_published_and_tried_first(
    world: OperationsWorld,
) -> None:
    operation = world.start_retraining(model="next")
    world.run_until(operation, "publish")
    name = f"operations/open/{operation.id}.json"
    content = json.loads(world.stores["state"]._blobs[name].data) | {"step": "gate"}
    world.stores["state"]._write(name, json.dumps(content).encode(), None, must_be="*")
    ended = retrained(world.finish(operation))
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")
    assert ended.gate is not None
    assert ended.gate.documents == GOLDEN


# Crashes


FEW = 27


@dataclass
class NamedCalls(OperationsWorld):
    """`names` are those of the calls so far."""

    names: list[str] = field(default_factory=list)

    def call(self, name: str, effect: Callable[[], Any]) -> Any:
        self.names.append(name)
        return super().call(name, effect)


@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_a_crash_after_any_call_of_a_trial_pays_for_one_batch_twice_at_most(api_version: str) -> None:
    def at_the_trial() -> tuple[NamedCalls, Operation]:
        world = NamedCalls(api_version=api_version)
        tried(world, FEW)
        operation = world.start_retraining(model="next")
        world.run_until(operation, "trial")
        world.names.clear()
        return world, operation

    undisturbed, operation = at_the_trial()
    undisturbed.run_until(operation, "gate")
    calls = undisturbed.names
    assert calls.count("language.submit") == 2
    # A reading of one more document is as good as that of the one before.
    points = [number for number, name in enumerate(calls) if name != "training.read" or calls[number - 1] != name]
    found = {}
    for number in points:
        world, operation = at_the_trial()
        world.crash_at = (world.calls + number + 1, "after")
        ended = retrained(world.finish(operation))
        times = world.service.submissions.values()
        paid_twice = sum(each > 1 for each in times)
        answered = len(trial_of(world, "next").answered)
        is_good = ended.state is OperationState.SUCCEEDED and ended.gate is not None and ended.gate.documents == FEW
        if not (is_good and world.crashes == 1 and max(times) <= 2 and paid_twice <= 25 and answered == FEW):
            found[calls[number]] = (ended.state, ended.reason, max(times), paid_twice, answered)
    assert found == {}


def test_messages_that_come_twice_pay_for_nothing_that_is_kept_already(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    world.run_until(operation, "wait_trial")
    world.services.operations.steps.send(operation.id)
    world.pass_time(timedelta(minutes=5))
    ended = retrained(world.finish(operation))
    assert ended.state is OperationState.SUCCEEDED
    assert len(trial_of(world, "next").answered) == GOLDEN
