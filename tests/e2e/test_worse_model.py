"""A retraining with spoiled labels: its model is refused, what is in use stays, and only force publishes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cli.datasets import SAMPLES, load_dataset
from shared.models.golden import split
from shared.models.labels import parse_labels
from tests.e2e.conftest import Cloud, running_cloud

pytestmark = pytest.mark.e2e

PROJECT = "/api/projects/demo"
DOCUMENTS = 6


@pytest.fixture(scope="module", params=[pytest.param("2021-preview", marks=pytest.mark.long), "2023-04-01"])
def cloud(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, host_kind: str) -> Iterator[Cloud]:
    """A model `first` in use, trained from the samples' true labels."""
    with running_cloud(
        tmp_path_factory.mktemp("worse"),
        dataset=load_dataset(SAMPLES),
        host_kind=host_kind,
        changes={"language_api": request.param},
    ) as running:
        yield running


def labels_that_mislead(golden_percent: int) -> Any:
    """What is trained on has the labels of other documents; the golden documents keep their own, and judge rightly."""
    true, spoiled = (
        json.loads(load_dataset(SAMPLES, labels_name=name).labels) for name in ("labels.json", "labels_spoiled.json")
    )
    golden = {each.location for each in split(parse_labels(true).documents, percent=golden_percent).golden}
    documents = [
        own if own["location"] in golden else other
        for own, other in zip(true["documents"], spoiled["documents"], strict=True)
    ]
    return true | {"documents": documents}


def active_model(cloud: Cloud) -> Any:
    return cloud.api.call("GET", "/api/status")["active_model"]


def upload_new(cloud: Cloud, prefix: str) -> list[str]:
    """Documents of the samples, classified; their names."""
    texts = [path.read_bytes() for path in load_dataset(SAMPLES).new.values()][:DOCUMENTS]
    names = [f"{prefix}{number}.txt" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        cloud.upload(name, text)
    cloud.wait_until_settled(prefix)
    return names


def test_a_worse_model_is_refused_and_the_active_one_stays_unless_it_is_forced(cloud: Cloud, prefix: str) -> None:
    before = upload_new(cloud, f"{prefix}before/")
    records, active = cloud.records(before), active_model(cloud)
    cloud.api.call("PUT", f"{PROJECT}/labels", labels_that_mislead(cloud.stack.settings.golden_percent))

    ended = cloud.follow(f"{PROJECT}/retrain", {"model": "spoiled"})
    assert ended["state"] == "refused"
    assert "of the active model first" in ended["reason"]
    assert "of recall" in ended["reason"]
    assert ended["gate"]["verdict"] != "unpaired"
    assert ended["gate"]["documents"] == ended["trial"]["documents"] > 20
    assert (ended["gate"]["passed"], ended["gate"]["forced"]) == (False, False)
    assert ended["gate"]["candidate"] + ended["gate"]["tolerance"] < ended["gate"]["active"]
    assert active_model(cloud) == active
    assert active["label"] == "first"
    # It was tried where nothing depends on it, and went no further.
    assert cloud.jobs("swap") == []

    assert cloud.records(before) == records
    after = upload_new(cloud, f"{prefix}after/")
    assert set(cloud.labels(after)) == {"first"}
    found = [sorted(each.name for each in record.classes) for record in cloud.records(after)]
    assert found == [sorted(each.name for each in record.classes) for record in records]

    # With force it goes live all the same, and the operation says that it was forced.
    ended = cloud.follow(f"{PROJECT}/retrain", {"model": "forced", "force": True})
    assert (ended["state"], ended["reason"]) == ("succeeded", "forced is in use")
    assert (ended["gate"]["passed"], ended["gate"]["forced"]) == (True, True)
    assert ended["gate"]["reason"].startswith("forced, although ")
    assert active_model(cloud)["label"] == "forced"
    assert set(cloud.labels(upload_new(cloud, f"{prefix}forced/"))) == {"forced"}
