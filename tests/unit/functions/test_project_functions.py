"""HTTP: projects, labels, models, retraining and publishing; the timers and dead letters, as the worker calls them."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import httpx
import pytest

from tests.unit.functions.harness import App
from tests.unit.operations.operations_world import OperationsWorld, labels

VALIDATION = {
    "modelType": "MultiClassification",
    "multiClassificationValidation": {
        "documents": [
            {
                "location": "a.txt",
                "culture": "en-us",
                "classes": {"labeledClasses": ["billing"], "predictedClasses": []},
            },
            {
                "location": "b.txt",
                "culture": "en-us",
                "classes": {"labeledClasses": ["billing"], "predictedClasses": ["billing"]},
            },
        ]
    },
}


@pytest.fixture
def world() -> OperationsWorld:
    return OperationsWorld(api_version="2021-preview")


@pytest.fixture
def app(world: OperationsWorld) -> App:
    return App(world)


def test_a_project_is_created_once_and_its_description_changed_afterwards(app: App) -> None:
    code, before, _ = app.request("get_project", project="letters")
    assert (code, before["name"]) == (200, "letters")
    request = {"kind": before["kind"], "container": before["container"], "language": before["language"]}
    body = json.dumps(request | {"description": before["description"]}).encode()
    code, after, _ = app.request("put_project", method="PUT", body=body, project="letters")
    assert (code, after) == (200, before)


def test_an_unknown_project_is_404_with_what_to_do(world: OperationsWorld, app: App) -> None:
    world.service.answer = lambda _: httpx.Response(404)
    code, problem, _ = app.request("get_project", project="nobody-s")
    assert (code, problem["title"]) == (404, "Unknown project")
    assert "create it with PUT /api/projects/nobody-s" in problem["detail"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "~reclassify", "x" * 51])
def test_a_project_s_name_is_checked_before_the_service_is_asked(app: App, name: str) -> None:
    code, problem, _ = app.request("get_project", project=name)
    assert (code, problem["title"]) == (400, "The request cannot be read")


def test_a_project_is_deleted_only_when_its_name_confirms_it(world: OperationsWorld, app: App) -> None:
    code, problem, _ = app.request("delete_project", method="DELETE", project="letters")
    assert (code, problem["title"]) == (409, "Confirmation needed")
    code, problem, _ = app.request("delete_project", method="DELETE", query={"confirm": "other"}, project="letters")
    assert code == 409
    assert app.request("get_project", project="letters")[0] == 200


def test_labels_that_are_not_json_are_refused_with_the_place(app: App) -> None:
    code, problem, _ = app.request("put_labels", method="PUT", body=b"{", project="letters")
    assert (code, problem["title"]) == (400, "The labels file is not JSON")
    assert "line 1 column 2" in problem["detail"]


def test_labels_are_stored_when_their_documents_are_there(world: OperationsWorld, app: App) -> None:
    for number in range(20):
        world.stores["training"].write_unhooked(f"t{number}.txt", f"about billing {number}".encode())
    code, stored, _ = app.request("put_labels", method="PUT", body=json.dumps(labels()).encode(), project="letters")
    warnings = stored.pop("warnings")
    assert (code, stored) == (
        200,
        {
            "documents": 20,
            "unlabelled": 0,
            "classes": {"billing": 10, "shipping": 10},
            "stored": "labels.json",
            "more_warnings": 0,
        },
    )
    # So few documents leave too few on either side.
    assert {each["place"] for each in warnings} == {"assets.classes[0]", "assets.classes[1]"}
    assert warnings[0]["what"] == "'billing' labels 9 documents to train on; the service advises 10 at least: 1 missing"


def test_every_fault_of_a_labels_file_is_told_with_its_place(app: App) -> None:
    code, problem, _ = app.request("put_labels", method="PUT", body=json.dumps(labels()).encode(), project="letters")
    assert (code, problem["title"]) == (422, "The labels file has problems")
    assert [each["place"] for each in problem["problems"]][:2] == ["assets.documents[0]", "assets.documents[1]"]


def test_a_retraining_is_accepted_and_can_be_followed_and_cancelled(world: OperationsWorld, app: App) -> None:
    follow = App(world)
    code, accepted, response = app.request("retrain", method="POST", body=b'{"model": "next"}', project="letters")
    assert (code, accepted["model"], accepted["state"]) == (202, "next", "running")
    assert response.headers["Location"] == accepted["operation"] == f"/api/operations/{accepted['id']}"
    code, operation, response = follow.request("get_operation", id=accepted["id"])
    assert (code, operation["step"], response.headers["Retry-After"]) == (200, "split", "5")
    code, listed, _ = app.request("list_operations", project="letters")
    assert [each["id"] for each in listed["operations"]] == [accepted["id"]]
    code, problem, response = app.request("retrain", method="POST", project="letters")
    assert (code, problem["title"], response.headers["Location"]) == (
        409,
        "An operation is running",
        accepted["operation"],
    )
    code, _, _ = follow.request("cancel_operation", method="POST", id=accepted["id"])
    assert code == 202
    world.run()
    code, ended, response = follow.request("get_operation", id=accepted["id"])
    assert (ended["state"], "Retry-After" in response.headers) == ("cancelled", False)
    code, problem, _ = follow.request("cancel_operation", method="POST", id=accepted["id"])
    assert (code, problem["title"]) == (409, "The operation cannot be cancelled")


@pytest.mark.parametrize("name", ["get_operation", "cancel_operation"])
def test_an_unknown_operation_is_404(world: OperationsWorld, name: str) -> None:
    code, problem, _ = App(world).request(name, id="never")
    assert (code, problem["title"]) == (404, "Unknown operation")


def test_a_model_is_published_by_its_name_and_listed_as_in_use(world: OperationsWorld, app: App) -> None:
    world.retrain(model="next", publish=False)
    code, accepted, _ = app.request("publish", method="POST", body=b'{"model": "next"}', project="letters")
    assert (code, accepted["model"]) == (202, "next")
    world.run()
    code, listed, _ = App(world).request("list_models", project="letters")
    assert code == 200
    assert [each["in_use"] for each in listed["models"] if each["model"] == "next"] == [True]
    code, problem, _ = app.request("publish", method="POST", body=b'{"model": "never"}', project="letters")
    assert (code, problem["title"]) == (404, "Unknown model")


def test_an_evaluation_is_shown_and_two_are_compared(world: OperationsWorld) -> None:
    app = App(world)
    world.authoring.evaluations |= {"one": 0.5, "two": 0.75}
    for name in ("one", "two"):
        world.retrain(model=name, publish=False)
    code, evaluation, _ = app.request("get_evaluation", query={"model": "one"}, project="letters")
    assert (code, evaluation["label"], evaluation["kind"]) == (200, "one", "multi_label")
    code, compared, _ = app.request("compare_models", query={"models": "one,two"}, project="letters")
    assert (code, compared["models"]) == (200, ["one", "two"])
    assert compared["delta"]["micro_f1"] == 0.25


@pytest.mark.parametrize(
    ("name", "query", "title"),
    [
        ("get_evaluation", {}, "Which model?"),
        ("get_validation", {}, "Which model?"),
        ("get_validation", {"model": "one", "only": "wrong"}, "Unknown filter"),
        ("compare_models", {"models": "one"}, "Which models?"),
        ("compare_models", {"models": "one,two,three"}, "Which models?"),
    ],
)
def test_a_question_about_models_that_is_not_complete_is_400(
    world: OperationsWorld, name: str, query: dict[str, str], title: str
) -> None:
    code, problem, _ = App(world).request(name, query=query, project="letters")
    assert (code, problem["title"]) == (400, title)


@pytest.mark.parametrize(("query", "shown"), [({}, ["a.txt", "b.txt"]), ({"only": "mismatched"}, ["a.txt"])])
def test_the_documents_a_model_was_not_trained_on_are_shown_or_only_the_mismatched(
    world: OperationsWorld, query: dict[str, str], shown: list[str]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json=VALIDATION) if request.url.path.endswith("/validation") else None

    world.service.answer = answer
    code, body, _ = App(world).request("get_validation", query={"model": "one"} | query, project="letters")
    assert (code, body["documents"], body["mismatched"]) == (200, 2, 1)
    assert [each["location"] for each in body["shown"]] == shown


def test_a_reclassification_is_counted_before_it_is_started(world: OperationsWorld) -> None:
    app = App(world)
    code, counted, _ = app.request("reclassify", method="POST", body=b'{"dry_run": true}')
    assert (code, counted) == (200, {"dry_run": True, "documents": 0})
    code, accepted, _ = app.request("reclassify", method="POST")
    assert (code, accepted["model"]) == (202, None)


def test_failures_are_counted_and_redriven_by_their_reason(world: OperationsWorld) -> None:
    world.upload("a.txt", b"x" * 4_000_001, event=True)
    world.run()
    app = App(world)
    for body, documents in (
        (b'{"reason": "too_large", "dry_run": true}', 1),
        (b'{"reason": "binary", "dry_run": true}', 0),
    ):
        code, counted, _ = app.request("redrive_failures", method="POST", body=body)
        assert (code, counted["documents"]) == (200, documents)
    code, accepted, response = app.request("redrive_failures", method="POST", body=b'{"reason": "too_large"}')
    assert (code, response.headers["Location"]) == (202, accepted["operation"])


def test_dead_letters_are_counted_and_put_back(world: OperationsWorld) -> None:
    world.services.dead_letters.keep(queue="collect", message_id="m1", body="{}", reason="seen five times")
    app = App(world)
    code, counted, _ = app.request("redrive_dead_letters", method="POST", body=b'{"dry_run": true}')
    assert (code, counted) == (200, {"dry_run": True, "dead_letters": 1})
    code, accepted, response = app.request("redrive_dead_letters", method="POST")
    assert (code, response.headers["Location"]) == (202, accepted["operation"])


# Timers and queues


def test_the_timers_reconcile_and_sweep(world: OperationsWorld) -> None:
    app = App(world)
    app.call("reconcile", None)
    app.call("sweep", None)
    assert world.services.status().documents is not None


class Message:
    """What a queue trigger is given of a message."""

    def __init__(self, body: bytes) -> None:
        self.id, self._body = "m1", body

    def get_body(self) -> bytes:
        return self._body


def test_the_operations_queue_advances_an_operation_and_keeps_noise(world: OperationsWorld) -> None:
    app = App(world)
    operation = world.start_retraining(model="next")
    app.call("advance_operation", Message(json.dumps({"schema": 1, "id": operation.id}).encode()))
    assert world.find(operation).step.value == "train"
    app.call("advance_operation", Message(b"noise"))
    assert "dead-letters/operations/m1.json" in world.stores["state"].blobs


def test_a_bug_is_a_500_that_names_its_type_only(world: OperationsWorld, app: App) -> None:
    def broken(_: httpx.Request) -> Any:
        raise ZeroDivisionError("a secret text")

    world.service.answer = broken
    code, problem, response = app.request("get_project", project="letters")
    assert (code, problem["title"]) == (500, "Unexpected error")
    assert "secret" not in problem["detail"]
    assert isinstance(response, func.HttpResponse)


# What a project asks for


def put_project(app: App, **members: object) -> dict[str, Any]:
    body = json.dumps({"kind": "multi_label", "description": "business letters"} | members).encode()
    code, project, _ = app.request("put_project", method="PUT", body=body, project="letters")
    assert code == 200, project
    return project


def test_what_a_project_asks_for_is_put_shown_kept_and_ended(world: OperationsWorld, app: App) -> None:
    before = app.request("get_project", project="letters")[1]
    assert (before["acceptance"], before["warnings"]) == (None, [])
    fixed = {name: before[name] for name in ("kind", "language", "container", "description")}
    asked = {"precision": 0.95, "confidence": 0.9, "right": "exact"}
    put = put_project(app, **fixed, acceptance={"precision": 0.95})
    assert put["acceptance"] == asked
    assert "59 golden documents" in put["warnings"][0]
    assert put_project(app, **fixed) == put == app.request("get_project", project="letters")[1]
    ended = put_project(app, **fixed, acceptance=None)
    assert (ended["acceptance"], ended["warnings"]) == (None, [])


def test_a_rule_that_cannot_be_is_refused_and_nothing_is_stored(world: OperationsWorld, app: App) -> None:
    body = json.dumps({"kind": "multi_label", "acceptance": {"precision": 1.5}}).encode()
    code, problem, _ = app.request("put_project", method="PUT", body=body, project="letters")
    assert (code, problem["problems"][0]["place"]) == (400, "acceptance.precision")
    assert app.request("get_project", project="letters")[1]["acceptance"] is None


def test_a_published_model_s_promise_is_in_its_record_and_a_deleted_project_leaves_nothing(
    world: OperationsWorld, app: App
) -> None:
    before = app.request("get_project", project="letters")[1]
    fixed = {name: before[name] for name in ("kind", "language", "container", "description")}
    put_project(app, **fixed, acceptance={"precision": 0.9})
    world.publish("first")
    record = world.services.active_model.find_record()
    assert record is not None
    assert record.acceptance is not None
    assert record.acceptance.threshold.threshold is None
    assert "golden documents are too few" in put_project(app, **fixed)["warnings"][0]
    world.stores["state"].write_unhooked("trials/letters/first.json", b"{}")
    world.service.answer = lambda request: httpx.Response(404) if request.method == "DELETE" else None
    app.request("delete_project", method="DELETE", query={"confirm": "letters"}, project="letters")
    left = [name for name in world.stores["state"].blobs if name.startswith(("projects/", "trials/", "models/"))]
    assert left == []
