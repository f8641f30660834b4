"""Reviews over HTTP on the whole local cloud: decided, undone, trained on; and the host killed in the middle of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from azurite_process.processes import wait_until
from cli.datasets import SAMPLES, load_dataset
from shared.documents.record_schema import Decision
from shared.reviews.decision import DECIDED, LOG
from shared.reviews.item import OPEN
from tests.e2e.conftest import DEADLINE, NO_NETS, Cloud, running_cloud

pytestmark = pytest.mark.e2e

PROJECT = "/api/projects/demo"
# Of a precision that takes 2,300 golden documents: whatever model another test of this cloud has published.
RULE = {"precision": 0.999, "confidence": 0.9}
SEED = 15
# The same code under either; the other version is the gate's.
ONE_VERSION = pytest.mark.parametrize(
    "cloud", [pytest.param("2021-preview", marks=pytest.mark.long), "2023-04-01"], indirect=True
)


@contextmanager
def everything_is_reviewed(cloud: Cloud) -> Iterator[None]:
    """A precision is asked for that no trial has shown."""
    cloud.api.call("PUT", PROJECT, {"kind": "multi_label", "acceptance": RULE})
    try:
        yield
    finally:
        cloud.api.call("PUT", PROJECT, {"kind": "multi_label", "acceptance": None})


def waiting(cloud: Cloud, names: list[str]) -> dict[str, str]:
    """The ids of these documents, in the queue's order."""
    listed = cloud.api.call("GET", "/api/reviews?limit=200")["reviews"]
    return {each["name"]: each["id"] for each in listed if each["name"] in names}


def url(cloud: Cloud, review_id: str) -> str:
    assert cloud.stack.host is not None
    return f"{cloud.stack.host.url}/api/reviews/{review_id}"


def put(cloud: Cloud, review_id: str, body: Any) -> httpx.Response:
    """With the function key, which is all that a reviewer has."""
    assert cloud.stack.host is not None
    headers = {"x-functions-key": cloud.stack.host.function_key, "X-MS-CLIENT-PRINCIPAL-NAME": "forged"}
    return httpx.put(url(cloud, review_id), json=body, headers=headers, timeout=DEADLINE)


@ONE_VERSION
def test_three_documents_are_reviewed_and_the_next_model_is_trained_on_what_was_decided(
    cloud: Cloud, prefix: str
) -> None:
    with everything_is_reviewed(cloud):
        names = cloud.upload_some(prefix, 3)
        decided = {name: cloud.wait_for_classification(name).decision for name in names}
        assert {each and each.decision for each in decided.values()} == {Decision.REVIEW}, decided
        ids = waiting(cloud, names)
    assert set(ids) == set(names)
    shown = cloud.api.call("GET", f"/api/reviews/{ids[names[0]]}")
    text = cloud.container("documents").read(names[0]).data
    assert (shown["text"].encode(), shown["state"], shown["truncated"]) == (text, "open", False)
    first, second = shown["choices"][:2]

    for name in names:
        answer = put(cloud, ids[name], {"classes": [first], "by": "anna"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["review"]["by"] == "anna"
        review = cloud.wait_for_classification(name).review
        assert review is not None
        assert (review.classes, review.by) == ((first,), "anna")
    refused = put(cloud, ids[names[0]], {"classes": [second], "by": "bert"})
    assert (refused.status_code, refused.json()["title"]) == (409, "Decided already")
    assert waiting(cloud, names) == {}

    assert cloud.api.call("DELETE", f"/api/reviews/{ids[names[0]]}")["state"] == "open"
    assert cloud.wait_for_classification(names[0]).review is None
    assert put(cloud, ids[names[0]], {"classes": [second], "by": "bert"}).status_code == 200
    cloud.upload(names[1], text)  # a newer version: what was decided of the older one stays a label
    cloud.wait_for_classification(names[1], cloud.container("documents").find(names[1]).etag)  # type: ignore[union-attr]

    ended = cloud.follow(f"{PROJECT}/retrain", {"model": f"reviewed{prefix[:4]}", "publish": False, "force": True})
    assert ended["state"] == "succeeded", ended["reason"]
    services = cloud.stack.services
    labels = services.operation_steps.retrain.labels.find(services.projects.get("demo"))
    added = {each.location: each.classes for each in labels.documents if each.location.startswith("reviewed-")}
    assert {name: added[f"reviewed-{ids[name][6:]}.txt"] for name in names} == {
        names[0]: (second,),
        names[1]: (first,),
        names[2]: (first,),
    }
    assert any(f"{len(labels.documents)} documents" in line["what"] for line in ended["history"])
    for location in added:
        assert services.adapters.open_container("training").find(location) is not None


@pytest.mark.long
def test_a_host_killed_while_people_review_loses_no_decision_and_doubles_none(
    tmp_path_factory: pytest.TempPathFactory, host_kind: str, prefix: str
) -> None:
    chance = random.Random(SEED)
    with running_cloud(
        tmp_path_factory.mktemp("reviews"), dataset=load_dataset(SAMPLES), host_kind=host_kind, changes=NO_NETS
    ) as cloud:
        with everything_is_reviewed(cloud):
            names = cloud.upload_some(prefix, 40)
            cloud.wait_until_settled(prefix)
            ids = waiting(cloud, names)
            assert len(ids) == 40

        def review(name: str) -> list[int]:
            """As a person does: the answer that never came is given again, until there is one."""
            statuses: list[int] = []

            def answered() -> bool:
                try:
                    statuses.append(put(cloud, ids[name], {"classes": ["billing"], "by": "anna"}).status_code)
                except httpx.HTTPError:
                    return False
                return statuses[-1] in (200, 409)

            wait_until(answered, seconds=DEADLINE, what=f"an answer about {name}", poll_seconds=0.1)
            return statuses

        def decided() -> int:
            return sum(1 for _ in cloud.container("pipeline").list(DECIDED))

        with ThreadPoolExecutor(4) as people:
            answers = [people.submit(review, name) for name in names]
            for kill in range(3):
                enough = 5 + 10 * kill + chance.randrange(5)
                wait_until(lambda enough=enough: decided() >= enough, seconds=DEADLINE, what=f"{enough} decisions")  # type: ignore[misc]
                assert cloud.stack.host is not None
                cloud.stack.host.kill()
                cloud.stack.start_host()
            assert {each.result()[-1] for each in answers} == {200}
        pipeline = cloud.container("pipeline")
        assert decided() == 40
        assert [info.name for info in pipeline.list(OPEN)] == []
        assert sum(1 for _ in pipeline.list(LOG)) == 40
        for name in names:
            found = cloud.classification(name)
            assert found is not None
            assert found.review is not None
        services = cloud.stack.services
        labels = services.operation_steps.retrain.labels.find(services.projects.get("demo"))
        assert sum(each.location.startswith("reviewed-") for each in labels.documents) == 40
