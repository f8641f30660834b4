"""Retraining step by step on real Azurite and the emulator: what goes wrong ends clearly, and leaves the model be."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from shared.errors import ModelExistsError, ModelUnknownError, NotCancellableError, OperationRunningError
from shared.operations.operation import OperationState, Retrain, Step
from tests.e2e.disturbances import Crash, CrashAfter
from tests.e2e.operations_world import OperationsWorld
from tests.unit.operations.operations_world import steps_of

pytestmark = pytest.mark.e2e


# Clear ends


def test_a_failed_training_ends_the_operation_with_the_errors_as_given(world: OperationsWorld) -> None:
    world.inject("train", {"kind": "fail_job", "code": "InternalServerError", "message": "The trainer is ill."})
    ended = world.run(world.retrain(model="next"))
    world.assert_without_effect(ended, OperationState.FAILED)
    assert [(error.code, error.message) for error in ended.errors] == [("InternalServerError", "The trainer is ill.")]
    assert "training failed: InternalServerError: The trainer is ill." in (ended.reason or "")
    assert world.jobs("publishing") == []


def test_a_failed_publication_ends_the_operation_with_the_errors_as_given(world: OperationsWorld) -> None:
    world.inject(world.publication, {"kind": "fail_job", "code": "QuotaExceeded", "message": "Enough."})
    ended = world.run(world.retrain(model="next"))
    world.assert_without_effect(ended, OperationState.FAILED)
    assert [error.code for error in ended.errors] == ["QuotaExceeded"]
    assert ended.step is Step.WAIT_PUBLISHING


def test_a_published_model_that_does_not_classify_is_not_switched_to(world: OperationsWorld) -> None:
    world.inject("submit_analysis", {"kind": "fail_job", "code": "ModelBroken", "message": "No."}, count=None)
    ended = world.run(world.retrain(model="next"))
    world.assert_without_effect(ended, OperationState.FAILED)
    assert "does not classify the probe" in (ended.reason or "")


def upload_few(world: OperationsWorld) -> None:
    """None of them golden: under the dated API a single one would be an evaluation."""
    world.upload_labels(documents=8)
    container = world.adapters.open_container(world.settings.training_container)
    labels = json.loads(container.read("labels.json").data)
    labels["documents"] = [each | {"dataset": "Train"} for each in labels["documents"]]
    container.put("labels.json", json.dumps(labels).encode())


def test_too_few_documents_for_an_evaluation_are_refused(world: OperationsWorld) -> None:
    upload_few(world)
    ended = world.run(world.retrain(model="next"))
    world.assert_without_effect(ended, OperationState.REFUSED)
    assert isinstance(ended, Retrain)
    assert ended.gate is not None
    assert (ended.gate.passed, ended.candidate_evaluation) == (False, None)
    assert "no evaluation (a test set needs more labelled documents)" in ended.gate.reason
    # Published, and tried, where nothing depends on it.
    assert world.requests(world.publication) == {"202": 1}


def test_too_few_documents_for_an_evaluation_are_published_by_force(world: OperationsWorld) -> None:
    upload_few(world)
    ended = world.run(world.retrain(model="next", force=True))
    world.assert_done_once(ended)
    assert isinstance(ended, Retrain)
    assert ended.gate is not None
    assert ended.gate.forced


@pytest.mark.parametrize("step", [Step.WAIT_TRAINING, Step.EVALUATE, Step.PUBLISH, Step.SWITCH])
def test_a_project_deleted_meanwhile_ends_the_operation(world: OperationsWorld, step: Step) -> None:
    operation = world.retrain(model="next")
    assert world.run(operation, until=step).step is step
    world.delete_project()
    ended = world.run(operation)
    world.assert_without_effect(ended, OperationState.FAILED)
    assert "404" in (ended.reason or "")
    assert [error.code for error in ended.errors]


def test_an_operation_that_does_not_end_is_given_up_after_a_day(world: OperationsWorld) -> None:
    world.progress(training="never")
    operation = world.retrain(model="next")
    world.run(operation, until=Step.WAIT_TRAINING)
    for _ in range(3):
        world.deliver()
    world.pass_time(timedelta(hours=25))
    ended = world.run(operation)
    world.assert_without_effect(ended, OperationState.FAILED)
    assert "had not ended after 24 hours" in (ended.reason or "")


# What people ask for


def test_a_retraining_can_be_cancelled_while_it_trains(world: OperationsWorld) -> None:
    world.progress(training="never")
    operation = world.retrain(model="next")
    world.run(operation, until=Step.WAIT_TRAINING)
    assert world.services.operations.cancel(operation.id) is not None
    world.assert_without_effect(world.run(operation), OperationState.CANCELLED)


@pytest.mark.parametrize("crashed", [False, True], ids=["asked and answered", "asked, the answer lost in a crash"])
def test_a_publication_the_service_was_asked_for_cannot_be_cancelled(world: OperationsWorld, crashed: bool) -> None:
    operation = world.retrain(model="next")
    world.run(operation, until=Step.PUBLISH)
    world.hook = CrashAfter(1) if crashed else None
    try:
        world.deliver()
    except Crash:
        world.restart()
    world.hook = None
    assert world.requests(world.publication) == {"202": 1}
    with pytest.raises(NotCancellableError, match="publishing"):
        world.services.operations.cancel(operation.id)
    world.assert_done_once(world.run(operation))


def test_an_ended_operation_cannot_be_cancelled_and_gives_the_project_free(world: OperationsWorld) -> None:
    ended = world.run(world.retrain(model="next"))
    with pytest.raises(NotCancellableError, match="has ended: succeeded"):
        world.services.operations.cancel(ended.id)
    with pytest.raises(ModelExistsError):
        world.retrain(model="next")
    again = world.retrain(model="nexter")
    with pytest.raises(OperationRunningError) as refused:
        world.publish("next")
    assert refused.value.operation_id == again.id


def test_an_older_model_is_published_again_to_roll_back(world: OperationsWorld) -> None:
    for label in ("next", "nexter"):
        # The gate has its say elsewhere: on 13 golden documents it would be a coin's.
        retrained = world.run(world.retrain(model=label, force=True))
        assert retrained.state is OperationState.SUCCEEDED, retrained.history
    ended = world.run(world.publish("next"))
    steps = [step for step in world.steps[world.steps.index("publish") :] if step != "gate"]
    if world.api_version != "2021-preview":  # the staging deployment holds the one before, which swapping brings back
        steps.remove("wait_publishing")
        assert len(world.jobs("swap")) == 2
    assert steps_of(ended) == steps
    assert (ended.state, world.active_label()) == (OperationState.SUCCEEDED, "next")
    with pytest.raises(ModelUnknownError):
        world.publish("never")


def test_training_without_publishing_leaves_the_model_in_use(world: OperationsWorld) -> None:
    ended = world.run(world.retrain(model="next", publish=False))
    world.assert_without_effect(ended, OperationState.SUCCEEDED)
    assert world.jobs("publishing") == []


def test_all_faults_of_a_labels_file_are_answered_at_once(world: OperationsWorld) -> None:
    stored = world.adapters.open_container(world.settings.training_container)
    before = stored.read("labels.json").data
    stored.put("empty.txt", b"")
    stored.put("binary.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    entry = {"culture": "en-us", "intents": [0]}
    labels = {
        "intentNames": ["billing", "bill/ing", "billing"],
        "documents": [
            {"location": "t0.txt"} | entry,
            {"location": "t0.txt"} | entry,
            {"location": "never.txt"} | entry,
            {"location": "empty.txt"} | entry,
            {"location": "t1.pdf"} | entry,
            {"location": "t2.txt", "culture": "en-us", "intents": [7]},
            {"culture": "en-us", "intents": [0]},
        ],
    }
    status, problem = world.request("put_labels", labels, project=world.project)
    assert (status, problem["title"]) == (422, "The labels file has problems")
    told = {(each["place"], each["what"]) for each in problem["problems"]}
    for place, words in (
        ("documents[5].intents[0]", "not an index"),
        ("documents[6]", "needs a location"),
        ("intentNames[1]", "not a class name"),
        ("intentNames[2]", "twice"),
        ("documents[1]", "first at documents[0]"),
        ("documents[2]", "has no blob 'never.txt'"),
        ("documents[3]", "is empty"),
        ("documents[4]", "not a .txt"),
    ):
        assert any(each == place and words in what for each, what in told), (place, words, told)
    assert stored.read("labels.json").data == before
