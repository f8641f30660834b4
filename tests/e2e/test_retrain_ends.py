"""Retraining step by step on real Azurite and the emulator: what goes wrong ends clearly, and leaves the model be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shared.training.operation import OperationState, Step
from shared.training.operations import OperationRunningError
from shared.training.start import ModelExistsError, ModelUnknownError, NotCancellableError, cancel_operation

from tests.e2e.disturbances import Crash, CrashAfter
from tests.e2e.operations_bench import Bench

pytestmark = pytest.mark.e2e


# Clear ends


def test_a_failed_training_ends_the_operation_with_the_errors_as_given(bench: Bench) -> None:
    bench.inject("train", {"kind": "fail_job", "code": "InternalServerError", "message": "The trainer is ill."})
    ended = bench.run(bench.retrain(model="next"))
    bench.assert_without_effect(ended, OperationState.FAILED)
    assert [(error.code, error.message) for error in ended.errors] == [("InternalServerError", "The trainer is ill.")]
    assert "training failed: InternalServerError: The trainer is ill." in (ended.reason or "")
    assert bench.jobs("publishing") == []


def test_a_failed_publication_ends_the_operation_with_the_errors_as_given(bench: Bench) -> None:
    bench.inject(bench.publication, {"kind": "fail_job", "code": "QuotaExceeded", "message": "Enough."})
    ended = bench.run(bench.retrain(model="next"))
    bench.assert_without_effect(ended, OperationState.FAILED)
    assert [error.code for error in ended.errors] == ["QuotaExceeded"]
    assert ended.step is Step.WAIT_PUBLISHING


def test_a_published_model_that_does_not_classify_is_not_switched_to(bench: Bench) -> None:
    bench.inject("submit_analysis", {"kind": "fail_job", "code": "ModelBroken", "message": "No."})
    ended = bench.run(bench.retrain(model="next"))
    bench.assert_without_effect(ended, OperationState.FAILED)
    assert "does not classify the probe" in (ended.reason or "")


def test_too_few_documents_for_an_evaluation_are_refused(bench: Bench) -> None:
    bench.upload_labels(documents=8)
    ended = bench.run(bench.retrain(model="next"))
    bench.assert_without_effect(ended, OperationState.REFUSED)
    assert ended.gate is not None
    assert (ended.gate.passed, ended.candidate_evaluation) == (False, None)
    assert "no evaluation; label more documents" in ended.gate.reason
    assert bench.requests(bench.publication) == {}


def test_too_few_documents_for_an_evaluation_are_published_by_force(bench: Bench) -> None:
    bench.upload_labels(documents=8)
    ended = bench.run(bench.retrain(model="next", force=True))
    bench.assert_done_once(ended)
    assert ended.gate is not None
    assert ended.gate.forced


@pytest.mark.parametrize("step", [Step.WAIT_TRAINING, Step.EVALUATE, Step.PUBLISH, Step.SWITCH])
def test_a_project_deleted_meanwhile_ends_the_operation(bench: Bench, step: Step) -> None:
    operation = bench.retrain(model="next")
    assert bench.run(operation, until=step).step is step
    bench.delete_project()
    ended = bench.run(operation)
    bench.assert_without_effect(ended, OperationState.FAILED)
    assert "404" in (ended.reason or "")
    assert [error.code for error in ended.errors]


def test_an_operation_that_does_not_end_is_given_up_after_a_day(bench: Bench) -> None:
    bench.progress(training="never")
    operation = bench.retrain(model="next")
    bench.run(operation, until=Step.WAIT_TRAINING)
    for _ in range(3):
        bench.deliver()
    bench.pass_time(timedelta(hours=25))
    ended = bench.run(operation)
    bench.assert_without_effect(ended, OperationState.FAILED)
    assert "not ended after 24 hours" in (ended.reason or "")


# What people ask for


def test_a_retraining_can_be_cancelled_while_it_trains(bench: Bench) -> None:
    bench.progress(training="never")
    operation = bench.retrain(model="next")
    bench.run(operation, until=Step.WAIT_TRAINING)
    assert cancel_operation(bench.training, operation.id) is not None
    bench.assert_without_effect(bench.run(operation), OperationState.CANCELLED)


@pytest.mark.parametrize("crashed", [False, True], ids=["asked and answered", "asked, the answer lost in a crash"])
def test_a_publication_the_service_was_asked_for_cannot_be_cancelled(bench: Bench, crashed: bool) -> None:
    operation = bench.retrain(model="next")
    bench.run(operation, until=Step.PUBLISH)
    bench.hook = CrashAfter(1) if crashed else None
    try:
        bench.deliver()
    except Crash:
        bench.restart()
    bench.hook = None
    assert bench.requests(bench.publication) == {"202": 1}
    with pytest.raises(NotCancellableError, match="publishing"):
        cancel_operation(bench.training, operation.id)
    bench.assert_done_once(bench.run(operation))


def test_an_ended_operation_cannot_be_cancelled_and_gives_the_project_free(bench: Bench) -> None:
    ended = bench.run(bench.retrain(model="next"))
    with pytest.raises(NotCancellableError, match="has ended: succeeded"):
        cancel_operation(bench.training, ended.id)
    with pytest.raises(ModelExistsError):
        bench.retrain(model="next")
    again = bench.retrain(model="nexter")
    with pytest.raises(OperationRunningError) as refused:
        bench.publish("next")
    assert refused.value.operation_id == again.id


def test_an_older_model_is_published_again_to_roll_back(bench: Bench) -> None:
    for label in ("next", "nexter"):
        bench.run(bench.retrain(model=label))
    ended = bench.run(bench.publish("next"))
    steps = bench.steps[bench.steps.index("publish") :]
    if bench.api_version != "2021-preview":  # the staging deployment holds the one before, which swapping brings back
        steps.remove("wait_publishing")
        assert len(bench.jobs("swap")) == 2
    assert [each.step.value for each in ended.steps] == steps
    assert (ended.state, bench.active_label()) == (OperationState.SUCCEEDED, "next")
    with pytest.raises(ModelUnknownError):
        bench.publish("never")


def test_training_without_publishing_leaves_the_model_in_use(bench: Bench) -> None:
    ended = bench.run(bench.retrain(model="next", publish=False))
    bench.assert_without_effect(ended, OperationState.SUCCEEDED)
    assert bench.jobs("publishing") == []


def test_all_faults_of_a_labels_file_are_answered_at_once(bench: Bench) -> None:
    stored = bench.services.training.open_container(bench.services.settings.training_container)
    before = stored.read("labels.json").data
    stored.put("empty.txt", b"")
    stored.put("binary.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    entry = {"culture": "en-us", "intents": [0]}
    labels = {
        "intentNames": ["billing", "bill ing", "billing"],
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
    status, problem = bench.request("put_labels", labels, project=bench.project)
    assert (status, problem["title"]) == (422, "The labels file has problems")
    told = {(fault["place"], fault["what"]) for fault in problem["faults"]}
    for place, words in (
        ("documents[5].intents[0]", "not an index"),
        ("documents[6]", "needs a location"),
        ("intentNames[1]", "not a class name"),
        ("intentNames[2]", "twice"),
        ("documents", "at least 10 are needed"),
        ("documents[1]", "first at documents[0]"),
        ("documents[2]", "has no blob 'never.txt'"),
        ("documents[3]", "is empty"),
        ("documents[4]", "not a .txt"),
    ):
        assert any(each == place and words in what for each, what in told), (place, words, told)
    assert stored.read("labels.json").data == before
