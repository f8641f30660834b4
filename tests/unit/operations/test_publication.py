"""Publishing a model, in both API versions: the order of its steps, roll-back, failures, holds. On fakes.

What is retrained before, and what a real host, Azurite and the emulator add, is in tests/e2e.
"""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from shared.errors import ModelUnknownError
from shared.language.values import ModelRef, ProjectKind
from shared.models.active_model import HOLD_LIMIT
from shared.operations.operation import OperationState
from tests.unit.operations.operations_world import PUBLISH, OperationsWorld, steps_of

REFERENCES = {"2021-preview": "second-id", "2023-04-01": "production"}
CHANGES = {
    "2021-preview": ["publish second", "analyze second-id"],
    "2023-04-01": ["deploy staging second", "analyze staging", "swap staging production"],
}


def dated() -> OperationsWorld:
    return OperationsWorld(api_version="2023-04-01")


@pytest.mark.parametrize("api_version", PUBLISH)
def test_a_publication_takes_its_steps_and_ends_with_the_model_in_use(api_version: str) -> None:
    world = OperationsWorld(api_version=api_version)
    world.publish("first")
    world.authoring.changes.clear()
    ended = world.publish("second")
    assert (ended.state, ended.reason) == (OperationState.SUCCEEDED, "second is in use")
    assert steps_of(ended) == PUBLISH[api_version]
    assert world.authoring.changes == CHANGES[api_version]
    assert world.in_use() == ModelRef(
        project="letters",
        kind=ProjectKind.MULTI,
        reference=REFERENCES[api_version],
        label="second",
        api_version=api_version,
    )
    assert world.locks() == []


def test_the_first_publication_deploys_into_production() -> None:
    world = dated()
    ended = world.publish("first")
    assert world.authoring.changes == ["deploy staging first", "analyze staging", "deploy production first"]
    assert world.authoring.deployments == {"staging": "first", "production": "first"}
    assert steps_of(ended) == PUBLISH["2023-04-01"]
    assert world.label_in_use() == "first"


def test_nothing_is_held_for_the_first_publication() -> None:
    world = dated()
    operation = world.start("first")
    before = world.clock()
    world.run_until(operation, "swap")
    assert world.clock() - before < timedelta(seconds=30)
    assert world.label_in_use() is None


def test_a_roll_back_is_a_swap_without_a_second_deployment() -> None:
    world = dated()
    world.publish("first")
    world.publish("second")
    assert world.authoring.deployments == {"staging": "first", "production": "second"}
    world.authoring.changes.clear()
    ended = world.publish("first")
    assert world.authoring.changes == ["analyze staging", "swap staging production"]
    assert world.authoring.deployments == {"staging": "second", "production": "first"}
    assert ended.history[0].what == "publish: the staging deployment holds it already"
    assert world.label_in_use() == "first"


def test_a_model_in_production_is_published_again_without_a_swap() -> None:
    world = dated()
    for label in ("first", "second", "second"):
        ended = world.publish(label)
        assert ended.state is OperationState.SUCCEEDED
    assert world.authoring.count("swap") == 1
    assert world.authoring.deployments["production"] == world.label_in_use() == "second"


@pytest.mark.parametrize("api_version", PUBLISH)
def test_a_model_id_goes_back_to_the_model_it_named(api_version: str) -> None:
    world = OperationsWorld(api_version=api_version)
    for label in ("first", "second", "third", "first"):
        world.publish(label)
    world.upload("letter.txt", "about billing")
    world.run()
    assert [record.model.label for record in world.records()] == ["first"]
    assert world.untruthful() == []


def test_a_model_that_was_never_trained_is_not_published() -> None:
    world = dated()
    with pytest.raises(ModelUnknownError, match="no trained model 'never'"):
        world.start("never")
    assert world.locks() == []
    assert world.queues["operations"].length() == 0


# The probe


