"""Retraining step by step, both ways to publish: the order of its steps, the gate, failures, cancelling. On fakes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from shared.errors import ModelExistsError, NotCancellableError, OperationRunningError
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.values import ProjectKind
from shared.messages import StepMessage
from shared.models.active_model import Held
from shared.models.golden import split
from shared.models.labels import parse_labels
from shared.operations.operation import DEADLINE, Operation, OperationState, Retrain, Step
from shared.storage.ports import SentMessage
from tests.unit.operations.operations_world import API_VERSIONS, RETRAIN, OperationsWorld, labels, steps_of

CHANGES = {
    "2021-preview": ["train next", "publish next", "analyze next-id"],
    "2023-04-01": ["import 20", "train next", "deploy staging next", "analyze staging", "swap staging production"],
}


@pytest.fixture(params=API_VERSIONS)
def world(request: pytest.FixtureRequest) -> OperationsWorld:
    """`first` is in use, with an F1 of 0.9; a model `next` would be better."""
    return in_use(OperationsWorld(api_version=request.param))


def in_use(world: OperationsWorld) -> OperationsWorld:
    world.authoring.evaluations = {"first": 0.9, "next": 0.95}
    world.publish("first")
    world.authoring.changes.clear()
    return world


def retrained(operation: Operation) -> Retrain:
    assert isinstance(operation, Retrain)
    return operation


def assert_left_alone(world: OperationsWorld, ended: Operation, state: OperationState) -> None:
    """It ended with a reason, and the model in use is still there, as is the project for another operation."""
    assert ended.state is state
    assert ended.reason
    assert world.label_in_use() == "first"
    assert world.in_use() is not None
    assert world.locks() == []
    assert not any(change.startswith(("swap", "deploy production")) for change in world.authoring.changes)


# The steps


def test_a_retraining_takes_its_steps_and_ends_with_its_model_in_use(world: OperationsWorld) -> None:
    ended = retrained(world.retrain(model="next"))
    assert (ended.state, ended.reason, ended.percent) == (OperationState.SUCCEEDED, "next is in use", 100)
    assert steps_of(ended) == RETRAIN[world.api_version]
    assert world.authoring.changes == CHANGES[world.api_version]
    assert ended.candidate_evaluation is not None
    assert ended.active_evaluation is not None
    assert (ended.candidate_evaluation.micro_f1, ended.active_evaluation.micro_f1) == (0.95, 0.9)
    assert world.label_in_use() == "next"
    assert world.locks() == []


def test_work_that_takes_its_time_is_polled_to_its_end_and_asked_for_once(world: OperationsWorld) -> None:
    world.authoring.takes = timedelta(minutes=3)
    world.authoring.one_at_a_time = True
    assert world.retrain(model="next").state is OperationState.SUCCEEDED
    assert world.authoring.changes == CHANGES[world.api_version]


def test_each_step_that_was_taken_is_told_in_the_log(world: OperationsWorld, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="pigeonhole"):
        ended = world.retrain(model="next")
    begun = f"operation_advanced operation={ended.id}: "
    lines = [record.getMessage() for record in caplog.records]
    told = [line.removeprefix(begun).partition(":")[0] for line in lines if line.startswith(begun)]
    # `hold` waits, and the last step ends the operation.
    assert list(dict.fromkeys(told)) == [step for step in RETRAIN[world.api_version] if step not in ("hold", "switch")]
    assert f"operation_ended operation={ended.id} state=succeeded: next is in use" in lines


def test_the_intent_of_each_start_is_saved_before_the_service_is_asked(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    saved: dict[str, bool] = {}

    def look(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if request.method in ("POST", "PUT") and path.endswith(("train", "publish", "deployments/staging", ":swap")):
            now = world.services.operations.steps.store.find(operation.id)
            assert now is not None
            saved[path.rsplit("/", 1)[1]] = now.record.step in now.record.intents
        return None

    world.authoring.answer = look
    world.run()
    assert saved == dict.fromkeys(saved, True)
    assert len(saved) == (2 if world.api_version == "2021-preview" else 3)


def test_the_first_retraining_of_a_project_puts_its_model_into_use() -> None:
    for api_version in API_VERSIONS:
        world = OperationsWorld(api_version=api_version)
        world.authoring.evaluations = {"next": 0.4}
        ended = retrained(world.retrain(model="next"))
        assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")
        assert ended.gate is not None
        assert ended.gate.reason == "no model is in use yet; micro_f1 is 0.400"


def test_a_model_without_a_name_gets_one_of_letters_and_digits(world: OperationsWorld) -> None:
    label = retrained(world.start_retraining()).label
    assert label.isalnum()
    assert label.startswith("model")


# The sides: which documents the service trains on


def sides_of(world: OperationsWorld) -> tuple[set[str], set[str]]:
    """The documents to train on and the golden ones, of the labels of operations_world."""
    documents = [LabelledDocument(f"t{number}.txt", "en-us", ()) for number in range(20)]
    sides = split(documents, percent=world.settings.golden_percent)
    assert sides.training
    assert sides.golden
    return {each.location for each in sides.training}, {each.location for each in sides.golden}


def shown_to_the_service(world: OperationsWorld) -> dict[str, str | None]:
    return retrained_and_shown(world)[1]


def retrained_and_shown(world: OperationsWorld) -> tuple[Operation, dict[str, str | None]]:
    """By location, the dataset of each document that the service had when it was asked to train."""
    shown: list[dict[str, str | None]] = []

    def note(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path.endswith("/:import"):
            documents = json.loads(request.content)["assets"]["documents"]
            shown.append({each["location"]: each.get("dataset") for each in documents})
        if path.endswith("/:train"):
            options = json.loads(request.content)["evaluationOptions"]
            assert options == ({"kind": "manual"} if "Test" in shown[-1].values() else PERCENTAGE)
        if path.endswith("/train"):
            documents = json.loads(world.stores["training"].blobs["labels.json"].data)["documents"]
            shown.append({each["location"]: each.get("dataset") for each in documents})
        return None

    world.authoring.answer = note
    ended = world.retrain(model="next")
    assert ended.state is OperationState.SUCCEEDED, ended.reason
    (only,) = shown
    return ended, only


PERCENTAGE = {"kind": "percentage", "trainingSplitPercentage": 80, "testingSplitPercentage": 20}


def trained_on(shown: dict[str, str | None]) -> set[str]:
    return {location for location, dataset in shown.items() if dataset != "Test"}


def test_no_golden_document_is_trained_on(world: OperationsWorld) -> None:
    training, golden = sides_of(world)
    shown = shown_to_the_service(world)
    assert trained_on(shown) == training
    assert set(shown) == (training if world.api_version == "2021-preview" else training | golden)


SPLIT_STEP = {"2021-preview": "split", "2023-04-01": "import"}


def said_of_the_split(world: OperationsWorld, ended: Operation) -> str:
    """The line of the step that gave the service its labels."""
    lines = [line.what for line in ended.history if line.what.startswith(f"{SPLIT_STEP[world.api_version]}: ")]
    return lines[-1]


def test_the_history_says_how_many_documents_are_golden(world: OperationsWorld) -> None:
    _, golden = sides_of(world)
    said = said_of_the_split(world, world.retrain(model="next"))
    assert said.endswith(f"20 documents, {len(golden)} of them golden")


@pytest.mark.parametrize("percent", [0, 20])
def test_the_sides_that_the_labels_file_names_go_before_the_percentage(world: OperationsWorld, percent: int) -> None:
    world.change_settings(golden_percent=percent)
    content = labels(20, "Train")
    for document in content["assets"]["documents"][:5]:
        document["dataset"] = "Test"
    world.put_labels(content)
    shown = shown_to_the_service(world)
    assert trained_on(shown) == {f"t{number}.txt" for number in range(5, 20)}


def test_without_golden_documents_and_datasets_the_service_gets_what_it_always_got(world: OperationsWorld) -> None:
    world.change_settings(golden_percent=0)
    before = world.stores["training"].blobs["labels.json"]
    if world.api_version == "2021-preview":
        ended = world.retrain(model="next")
        assert world.stores["training"].blobs["labels.json"] is before
    else:
        assert shown_to_the_service(world) == {f"t{number}.txt": None for number in range(20)}
        ended = world.retrain(model="other")
    assert said_of_the_split(world, ended).endswith("20 documents")


def test_a_file_without_a_golden_document_is_split_by_the_service_and_that_is_said(world: OperationsWorld) -> None:
    world.put_labels(labels(20, "Train"))
    if world.api_version != "2021-preview":
        assert set(shown_to_the_service(world).values()) == {"Train"}
    said = said_of_the_split(world, world.retrain(model="another"))
    assert (
        "none is golden" if world.api_version == "2021-preview" else "none of them golden: the service splits"
    ) in said


def test_a_file_that_only_the_service_can_read_is_left_to_it_where_nothing_is_golden() -> None:
    world = in_use(OperationsWorld(api_version="2021-preview"))
    content = b'{"intentNames": [], "documents": [], "// made by": "hand"'
    world.put_labels(content)
    assert world.retrain(model="next").state is OperationState.FAILED
    world.change_settings(golden_percent=0)
    ended = world.retrain(model="next")
    assert ended.state is OperationState.SUCCEEDED
    assert "left to the service: " in said_of_the_split(world, ended)
    assert world.stores["training"].blobs["labels.json"].data == content


def test_a_retraining_takes_the_labels_that_were_put_and_says_that_the_file_was_changed_since(
    world: OperationsWorld,
) -> None:
    store = world.services.projects.labels
    project = Project("letters", ProjectKind.MULTI, "en-us", "training", "labels.json")
    store.put(project, parse_labels(labels(20)), service_reads_file=world.api_version == "2021-preview")
    world.put_labels(labels(12))
    training, _ = sides_of(world)
    ended, shown = retrained_and_shown(world)
    assert trained_on(shown) == training
    said = said_of_the_split(world, ended)
    assert said.endswith("; 'labels.json' of the container was replaced and does not count: PUT it to use it")


def test_a_retraining_takes_the_labels_that_were_added(world: OperationsWorld) -> None:
    added = [LabelledDocument(f"added{number}.txt", "", ("billing", "legal")) for number in range(20)]
    store = world.services.operation_steps.retrain.labels
    object.__setattr__(store, "added_labels", lambda project: added if project == "letters" else [])
    shown = shown_to_the_service(world)
    sides = split(added, percent=20)
    assert {name for name in trained_on(shown) if name.startswith("added")} == {
        each.location for each in sides.training
    }
    assert len(trained_on(shown)) == len(sides.training) + len(sides_of(world)[0])


# The gate: a worse model is refused, and the active one stays


def test_a_worse_model_is_refused_and_the_active_one_stays(world: OperationsWorld) -> None:
    world.upload("before.txt", "about billing")
    world.run()
    before = world.classification("before.txt")
    world.authoring.evaluations["next"] = 0.8
    ended = retrained(world.retrain(model="next"))
    assert_left_alone(world, ended, OperationState.REFUSED)
    assert (ended.reason or "").startswith(
        "not put into use: micro_f1 is 0.800, worse than the 0.900 of the active model first by more than the "
        "tolerance of 0.05; not compared on golden documents: "
    )
    assert ended.gate is not None
    assert (ended.gate.passed, ended.gate.forced) == (False, False)
    assert steps_of(ended)[-1] == "gate"
    published = {"2021-preview": "publish next", "2023-04-01": "deploy staging next"}[world.api_version]
    assert [each for each in world.authoring.changes if each.startswith(("publish", "deploy", "swap"))] == [published]
    assert world.classification("before.txt") == before
    world.upload("after.txt", "about shipping")
    world.run()
    assert {record.model.label for record in world.records()} == {"first"}


def test_a_worse_model_is_published_by_force(world: OperationsWorld) -> None:
    world.authoring.evaluations["next"] = 0.8
    ended = retrained(world.retrain(model="next", force=True))
    assert (ended.state, world.label_in_use()) == (OperationState.SUCCEEDED, "next")
    assert ended.gate is not None
    assert ended.gate.forced
    assert ended.gate.reason.startswith("forced, although micro_f1 is 0.800, worse than the 0.900")


@pytest.mark.parametrize(("f1", "state"), [(0.86, OperationState.SUCCEEDED), (0.84, OperationState.REFUSED)])
def test_the_tolerance_decides_what_is_worse(world: OperationsWorld, f1: float, state: OperationState) -> None:
    world.authoring.evaluations["next"] = f1
    assert world.retrain(model="next").state is state


def test_a_request_s_own_rule_is_the_one_that_counts(world: OperationsWorld) -> None:
    world.authoring.evaluations["next"] = 0.89
    strict = {"metric": "macro_recall", "tolerance": 0}
    ended = retrained(world.retrain(model="next", gate=strict))
    assert_left_alone(world, ended, OperationState.REFUSED)
    assert (ended.reason or "").startswith("not put into use: macro_recall is 0.890, worse than")


def test_a_model_without_an_evaluation_is_refused_unless_forced(world: OperationsWorld) -> None:
    del world.authoring.evaluations["next"]
    ended = retrained(world.retrain(model="next"))
    assert_left_alone(world, ended, OperationState.REFUSED)
    assert ended.candidate_evaluation is None
    assert world.retrain(model="other", force=True).state is OperationState.SUCCEEDED
    assert world.label_in_use() == "other"


def test_a_retraining_that_is_not_to_publish_ends_after_the_gate(world: OperationsWorld) -> None:
    ended = retrained(world.retrain(model="next", publish=False))
    assert_left_alone(world, ended, OperationState.SUCCEEDED)
    assert ended.reason == "trained; publishing was not asked for"
    assert ended.gate is not None
    assert ended.gate.passed
    assert world.publish("next").state is OperationState.SUCCEEDED
    assert world.label_in_use() == "next"


# Failures


ILL = [{"code": "InternalServerError", "message": "The trainer is ill."}]
FAILING = [
    ("2021-preview", "train", "wait_training", "training failed"),
    ("2021-preview", "publish", "wait_publishing", "publishing failed"),
    ("2023-04-01", "import", "wait_import", "importing the labels failed"),
    ("2023-04-01", "train", "wait_training", "training failed"),
    ("2023-04-01", "deploy", "wait_publishing", "publishing failed"),
]


@pytest.mark.parametrize(("api_version", "kind", "step", "why"), FAILING)
def test_a_failed_job_ends_the_operation_with_the_service_s_errors(
    api_version: str, kind: str, step: str, why: str
) -> None:
    world = in_use(OperationsWorld(api_version=api_version))
    world.authoring.fails[kind] = ILL
    ended = world.retrain(model="next")
    assert_left_alone(world, ended, OperationState.FAILED)
    assert ended.step.value == step
    assert [(error.code, error.message) for error in ended.errors] == [("InternalServerError", "The trainer is ill.")]
    assert ended.reason == f"{why}: InternalServerError: The trainer is ill.; the active model is unchanged"


def test_a_failed_swap_says_that_production_may_have_changed_and_ends_the_hold() -> None:
    world = in_use(OperationsWorld(api_version="2023-04-01"))
    world.authoring.fails["swap"] = ILL
    ended = world.retrain(model="next")
    assert (ended.state, ended.step) == (OperationState.FAILED, Step.WAIT_SWAP)
    assert "production may hold the new model already" in (ended.reason or "")
    assert world.in_use() is not None
    assert world.locks() == []


FILES: dict[str, tuple[bytes, str, str]] = {
    "no JSON": (b"{", "LabelsMissingError", "no readable 'labels.json'"),
    "problems": (b'{"assets": {"classes": [], "documents": [{}]}}', "LabelsFaultyError", "problems ("),
}


@pytest.mark.parametrize("case", FILES)
def test_a_labels_file_that_cannot_be_imported_ends_the_operation(case: str) -> None:
    content, code, words = FILES[case]
    world = in_use(OperationsWorld(api_version="2023-04-01"))
    world.put_labels(content)
    ended = world.retrain(model="next")
    assert_left_alone(world, ended, OperationState.FAILED)
    assert [error.code for error in ended.errors] == [code]
    assert words in (ended.reason or "")
    assert world.authoring.changes == []


def test_labels_are_not_imported_from_a_container_that_is_not_for_training() -> None:
    world = in_use(OperationsWorld(api_version="2023-04-01"))
    world.change_settings(training_container="elsewhere")
    ended = world.retrain(model="next")
    assert_left_alone(world, ended, OperationState.FAILED)
    assert "a project may not use container 'training', only elsewhere" in (ended.reason or "")
    assert world.authoring.changes == []


def test_a_container_without_a_labels_file_ends_the_operation() -> None:
    world = in_use(OperationsWorld(api_version="2023-04-01"))
    world.stores["training"]._delete("labels.json", None)
    ended = world.retrain(model="next")
    assert_left_alone(world, ended, OperationState.FAILED)
    assert "PUT the project's labels first" in (ended.reason or "")


def test_an_archived_labels_file_ends_the_operation() -> None:
    world = in_use(OperationsWorld(api_version="2023-04-01"))
    world.stores["training"].archive("labels.json")
    ended = world.retrain(model="next")
    assert_left_alone(world, ended, OperationState.FAILED)
    assert "no readable 'labels.json'" in (ended.reason or "")


def test_a_request_that_the_service_refuses_ends_the_operation_with_its_code(world: OperationsWorld) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_training = request.method == "POST" and request.url.path.endswith("train")
        return httpx.Response(400, json={"error": {"code": "QuotaExceeded", "message": "No."}}) if is_training else None

    world.authoring.answer = refuse
    ended = world.retrain(model="next")
    assert_left_alone(world, ended, OperationState.FAILED)
    assert [error.code for error in ended.errors] == ["QuotaExceeded"]


def test_a_busy_service_is_waited_for(world: OperationsWorld) -> None:
    refused: list[str] = []

    def busy(request: httpx.Request) -> httpx.Response | None:
        is_training = request.method == "POST" and request.url.path.endswith("train")
        if not is_training or len(refused) == 8:
            return None
        refused.append(request.url.path)
        return httpx.Response(409, json={"error": {"code": "Conflict", "message": "busy"}})

    world.authoring.answer = busy
    assert world.retrain(model="next").state is OperationState.SUCCEEDED
    assert len(refused) == 8
    assert world.authoring.count("train") == 1


# Cancelling

CANCELLABLE = [
    (api_version, step)
    for api_version in API_VERSIONS
    for step in RETRAIN[api_version]
    if step not in ("wait_publishing", "swap", "wait_swap", "switch")
]


@pytest.mark.parametrize(("api_version", "step"), CANCELLABLE)
def test_a_retraining_is_cancelled_in_any_step_that_can_be_stopped(api_version: str, step: str) -> None:
    world = in_use(OperationsWorld(api_version=api_version))
    operation = world.start_retraining(model="next")
    world.authoring.takes = timedelta(minutes=1)
    world.run_until(operation, step)
    asked = list(world.authoring.changes)
    assert world.services.operations.cancel(operation.id) is not None
    ended = world.finish(operation)
    assert_left_alone(world, ended, OperationState.CANCELLED)
    assert ended.reason == "cancelled on request"
    # The preview cannot stop a training: it goes on, and its model stays unpublished.
    stopped = ["cancel next"] if (api_version, step) == ("2023-04-01", "wait_training") else []
    assert world.authoring.changes == [*asked, *stopped]


@pytest.mark.parametrize(
    ("api_version", "step"),
    [(version, step) for version in API_VERSIONS for step in RETRAIN[version] if (version, step) not in CANCELLABLE],
)
def test_a_publication_that_is_under_way_cannot_be_cancelled(api_version: str, step: str) -> None:
    world = in_use(OperationsWorld(api_version=api_version))
    operation = world.start_retraining(model="next")
    world.run_until(operation, step)
    with pytest.raises(NotCancellableError, match="publish another model afterwards"):
        world.services.operations.cancel(operation.id)
    assert world.finish(operation).state is OperationState.SUCCEEDED


def test_a_training_that_ended_just_before_it_was_cancelled_does_not_stop_the_cancelling() -> None:
    world = in_use(OperationsWorld(api_version="2023-04-01"))
    world.authoring.takes = timedelta(seconds=1)
    operation = world.start_retraining(model="next")
    world.run_until(operation, "wait_training")
    world.clock.advance(timedelta(minutes=1))
    world.services.operations.cancel(operation.id)
    assert_left_alone(world, world.finish(operation), OperationState.CANCELLED)
    assert world.authoring.count("cancel") == 0


def test_what_has_ended_or_never_was_cannot_be_cancelled(world: OperationsWorld) -> None:
    ended = world.retrain(model="next")
    with pytest.raises(NotCancellableError, match="has ended: succeeded"):
        world.services.operations.cancel(ended.id)
    assert world.services.operations.cancel("20260301120000-nothing") is None
    assert world.services.operations.cancel("nonsense") is None


# One operation at a time, each with an end


def test_a_project_has_one_operation_at_a_time(world: OperationsWorld) -> None:
    first = world.start_retraining(model="next")
    with pytest.raises(OperationRunningError) as refused:
        world.start("second")
    with pytest.raises(OperationRunningError) as refused_too:
        world.start_retraining(model="other")
    assert refused.value.operation_id == refused_too.value.operation_id == first.id
    opened = [name for name in world.stores["state"]._blobs if name.startswith("operations/open/")]
    assert opened == [f"operations/open/{first.id}.json"]
    world.run()
    assert world.publish("second").state is OperationState.SUCCEEDED


def test_a_model_that_exists_is_not_trained_again(world: OperationsWorld) -> None:
    with pytest.raises(ModelExistsError, match="'first' already"):
        world.start_retraining(model="first")
    assert world.locks() == []


def test_an_operation_whose_lock_another_one_took_ends_at_its_first_step(world: OperationsWorld) -> None:
    """Its process died between the record and the lock, and a second one was started since."""
    late = retrained(world.start_retraining(model="next"))
    world.stores["state"]._delete("operations/locks/letters.json", None)
    world.queues["operations"]._messages.clear()
    other = world.start_retraining(model="other")
    world.services.operations.steps.send(late.id)
    world.run()
    ended = world.find(late)
    assert (ended.state, ended.reason) == (
        OperationState.FAILED,
        f"it never started: operation {other.id} is running; wait for it or cancel it",
    )
    assert "train next" not in world.authoring.changes
    assert world.find(other).is_ended


def test_a_lock_that_a_crash_left_behind_does_not_keep_others_out(world: OperationsWorld) -> None:
    world.stores["state"]._write("operations/locks/letters.json", b'{"operation": "gone"}', None, must_be=None)
    assert world.retrain(model="next").state is OperationState.SUCCEEDED


def test_an_operation_that_ended_but_was_not_closed_is_closed_by_its_next_message(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    store = world.services.operations.steps.store
    stored = store.find(operation.id)
    assert stored is not None
    now = world.clock()
    store.save(stored.evolve(now, "over", **stored.record.ending(now, OperationState.FAILED, "a crash came")))
    assert world.locks() != []
    world.run()
    assert store.find(operation.id) is None
    assert world.find(operation).reason == "a crash came"
    assert world.locks() == []
    assert world.authoring.changes == []


def test_an_operation_that_ended_but_was_not_closed_keeps_nobody_out(world: OperationsWorld) -> None:
    first = world.start_retraining(model="next")
    store = world.services.operations.steps.store
    stored = store.find(first.id)
    assert stored is not None
    now = world.clock()
    store.save(stored.evolve(now, "over", **stored.record.ending(now, OperationState.FAILED, "a crash came")))
    second = world.start_retraining(model="other")
    world.run()
    assert (world.find(first).reason, world.find(second).is_ended) == ("a crash came", True)
    assert store.find(first.id) is None
    assert "train other" in world.authoring.changes


def test_the_end_of_another_project_s_operation_leaves_a_hold_alone(world: OperationsWorld) -> None:
    world.change_settings(language_project="reports")
    operation = world.start_retraining(model="next", publish=False)
    world.services.active_model.hold()
    assert world.finish(operation).state is OperationState.SUCCEEDED
    assert isinstance(world.active_model(), Held)


def test_an_operation_that_does_not_end_is_given_up_after_a_day(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    world.run_until(operation, "train")
    world.authoring.takes = timedelta(days=7)
    ended = world.finish(operation)
    assert_left_alone(world, ended, OperationState.FAILED)
    assert ended.reason == "it had not ended after 24 hours; the active model is unchanged"
    assert ended.ended is not None
    assert DEADLINE < ended.ended - ended.created < DEADLINE + timedelta(minutes=10)
    assert world.authoring.count("train") == 1


def test_a_message_for_what_is_closed_changes_nothing(world: OperationsWorld) -> None:
    ended = world.retrain(model="next")
    world.services.operation_steps.advance(StepMessage(id=ended.id))
    assert world.find(ended) == ended
    assert world.authoring.changes == CHANGES[world.api_version]


def test_a_lost_message_is_replaced_by_the_sweep(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    world.queues["operations"]._messages.clear()
    assert world.revive_operations() == 0
    world.clock.advance(timedelta(minutes=26))
    assert world.revive_operations() == 1
    assert world.finish(operation).state is OperationState.SUCCEEDED


# Dead letters


BAD_BODIES = ["", "not JSON", '{"schema": 1}', '{"schema": 1, "id": "20260301120000-unknown"}']


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_dead_letter_of_no_operation_is_kept_and_ends_none(world: OperationsWorld, body: str) -> None:
    operation = world.start_retraining(model="next")
    world.services.operation_dead_letters.handle("m1", body=body)
    kept = world.stores["state"]._blobs["dead-letters/operations/m1.json"]
    assert b"a step of the operation failed five times" in kept.data
    assert world.finish(operation).state is OperationState.SUCCEEDED


def test_an_operation_whose_step_failed_five_times_ends_with_the_place_of_its_message(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    world.run_until(operation, "wait_training")
    message = world.queues["operations"].receive(1, visibility=timedelta(minutes=1))[0]
    world.queues["operations"]._messages.clear()
    steps = world.services.operations.steps
    stored = steps.store.find(operation.id)
    assert stored is not None
    steps.store.save(stored.change(failing="ZeroDivisionError"))
    world.services.operation_dead_letters.handle("m1", body=message.text or "")
    ended = world.find(operation)
    assert_left_alone(world, ended, OperationState.FAILED)
    assert ended.reason == (
        "a step of the operation failed five times (ZeroDivisionError); see dead-letters/operations/m1.json and the "
        "log; the active model is unchanged"
    )
    world.services.operation_dead_letters.handle("m2", body=message.text or "")
    assert world.find(operation) == ended


# Crashes


def retraining(api_version: str) -> tuple[OperationsWorld, Operation]:
    world = in_use(OperationsWorld(api_version=api_version))
    world.authoring.one_at_a_time = True
    return world, world.start_retraining(model="next")


def faults(world: OperationsWorld, operation: Operation) -> list[str]:
    """What is not as it must be in the end."""
    ended = world.find(operation)
    # A probe may be repeated, and so may an import; nothing else.
    made = [change for change in world.authoring.changes if not change.startswith(("analyze", "import"))]
    wanted = [change for change in CHANGES[world.api_version] if not change.startswith(("analyze", "import"))]
    found = [f"{ended.state.value}: {ended.reason}"] if ended.state is not OperationState.SUCCEEDED else []
    found += [f"in use is {world.label_in_use()}"] if world.label_in_use() != "next" else []
    found += [f"asked for were {made}"] if made != wanted else []
    return [*found, *world.locks(), *(f"poison {message.id}" for message in world.poison)]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_a_crash_at_any_call_of_a_retraining_does_each_work_of_the_service_once(api_version: str, moment: str) -> None:
    undisturbed, operation = retraining(api_version)
    start = undisturbed.calls
    undisturbed.run()
    calls = undisturbed.calls - start
    assert faults(undisturbed, operation) == []
    assert calls > 50
    found = {}
    for number in range(1, calls + 1):
        crashed, operation = retraining(api_version)
        crashed.crash_at = (crashed.calls + number, moment)
        crashed.run()
        assert crashed.crashes == 1
        if told := faults(crashed, operation):
            found[number] = told
    assert found == {}


LOST = [
    ("2021-preview", "POST /language/text/authoring/v1.0-preview.2/projects/letters/train"),
    ("2021-preview", "/publish"),
    ("2023-04-01", "/:train"),
    ("2023-04-01", "PUT /language/authoring/analyze-text/projects/letters/deployments/staging"),
    ("2023-04-01", ":swap"),
]


@pytest.mark.parametrize(("api_version", "request_path"), LOST)
@pytest.mark.parametrize("takes", [timedelta(0), timedelta(seconds=40)], ids=["at once", "slowly"])
def test_a_lost_answer_repeats_no_work(api_version: str, request_path: str, takes: timedelta) -> None:
    world, operation = retraining(api_version)
    world.authoring.takes = takes
    world.authoring.lose = request_path
    world.run()
    assert world.authoring.lose == ""
    assert faults(world, operation) == []


def test_a_job_of_an_earlier_failed_training_is_not_taken_for_this_one() -> None:
    """A failed training leaves no model, so its label may be used again; the service still lists the job."""
    world = in_use(OperationsWorld(api_version="2023-04-01"))
    world.authoring.fails["train"] = ILL
    assert world.retrain(model="next").state is OperationState.FAILED
    world.clock.advance(timedelta(hours=1))
    unsent = [True]

    def lose_before(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/:train") and unsent and unsent.pop():
            raise httpx.ReadError("reset", request=request)
        return None

    world.authoring.answer = lose_before
    ended = world.retrain(model="next")
    assert (ended.state, unsent) == (OperationState.SUCCEEDED, [])
    assert world.authoring.count("train next") == 2


@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_messages_that_come_twice_do_each_work_once(api_version: str) -> None:
    world, operation = retraining(api_version)
    queue = world.queues["operations"]
    send: Callable[..., SentMessage] = queue.send

    def send_twice(message: object, *, delay: timedelta = timedelta(0)) -> SentMessage:
        sent = send(message, delay=delay)
        if queue.length() < 4:
            send(message, delay=delay)
        return sent

    queue.send = send_twice  # type: ignore[method-assign]
    world.run()
    assert faults(world, operation) == []
