"""Authoring in the 2021 preview: projects, training, evaluation, validation, publishing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from language_emulator.testing.corpus import CLASSES, july_labels, labelled_texts, upload
from language_emulator.testing.text_authoring_2021 import AUTHORING, error_of
from tests.conftest import Emulated, Start, Trained


def test_a_project_is_created_read_described_and_deleted(emulated: Emulated) -> None:
    preview = emulated.preview
    created = preview.create("tickets", "tickets", description="first")
    assert created.status_code == 201
    assert preview.project("tickets").json() == created.json()
    emulated.clock.advance(seconds=5)
    described = preview.http.patch(f"{AUTHORING}/projects/tickets", json={"description": "second"})
    assert (described.status_code, described.content) == (204, b"")
    project = preview.project("tickets").json()
    assert project["description"] == "second"
    assert project["lastModifiedDateTime"] > project["createdDateTime"]
    assert preview.http.delete(f"{AUTHORING}/projects/tickets").status_code == 204
    assert error_of(preview.project("tickets"), 404)["code"] == "ProjectNotFound"


def test_project_names_are_case_sensitive_and_unique(emulated: Emulated) -> None:
    assert emulated.preview.create("tickets", "tickets").status_code == 201
    assert emulated.preview.create("Tickets", "tickets").status_code == 201
    assert error_of(emulated.preview.create("tickets", "tickets"), 409)["code"] == "Conflict"


@pytest.mark.parametrize("name", ["two words", "dash-ed", "", "ü"])
def test_a_project_name_of_other_than_letters_and_digits_is_refused(emulated: Emulated, name: str) -> None:
    assert error_of(emulated.preview.create(name, "tickets"), 400)["target"] == "name"


@pytest.mark.parametrize(
    "changes", [{"multiLingual": "true"}, {"modelType": "Extraction"}, {"culture": 1}, {"labelsLocation": None}]
)
def test_a_body_of_the_wrong_types_is_refused_and_says_where(emulated: Emulated, changes: dict[str, Any]) -> None:
    error = error_of(emulated.preview.create("tickets", "tickets", **changes), 400)
    assert error["innererror"]["code"] == "InvalidRequestBodyFormat"
    assert next(iter(changes)) in error["message"]


def test_an_undocumented_culture_is_refused(emulated: Emulated) -> None:
    assert error_of(emulated.preview.create("tickets", "tickets", culture="xx-xx"), 400)["target"] == "culture"


def test_creating_fails_when_the_container_does_not_exist(emulated: Emulated) -> None:
    assert "absent" in error_of(emulated.preview.create("tickets", "absent"), 400)["message"]


def test_creating_fails_when_the_labels_file_does_not_exist(emulated: Emulated) -> None:
    error = error_of(emulated.preview.create("tickets", "tickets", labelsLocation="absent.json"), 400)
    assert error["target"] == "labelsLocation"


def test_creating_fails_without_permission_on_the_storage(emulated: Emulated) -> None:
    emulated.preview.inject("create_project", {"kind": "deny_storage"})
    assert error_of(emulated.preview.create("tickets", "tickets"), 403)["code"] == "Forbidden"
    assert emulated.preview.create("tickets", "tickets").status_code == 201


def test_creating_fails_when_no_storage_answers(start: Start) -> None:
    nowhere = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YWJj;BlobEndpoint=http://127.0.0.1:9/a;"
    emulated = start(storage=nowhere)
    assert error_of(emulated.preview.create("tickets", "tickets"), 503)["code"] == "ServiceUnavailable"


def test_a_bad_labels_file_is_refused_with_the_reason(emulated: Emulated, storage: str) -> None:
    labels = july_labels(labelled_texts(4, single_label=True))
    labels["documents"][2]["intents"] = [3]
    upload(storage, "tickets", {"bad.json": json.dumps(labels)})
    error = error_of(emulated.preview.create("tickets", "tickets", labelsLocation="bad.json"), 400)
    assert "t2.txt has intent 3" in error["message"]


def test_labels_may_lie_in_a_folder_and_name_documents_relative_to_it(emulated: Emulated, storage: str) -> None:
    labelled = labelled_texts(12, single_label=True)
    labels = july_labels(labelled)
    for number, document in enumerate(labels["documents"]):
        document["location"] = f"../texts/t{number}.txt"
    blobs = {f"texts/t{number}.txt": text for number, (text, _) in enumerate(labelled)}
    upload(storage, "folders", {"labels/set.json": json.dumps(labels)} | blobs)
    assert emulated.preview.create("p", "folders", "single", labelsLocation="/labels/set.json").status_code == 201
    assert emulated.preview.trained("p")["status"] == "succeeded"


def test_training_answers_202_and_ends_with_a_listed_model(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("tickets", "tickets")
    started = preview.train("tickets")
    assert started.status_code == 202
    assert f"{emulated.url}{AUTHORING}/projects/tickets/train/jobs/" in started.headers["location"]
    job = preview.finish(started)
    assert (job["completed"], job["failed"], job["inProgress"], job["total"]) == (1, 0, 0, 1)
    assert job["tasks"][0]["evaluationStatus"]["status"] == "succeeded"
    [model] = preview.project("tickets", "/trainedModels").json()["trainingModelsInfo"]
    assert model["trainingModelName"] == "model1"
    assert model["publishingJobInfo"] is None


def test_a_project_trains_one_model_at_a_time(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("tickets", "tickets")
    preview.control("PUT", "progression", {"training": "after 60 seconds"})
    started = preview.train("tickets", "model1")
    assert error_of(preview.train("tickets", "model2"), 409)["code"] == "Conflict"
    emulated.clock.advance(seconds=61)
    assert preview.finish(started)["status"] == "succeeded"
    assert preview.train("tickets", "model2").status_code == 202


def test_training_appears_to_run_for_the_reads_it_was_told(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("tickets", "tickets")
    preview.control("PUT", "progression", {"training": "after 1000 reads"})
    started = preview.train("tickets")
    words = [preview.http.get(started.headers["location"]).json()["status"] for _ in range(3)]
    assert words == ["notStarted", "inProgress", "inProgress"]
    assert preview.project("tickets", "/trainedModels").json()["trainingModelsInfo"] == []


def test_a_project_holds_ten_models_and_an_old_name_can_be_trained_again(
    emulated: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The limit is ten; two prove the rule in a fifth of the time.
    monkeypatch.setattr("language_emulator.training.jobs.MODELS_PER_PROJECT", 2)
    preview = emulated.preview
    preview.create("few", "few")
    for name in ("model1", "model2"):
        assert preview.trained("few", name)["status"] == "succeeded"
    assert error_of(preview.train("few", "model3"), 400)["code"] == "QuotaExceeded"
    assert preview.trained("few", "model1")["status"] == "succeeded"
    assert len(preview.project("few", "/trainedModels").json()["trainingModelsInfo"]) == 2


def test_training_fails_when_a_labelled_document_is_missing(emulated: Emulated, storage: str) -> None:
    labels = july_labels(labelled_texts(3, single_label=True))
    upload(storage, "gaps", {"labels.json": json.dumps(labels), "t0.txt": "one", "t1.txt": "two"})
    emulated.preview.create("gaps", "gaps", "single")
    job = emulated.preview.trained("gaps")
    assert job["status"] == "failed"
    assert "t2.txt" in job["tasks"][0]["error"]["message"]
    assert emulated.preview.project("gaps", "/trainedModels").json()["trainingModelsInfo"] == []


def test_training_fails_when_the_permission_on_the_storage_is_gone(emulated: Emulated) -> None:
    emulated.preview.create("tickets", "tickets")
    emulated.preview.inject("train", {"kind": "deny_storage"})
    assert emulated.preview.trained("tickets")["errors"][0]["code"] == "Forbidden"


def test_below_ten_documents_training_works_and_evaluation_does_not(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("few", "few")
    job = preview.trained("few")
    assert job["status"] == "succeeded"
    assert job["tasks"][0]["evaluationStatus"]["status"] == "failed"
    assert error_of(preview.project("few", "/evaluation", trainingModelName="model1"), 404)["code"] == "NotFound"
    assert preview.finish(preview.publish("few"))["status"] == "succeeded"


@pytest.mark.parametrize(("project", "kind"), [("tickets", "multi"), ("mail", "single")])
def test_evaluation_figures_follow_from_the_counts(trained: Trained, project: str, kind: str) -> None:
    body = trained.preview.project(project, "/evaluation", trainingModelName="model1").json()
    evaluation = body[f"{kind}ClassificationEvaluation"]
    other = "single" if kind == "multi" else "multi"
    assert body[f"{other}ClassificationEvaluation"] is None
    counts = evaluation["classes"].values()
    hits = sum(count["countTruePositives"] for count in counts)
    misses = sum(count["countFalseNegatives"] for count in counts)
    assert evaluation["microRecall"] == pytest.approx(hits / (hits + misses))
    assert evaluation["macroF1"] == pytest.approx(sum(count["f1"] for count in counts) / len(counts))
    assert evaluation["microF1"] > 0.5


def test_the_held_out_parts_are_a_tenth_each_and_the_same_when_trained_again(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("tickets", "tickets")
    reviews = []
    for _ in range(2):
        preview.trained("tickets")
        body = preview.project("tickets", "/validation", trainingModelName="model1").json()
        reviews.append(body["multiClassificationValidation"]["documents"])
    assert len(reviews[0]) == 4
    assert reviews[0] == reviews[1]
    assert {name for review in reviews[0] for name in review["classes"]["labeledClasses"]} <= set(CLASSES)


def test_publishing_gives_a_model_id_of_the_documented_form(trained: Trained) -> None:
    assert trained.multi.endswith("_MultiClassification_latest")
    assert trained.single.endswith("_SingleClassification_latest")
    [model] = trained.preview.project("mail", "/trainedModels").json()["trainingModelsInfo"]
    assert model["publishingJobInfo"]["modelId"] == trained.single


def test_a_publication_under_way_is_listed_with_its_status(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("tickets", "tickets")
    preview.trained("tickets")
    preview.control("PUT", "progression", {"publishing": "after 2 seconds"})
    started = preview.publish("tickets")
    [model] = preview.project("tickets", "/trainedModels").json()["trainingModelsInfo"]
    shown = model["publishingJobInfo"]
    assert (shown["status"], shown["endDateTime"], shown["modelId"]) == ("notStarted", None, None)
    emulated.clock.advance(seconds=3)
    [model] = preview.project("tickets", "/trainedModels").json()["trainingModelsInfo"]
    assert model["publishingJobInfo"]["modelId"] == preview.finish(started)["tasks"][0]["modelId"]


def test_a_new_publication_replaces_the_deployed_model_and_old_ids_still_answer(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("tickets", "tickets")
    first = preview.published("tickets", "model1")
    second = preview.published("tickets", "model2")
    third = preview.published("tickets", "model1")
    assert len({first, second, third}) == 3
    models = preview.project("tickets", "/trainedModels").json()["trainingModelsInfo"]
    deployed = [model["publishingJobInfo"] and model["publishingJobInfo"]["modelId"] for model in models]
    assert deployed == [third, None]
    for model_id in (first, second, third):
        assert preview.analyze(model_id, ["parcel"]).status_code == 202


def test_deleting_a_project_takes_its_model_ids_with_it(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.create("few", "few")
    model_id = preview.published("few")
    preview.http.delete(f"{AUTHORING}/projects/few")
    assert error_of(preview.analyze(model_id, ["parcel"]), 400)["innererror"]["code"] == "InvalidParameterValue"
    preview.create("few", "few")
    assert preview.project("few", "/trainedModels").json()["trainingModelsInfo"] == []


def test_a_model_that_was_not_trained_cannot_be_published_or_evaluated(trained: Trained) -> None:
    assert "absent" in error_of(trained.preview.publish("tickets", "absent"), 404)["message"]
    error_of(trained.preview.project("tickets", "/evaluation", trainingModelName="absent"), 404)
    error_of(trained.preview.project("tickets", "/evaluation"), 400)


def test_jobs_are_found_only_under_their_own_project_and_kind(trained: Trained) -> None:
    location = trained.preview.publish("tickets").headers["location"]
    assert trained.preview.http.get(location).status_code == 200
    elsewhere = trained.preview.http.get(location.replace("/projects/tickets/", "/projects/mail/"))
    assert error_of(elsewhere, 404)["code"] == "OperationNotFound"
    error_of(trained.preview.http.get(location.replace("/publish/", "/train/")), 404)


@pytest.mark.parametrize("count", [0, 2])
def test_training_takes_exactly_one_model(trained: Trained, count: int) -> None:
    tasks = [{"trainingModelName": f"model{number}"} for number in range(count)]
    error_of(trained.preview.http.post(f"{AUTHORING}/projects/tickets/train", json={"tasks": tasks}), 400)