def broken(world: OperationsWorld, status: int, body: object) -> None:
    """The service answers every look at an analyze job so."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        is_job = request.method == "GET" and "/jobs/job-" in request.url.path
        if not is_job:
            return None
        probed = world.service.jobs[request.url.path.rpartition("/")[2]].documents[0]["id"]
        return httpx.Response(status, content=json.dumps(body).replace('"PROBE"', json.dumps(probed)))

    world.authoring.answer = answer


def classified(text_id: str = "PROBE", category: str = "a", **others: object) -> dict[str, object]:
    """A finished job in both APIs' forms at once. PROBE stands for the id of the operation's own probe."""
    classes = [{"category": category, "confidenceScore": 1.0}]
    document = {"id": text_id, "classes": classes, "class": classes, "warnings": []}
    results = {"documents": [document], "errors": []} | others.pop("results", {})  # type: ignore[operator]
    tasks = {"customMultiClassificationTasks": [{"results": results}], "items": [{"results": results}]}
    return {"status": "succeeded", "errors": [], "tasks": tasks} | others


PROBES: dict[str, tuple[int, object]] = {
    "is answered by another job": (200, classified(jobId="another")),
    "is answered for another submission": (200, classified(displayName="probe-of-another")),
    "is answered for another text": (200, classified("0")),
    "gets a class that cannot be": (200, classified(category="x" * 51)),
    "is answered with a result and an error": (200, classified(results={"errors": [{"id": "PROBE"}]})),
    "fails": (200, {"status": "failed", "errors": [{"code": "Broken", "message": "no"}], "tasks": {}}),
    "has no result": (200, {"status": "succeeded", "errors": [], "tasks": {}}),
    "is unknown": (404, {"error": {"code": "NotFound", "message": "no"}}),
    "is malformed": (200, {"state": "succeeded"}),
}


@pytest.mark.parametrize("case", PROBES)
@pytest.mark.parametrize("api_version", PUBLISH)
def test_a_probe_that_comes_to_nothing_leaves_the_model_in_use_alone(api_version: str, case: str) -> None:
    world = OperationsWorld(api_version=api_version)
    world.publish("first")
    before = world.in_use()
    broken(world, *PROBES[case])
    ended = world.publish("second")
    assert ended.state is OperationState.FAILED
    assert (ended.reason or "").endswith("the active model is unchanged")
    assert world.in_use() == before
    assert world.authoring.count("swap") == 0
    assert world.authoring.deployments.get("production", "first") == "first"
    assert world.locks() == []


@pytest.mark.parametrize("api_version", PUBLISH)
def test_a_probe_that_is_answered_with_its_own_id_is_enough(api_version: str) -> None:
    world = OperationsWorld(api_version=api_version)
    broken(world, 200, classified())
    assert world.publish("first").state is OperationState.SUCCEEDED


@pytest.mark.parametrize(
    ("other", "says"), [("projectName", "another project"), ("deploymentName", "another deployment")]
)
def test_a_probe_that_another_project_or_deployment_answered_is_not_switched_to(other: str, says: str) -> None:
    world = dated()
    broken(world, 200, classified(results={other: "somewhere-else"}))
    ended = world.publish("first")
    assert ended.state is OperationState.FAILED
    assert says in (ended.reason or "")


@pytest.mark.parametrize("case", PROBES)
@pytest.mark.parametrize("api_version", PUBLISH)
def test_a_probe_that_the_service_loses_or_spoils_is_sent_again(api_version: str, case: str) -> None:
    world = OperationsWorld(api_version=api_version)
    status, body = PROBES[case]
    spoiled = [httpx.Response(status, json=body)] * 2

    def answer(request: httpx.Request) -> httpx.Response | None:
        is_job = request.method == "GET" and "/jobs/job-" in request.url.path
        return spoiled.pop() if is_job and spoiled else None

    world.authoring.answer = answer
    ended = world.publish("first")
    assert (ended.state, ended.reason) == (OperationState.SUCCEEDED, "first is in use")
    assert [change.split()[0] for change in world.authoring.changes].count("analyze") == 3


def test_what_the_probe_was_told_is_in_the_operation_s_errors() -> None:
    world = dated()
    broken(world, *PROBES["fails"])
    ended = world.publish("first")
    assert [(error.code, error.message) for error in ended.errors] == [("Broken", "no")]
    assert "does not classify the probe: Broken: no" in (ended.reason or "")


def test_a_publication_that_yields_no_model_id_is_not_switched_to() -> None:
    world = OperationsWorld(api_version="2021-preview")
    world.publish("first")
    before = world.in_use()

    def answer(request: httpx.Request) -> httpx.Response | None:
        body = {"status": "succeeded", "errors": [], "tasks": [{"status": "succeeded"}]}
        return httpx.Response(200, json=body) if "/publish/jobs/" in request.url.path else None

    world.authoring.answer = answer
    ended = world.publish("second")
    assert (ended.state, world.in_use()) == (OperationState.FAILED, before)
    assert ended.reason == "publishing succeeded without a model id; the active model is unchanged"


# The hold


@pytest.mark.parametrize("step", ["swap", "wait_swap"])
def test_documents_that_arrive_during_a_hold_wait_and_are_classified_by_the_new_model(step: str) -> None:
    world = dated()
    world.publish("first")
    operation = world.start("second")
    world.run_until(operation, "swap")
    world.authoring.takes = timedelta(minutes=1)
    world.run_until(operation, step)
    assert world.in_use() is None
    world.upload("letter.txt", "about billing")
    world.pass_time(timedelta(seconds=25))
    assert world.find(operation).step.value == step
    assert world.status()["batches"]["waiting_for_model"] == {"batches": 1, "documents": 1}
    assert world.classification("letter.txt") is None
    world.run()
    record = world.classification("letter.txt")
    assert record is not None
    assert (record.model.label, record.model.reference) == ("second", "production")
    assert world.untruthful() == []


def test_a_batch_that_waits_is_woken_by_the_switch_and_says_why_it_waited() -> None:
    world = dated()
    world.publish("first")
    world.authoring.takes = timedelta(minutes=8)
    operation = world.start("second")
    world.run_until(operation, "wait_swap")
    world.upload("letter.txt", "about billing")
    world.run_until(operation, "switch")
    assert world.status()["batches"]["waiting_for_model"] == {"batches": 1, "documents": 1}
    world.deliver_next()
    switched = world.clock()
    world.pass_time(timedelta(seconds=10))
    record = world.classification("letter.txt")
    assert record is not None
    assert record.timings.submitted - switched < timedelta(seconds=5)
    (batch,) = [
        blob.data.decode() for name, blob in world.stores["state"]._blobs.items() if name.startswith("batches/closed/")
    ]
    assert "a publication is switching models" in batch


def test_no_document_around_a_publication_names_a_model_that_did_not_classify_it() -> None:
    world = dated()
    world.publish("first")
    world.authoring.takes = timedelta(seconds=20)
    operation = world.start("second")
    number = 0
    while not world.find(operation).is_ended:
        world.upload(f"letter-{number}.txt", f"letter {number} about billing")
        number += 1
        world.pass_time(timedelta(seconds=3))
    world.run()
    assert number > 15
    assert world.violations() == []
    assert world.untruthful() == []
    assert {record.model.label for record in world.records()} == {"first", "second"}


def test_the_swap_waits_until_no_submission_under_the_old_answer_can_be_on_its_way() -> None:
    world = dated()
    world.publish("first")
    operation = world.start("second")
    world.run_until(operation, "swap")
    held = world.clock()
    world.run_until(operation, "wait_swap", "switch")
    settle = world.settings.pipeline_model_cache_seconds + world.settings.language_read_seconds
    assert world.clock() - held >= timedelta(seconds=settle) - timedelta(seconds=1)


def test_a_hold_ends_by_itself() -> None:
    world = dated()
    world.publish("first")
    operation = world.start("second")
    world.run_until(operation, "swap")
    held = world.clock()
    # The operation is never heard of again, and nobody sweeps.
    world.queues["operations"]._messages.clear()
    world.upload("letter.txt", "about billing")
    world.pass_time(HOLD_LIMIT - timedelta(minutes=1))
    assert world.in_use() is None
    assert world.classification("letter.txt") is None
    world.run()
    record = world.classification("letter.txt")
    assert record is not None
    assert record.model.label == "first"
    assert timedelta(seconds=-1) < record.timings.submitted - held - HOLD_LIMIT < timedelta(minutes=6)
    assert world.untruthful() == []


def test_a_swap_after_a_lapsed_hold_holds_and_settles_anew() -> None:
    world = dated()
    world.publish("first")
    operation = world.start("second")
    world.run_until(operation, "swap")
    # Its message is lost for longer than a hold lasts, so that submissions went on.
    world.queues["operations"]._messages.clear()
    world.pass_time(HOLD_LIMIT + timedelta(minutes=1))
    assert world.in_use() is not None
    world.services.operations.steps.send(operation.id)
    world.deliver_next()
    assert world.find(operation).history[-1].what == "swap: the hold has lapsed"
    world.run_until(operation, "swap")
    held = world.clock()
    assert world.in_use() is None
    world.run_until(operation, "wait_swap", "switch")
    assert world.clock() - held >= timedelta(seconds=world.settings.language_read_seconds)
    assert world.finish(operation).state is OperationState.SUCCEEDED
    assert world.authoring.count("swap") == 1


def test_a_publication_that_fails_during_a_hold_lets_submissions_go_on() -> None:
    world = dated()
    world.publish("first")
    operation = world.start("second")
    world.run_until(operation, "swap")
    assert world.in_use() is None
    world.authoring.answer = lambda request: httpx.Response(400) if request.url.path.endswith(":swap") else None
    world.upload("letter.txt", "about billing")
    world.run()
    assert world.find(operation).state is OperationState.FAILED
    assert [record.model.label for record in world.records()] == ["first"]
    assert world.violations() == []


def test_the_deployments_of_another_project_are_swapped_without_a_hold() -> None:
    world = dated()
    world.publish("first")
    operation = world.start("second")
    world.change_settings(language_project="reports")
    world.run_until(operation, "switch")
    assert world.in_use() is not None
    world.run()
    ended = world.find(operation)
    assert ended.reason == "published, not in use: LANGUAGE_PROJECT is 'reports'"
    assert world.authoring.deployments["production"] == "second"
