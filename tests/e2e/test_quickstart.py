"""The whole walk of the 2021 quickstart, through our HTTP functions: for a single-label and a multi-label project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azurite_process.processes import wait_until
from cli.api import ApiError
from cli.datasets import SAMPLES, Dataset, load_dataset
from local.seed import upload_training
from tests.e2e.conftest import DEADLINE, Cloud, running_cloud, steps_taken

pytestmark = pytest.mark.e2e

FIGURES = ("micro_f1", "micro_precision", "micro_recall", "macro_f1", "macro_precision", "macro_recall")


@pytest.fixture(params=["multi_label", pytest.param("single_label", marks=pytest.mark.long)])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return load_dataset(SAMPLES.parent / request.param)


@pytest.fixture
def cloud(dataset: Dataset, tmp_path: Path, host_kind: str) -> Iterator[Cloud]:
    """Nothing but the labelled documents in their container."""
    with running_cloud(
        tmp_path,
        host_kind=host_kind,
        changes={"language_api": "2021-preview", "language_project": dataset.kind.value.replace("_", "")},
    ) as running:
        upload_training(running.stack.services, dataset)
        running.container("training").delete("labels.json")
        # A project can only be created beside a labels file; the checked one replaces it.
        running.container("training").put("labels.json", b'{"intentNames": ["none"], "documents": []}')
        yield running


def test_the_quickstart_from_create_to_delete(cloud: Cloud, dataset: Dataset) -> None:
    project = f"/api/projects/{cloud.stack.settings.language_project}"
    labels = json.loads(dataset.labels)
    create(cloud, project, dataset)
    put_labels(cloud, project, labels)
    train(cloud, project, "first")
    review(cloud, project, "first", labels)
    publish(cloud, project, "first")
    analyze(cloud, dataset, "first")
    # Another split of so few documents may be worse by chance.
    train(cloud, project, "second", force=True)
    compare(cloud, project, labels)
    publish(cloud, project, "second")
    delete(cloud, project, dataset)


def create(cloud: Cloud, project: str, dataset: Dataset) -> None:
    definition = {"kind": dataset.kind.value, "language": "en-us", "description": "the quickstart's"}
    with pytest.raises(ApiError, match="404"):
        cloud.api.call("GET", project)
    cloud.api.call("PUT", project, definition)
    found = cloud.api.call("GET", project)
    assert definition.items() <= found.items()
    assert (found["container"], found["labels_file"]) == ("training", "labels.json")
    cloud.api.call("PUT", project, definition | {"description": "changed"})
    assert cloud.api.call("GET", project)["description"] == "changed"
    with pytest.raises(ApiError, match=r"409 .*: the service cannot change multilingual"):
        cloud.api.call("PUT", project, definition | {"multilingual": True})


def put_labels(cloud: Cloud, project: str, labels: Any) -> None:
    stored = cloud.api.call("PUT", f"{project}/labels", labels)
    assert (stored["documents"], stored["stored"]) == (len(labels["documents"]), "labels.json")
    assert list(stored["classes"]) == labels["intentNames"]
    name = project.rpartition("/")[2]
    assert json.loads(cloud.container("pipeline").read(f"labels/{name}.json").data) == labels
    # The service of the preview is shown no golden document.
    shown = json.loads(cloud.container("training").read("labels.json").data)["documents"]
    assert [each for each in labels["documents"] if each in shown] == shown
    assert 0.7 < len(shown) / len(labels["documents"]) < 0.9


def train(cloud: Cloud, project: str, model: str, *, force: bool = False) -> None:
    """Train, and the status of the training, without publishing."""
    started = cloud.api.call("POST", f"{project}/retrain", {"model": model, "publish": False, "force": force})
    record = cloud.api.follow(started["operation"], seconds=DEADLINE)
    assert record["state"] == "succeeded", record["reason"]
    assert steps_taken(record) == ["split", "train", "wait_training", "evaluate", "gate"]
    [trained] = [each for each in cloud.api.call("GET", f"{project}/models")["models"] if each["model"] == model]
    assert (trained["trained"], trained["evaluated"], trained["model_id"]) == ("succeeded", "succeeded", None)


def review(cloud: Cloud, project: str, model: str, labels: Any) -> None:
    """The evaluation, and the validation set whole and where people and model differ."""
    evaluation = cloud.api.call("GET", f"{project}/evaluation?model={model}")
    assert set(evaluation["classes"]) <= set(labels["intentNames"])
    assert all(0 <= evaluation[figure] <= 1 for figure in FIGURES)
    assert evaluation["micro_f1"] > 0.5
    validation = cloud.api.call("GET", f"{project}/validation?model={model}")
    shown = validation["shown"]
    # A tenth of what the service was given, which is without the golden documents.
    assert len(shown) == validation["documents"]
    assert abs(len(shown) - 0.8 * len(labels["documents"]) / 10) <= 2
    indexes = {each["location"]: each["intents"] for each in labels["documents"]}
    for document in shown:
        assert set(document["labelled"]) == {labels["intentNames"][index] for index in indexes[document["location"]]}
    mismatched = cloud.api.call("GET", f"{project}/validation?model={model}&only=mismatched")
    assert mismatched["shown"] == [document for document in shown if document["mismatched"]]
    assert mismatched["mismatched"] == validation["mismatched"] == len(mismatched["shown"])


def publish(cloud: Cloud, project: str, model: str) -> None:
    """Publish, the status of the publication, and the model in use."""
    started = cloud.api.call("POST", f"{project}/publish", {"model": model})
    record = cloud.api.follow(started["operation"], seconds=DEADLINE)
    assert (record["state"], record["reason"]) == ("succeeded", f"{model} is in use")
    models = {each["model"]: each for each in cloud.api.call("GET", f"{project}/models")["models"]}
    assert [name for name, each in models.items() if each["in_use"]] == [model]
    assert models[model]["published"] == "succeeded"
    assert models[model]["model_id"] == record["reference"]
    assert cloud.api.call("GET", "/api/status")["active_model"]["label"] == model


def analyze(cloud: Cloud, dataset: Dataset, model: str) -> None:
    """A document goes in, its status and its result come back."""
    name, path = next(iter(dataset.new.items()))
    cloud.upload(name, path.read_bytes())
    wait_until(
        lambda: cloud.api.call("GET", f"/api/documents/{name}")["state"] == "classified",
        seconds=DEADLINE,
        what=f"the result of {name}",
        poll_seconds=0.3,
    )
    result = cloud.api.call("GET", f"/api/documents/{name}")["classification"]
    classes = {each["name"] for each in result["classes"]}
    assert classes <= set(json.loads(dataset.labels)["intentNames"])
    assert result["kind"] == dataset.kind.value
    assert result["model"]["label"] == model
    if dataset.kind.value == "single_label":
        assert len(classes) == 1
    assert classes & set(dataset.expected[name])


def compare(cloud: Cloud, project: str, labels: Any) -> None:
    compared = cloud.api.call("GET", f"{project}/compare?models=first,second")
    assert compared["models"] == ["first", "second"]
    one, other = (cloud.api.call("GET", f"{project}/evaluation?model={model}") for model in compared["models"])
    assert compared["delta"] == {figure: round(other[figure] - one[figure], 6) for figure in FIGURES}
    assert set(compared["classes"]) == set(one["classes"]) | set(other["classes"])


def delete(cloud: Cloud, project: str, dataset: Dataset) -> None:
    """Only with confirmation; what was classified stays."""
    name = next(iter(dataset.new))
    for unconfirmed in ("", "?confirm=another"):
        with pytest.raises(ApiError, match="409 Confirmation needed"):
            cloud.api.call("DELETE", f"{project}{unconfirmed}")
    assert cloud.api.call("DELETE", f"{project}?confirm={project.rsplit('/', 1)[1]}")["deleted"]
    with pytest.raises(ApiError, match="404"):
        cloud.api.call("GET", project)
    assert cloud.api.call("GET", "/api/status")["active_model"] is None
    assert cloud.api.call("GET", f"/api/documents/{name}")["state"] == "classified"
    operations = cloud.api.call("GET", f"{project}/operations")["operations"]
    assert [each["state"] for each in operations] == ["succeeded"] * 4
