"""HTTP: health, status, documents, batches, classify again."""

from __future__ import annotations

import httpx
import pytest

from tests.faults.disturbed import Wire
from tests.services_on_fakes import PipelineOnFakes
from tests.unit.functions.harness import App

PROBLEM = "application/problem+json"


@pytest.fixture
def app(world: PipelineOnFakes) -> App:
    return App(world)


def test_health_is_200_when_everything_answers(world: PipelineOnFakes, app: App) -> None:
    Wire(world, lambda _: httpx.Response(404))
    code, body, response = app.request("get_health")
    assert (code, body["healthy"]) == (200, True)
    assert response.headers["Cache-Control"] == "no-store"


def test_health_is_503_and_names_the_part_that_does_not(world: PipelineOnFakes, app: App) -> None:
    Wire(world, lambda _: httpx.Response(401))
    code, body, _ = app.request("get_health")
    assert code == 503
    assert [name for name, part in body["parts"].items() if not part["healthy"]] == ["language"]


def test_status_is_a_snapshot(app: App) -> None:
    code, body, _ = app.request("get_status")
    assert code == 200
    assert {"batches", "queues", "documents", "oldest_waiting", "active_model"} <= set(body)


NAMES = [
    "letter.txt",
    "folder/letter.txt",
    "a b#%?.txt",
    "Grüße/文.txt",
    "classify.txt",
    "x/classify.txt",
    "a" * 1_000 + ".txt",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["path", "query"])
def test_a_document_is_found_by_path_or_query(world: PipelineOnFakes, app: App, name: str, how: str) -> None:
    world.upload(name, "about billing")
    world.run()
    code, body, _ = (
        app.request("get_document", path=name) if how == "path" else app.request("get_document", query={"name": name})
    )
    assert (code, body["name"], body["state"]) == (200, name, "classified")


@pytest.mark.parametrize("how", ["path", "query"])
def test_a_document_is_sent_again_by_path_or_query(world: PipelineOnFakes, app: App, how: str) -> None:
    document = world.upload("letter.txt", "about billing")
    world.run()
    code, body, _ = (
        app.request("classify_document", method="POST", path="letter.txt/classify")
        if how == "path"
        else app.request("classify_document", method="POST", path="classify", query={"name": "letter.txt"})
    )
    assert (code, body["etag"]) == (202, document.etag)
    world.run()
    assert sum(world.service.submissions.values()) == 2


def test_an_unknown_document_is_a_404_problem(app: App) -> None:
    code, body, response = app.request("get_document", path="nowhere.txt")
    assert (code, body["status"], body["name"]) == (404, 404, "nowhere.txt")
    assert response.mimetype == PROBLEM


def test_an_unknown_document_cannot_be_sent_again(app: App) -> None:
    code, _, response = app.request("classify_document", method="POST", path="nowhere.txt/classify")
    assert (code, response.mimetype) == (404, PROBLEM)


def test_asking_for_no_document_is_a_400_problem(app: App) -> None:
    code, _, response = app.request("get_document")
    assert (code, response.mimetype) == (400, PROBLEM)


def test_posting_to_another_address_sends_nothing(world: PipelineOnFakes, app: App) -> None:
    world.upload("letter.txt", "about billing", event=False)
    code, _, response = app.request("classify_document", method="POST", path="letter.txt")
    assert (code, response.mimetype) == (404, PROBLEM)
    assert world.queues["documents"].length() == 0


def test_a_batch_is_found_by_its_id(world: PipelineOnFakes) -> None:
    app = App(world)
    world.upload("letter.txt", "about billing")
    world.run()
    _, listed, _ = app.request("list_batches")
    batch = listed["batches"][0]["id"]
    code, body, _ = app.request("get_batch", id=batch)
    assert (code, body["id"]) == (200, batch)


@pytest.mark.parametrize("batch", ["0" * 32, "..", "", "models/active"])
def test_an_unknown_batch_is_a_404_problem(world: PipelineOnFakes, batch: str) -> None:
    code, _, response = App(world).request("get_batch", id=batch)
    assert (code, response.mimetype) == (404, PROBLEM)


def test_a_bug_is_a_500_problem_that_names_only_its_type(world: PipelineOnFakes, app: App) -> None:
    def fail(_: str) -> None:
        raise ZeroDivisionError("the-secret-key")

    world.disturb = fail
    code, body, response = app.request("get_status")
    assert (code, response.mimetype) == (500, PROBLEM)
    assert "ZeroDivisionError" in body["detail"]
    assert "the-secret-key" not in response.get_body().decode()
