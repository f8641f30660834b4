"""HTTP of reviews: who is believed to have decided, what is refused, and the members that callers rely on."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import pytest

from tests.review_world import ReviewWorld, decide_all
from tests.unit.functions.harness import App

BILLING = {"classes": ["billing"]}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ReviewWorld:
    decide_all(monkeypatch)
    return ReviewWorld()


def put(
    world: ReviewWorld, review_id: str, body: object, *, principal: str | None = None
) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest(
        method="PUT",
        url="http://app/api",
        route_params={"id": review_id},
        headers={"X-MS-CLIENT-PRINCIPAL-NAME": principal} if principal else {},
        body=json.dumps(body).encode(),
    )
    response = App(world).call("decide_review", request)
    return response.status_code, json.loads(response.get_body())


def get(world: ReviewWorld, review_id: str) -> tuple[int, dict[str, Any]]:
    return App(world).request("get_review", id=review_id)[:2]


def test_the_list_shows_what_waits(world: ReviewWorld) -> None:
    review_id = world.classified()
    status, body, _ = App(world).request("list_reviews")
    assert status == 200
    (listed,) = body["reviews"]
    assert (listed["id"], listed["name"], listed["model"], listed["reason"]) == (review_id, "a.txt", "first", "review")
    assert (listed["confidence"], listed["classes"]) == (0.9, [{"name": "billing", "confidence": 0.9}])
    assert body["more"] is False


@pytest.mark.parametrize("limit", ["0", "201", "many", "-1"])
def test_a_limit_that_is_none_is_refused(world: ReviewWorld, limit: str) -> None:
    status, _, _ = App(world).request("list_reviews", query={"limit": limit})
    assert status == 400


def test_limit_and_class_narrow_the_list(world: ReviewWorld) -> None:
    world.classified("a.txt")
    world.classified("b.txt", text="about shipping")
    app = App(world)
    _, body, _ = app.request("list_reviews", query={"limit": "1"})
    assert (len(body["reviews"]), body["more"]) == (1, True)
    _, body, _ = app.request("list_reviews", query={"class": "shipping"})
    assert [each["name"] for each in body["reviews"]] == ["b.txt"]


def test_one_item_has_its_text_its_choices_and_later_its_review(world: ReviewWorld) -> None:
    review_id = world.classified()
    status, body = get(world, review_id)
    assert status == 200
    assert (body["text"], body["truncated"], body["state"], body["review"]) == ("about billing", False, "open", None)
    assert (body["choices"], body["kind"]) == (["billing", "shipping"], "multi_label")
    assert put(world, review_id, {"classes": ["shipping"], "by": "anna"}) == get(world, review_id)
    _, body = get(world, review_id)
    at = body["review"].pop("at")
    assert at.startswith("2026-03-01T")
    assert body["state"] == "decided"
    assert body["review"] == {"classes": ["shipping"], "skipped": False, "by": "anna", "is_label": True}


def test_who_decided_is_the_one_signed_in_only_where_easy_auth_is_said_to_stand_before_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decide_all(monkeypatch)
    for easy_auth, given, expected in (
        (True, None, "carla@example.org"),
        (True, "anna", "carla@example.org"),
        (False, None, "unknown"),
        (False, "anna", "anna"),
    ):
        world = ReviewWorld(changes={"easy_auth": easy_auth})
        body = BILLING | ({"by": given} if given else {})
        status, answer = put(world, world.classified(), body, principal="carla@example.org")
        assert (status, answer["review"]["by"]) == (200, expected)


def test_a_principal_without_a_name_is_no_one(monkeypatch: pytest.MonkeyPatch) -> None:
    decide_all(monkeypatch)
    world = ReviewWorld(changes={"easy_auth": True})
    _, answer = put(world, world.classified(), BILLING, principal=" \u200b ")
    assert answer["review"]["by"] == "unknown"


BODIES: dict[str, object] = {
    "neither": {},
    "both": {"classes": ["billing"], "skip": True},
    "no list": {"classes": "billing"},
    "another member": {"classes": [], "class": "billing"},
    "a name with a line break": {"skip": True, "by": "anna\nbert"},
    "a long name": {"skip": True, "by": "x" * 101},
}


@pytest.mark.parametrize("case", BODIES)
def test_a_decision_that_cannot_be_read_is_refused_and_changes_nothing(world: ReviewWorld, case: str) -> None:
    review_id = world.classified()
    assert put(world, review_id, BODIES[case])[0] == 400
    assert world.open_ids() == [review_id]


@pytest.mark.parametrize("review_id", ["x", "../../models/active", "90000-" + "g" * 40, "90000-" + "0" * 41])
def test_an_id_that_cannot_be_one_is_refused_before_storage_is_asked(world: ReviewWorld, review_id: str) -> None:
    world.begin()
    assert get(world, review_id)[0] == 400
    assert world.calls == 0


def test_what_has_changed_is_a_conflict_that_says_so(world: ReviewWorld) -> None:
    review_id = world.classified()
    put(world, review_id, BILLING | {"by": "anna"})
    status, problem = put(world, review_id, {"classes": ["shipping"], "by": "bert"})
    assert (status, problem["title"], problem["name"]) == (409, "Decided already", "a.txt")
    assert "decided as 'billing' by 'anna'" in problem["detail"]
    overwritten = world.classified("b.txt")
    world.upload("b.txt", "about shipping", event=False)
    status, problem = put(world, overwritten, BILLING)
    assert (status, problem["title"], problem["name"]) == (409, "The document has changed", "b.txt")


def test_undoing_shows_the_item_waiting_again(world: ReviewWorld) -> None:
    review_id = world.classified()
    put(world, review_id, {"skip": True})
    assert world.open_ids() == []
    app = App(world)
    status, body, _ = app.request("undo_review", method="DELETE", id=review_id, query={"by": "anna"})
    assert (status, body["state"], body["review"]) == (200, "open", None)
    assert world.open_ids() == [review_id]


def test_looking_at_the_next_item_lists_one_page_and_reads_one_item_of_thousands(world: ReviewWorld) -> None:
    """Issue 15: key to next document; the time is measured in bench, the calls are held here."""
    for number in range(30):
        world.classified(f"{number}.txt")
    app = App(world)
    _, listed, _ = app.request("list_reviews", query={"limit": "2"})
    get(world, listed["reviews"][0]["id"])  # the choices are read once a minute
    world.begin()
    _, listed, _ = app.request("list_reviews", query={"limit": "2"})
    assert world.calls == 1
    get(world, listed["reviews"][1]["id"])
    assert world.calls <= 4
    world.begin()
    put(world, listed["reviews"][0]["id"], BILLING)
    assert world.calls <= 13
