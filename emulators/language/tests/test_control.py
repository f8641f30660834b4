"""Control routes and what survives a restart."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from azurite_process.processes import wait_until
from language_emulator.testing.corpus import DOCUMENTS
from language_emulator.testing.text_authoring_2021 import Preview, error_of
from tests.conftest import Emulated, Start, Trained


def test_control_routes_need_no_key(emulated: Emulated) -> None:
    stranger = Preview(emulated.url, "wrong")
    assert stranger.control("GET", "health") == {"status": "ok", "projects": 0}
    stranger.http.close()


def test_reset_forgets_everything_even_a_running_training(emulated: Emulated) -> None:
    preview = emulated.preview
    preview.control("PUT", "progression", {"training": "never"})
    preview.create("few", "few")
    location = preview.train("few").headers["location"]
    preview.inject("get_project", {"kind": "status", "status": 500})
    assert preview.control("POST", "reset") == {"status": "ok", "projects": 0}
    assert preview.http.get(location).status_code == 404
    assert preview.control("GET", "jobs") == {"jobs": []}
    assert preview.control("GET", "progression")["training"] == "immediate"
    assert error_of(preview.project("few"), 404)
    assert preview.create("few", "few").status_code == 201
    assert preview.trained("few")["status"] == "succeeded"


def test_progression_changes_what_is_given_and_refuses_nonsense(emulated: Emulated) -> None:
    changed = emulated.preview.control("PUT", "progression", {"analysis": "2 reads", "training": "after 1.5 seconds"})
    assert changed == {
        "training": "after 1.5 seconds",
        "publishing": "immediate",
        "imports": "immediate",
        "analysis": "after 2 reads",
    }
    assert emulated.preview.http.put("/_emulator/progression", json={"analysis": "soon"}).status_code == 422
    assert emulated.preview.http.put("/_emulator/progression", json={"indexing": "2 reads"}).status_code == 422


def test_jobs_are_listed_without_results(trained: Trained) -> None:
    trained.preview.results(trained.multi, [DOCUMENTS["billing"]])
    jobs = trained.preview.control("GET", "jobs")["jobs"]
    assert {job["kind"] for job in jobs} == {"training", "publishing", "analysis"}
    assert (jobs[-1]["status"], jobs[-1]["reads"], jobs[-1]["documents"]) == ("succeeded", 1, 1)
    assert "billing" not in json.dumps(jobs)


def test_a_job_ends_when_its_time_is_over_and_not_when_somebody_asks(trained: Trained) -> None:
    """Nothing runs between two requests; a client that learns from these times must not learn its own polls."""
    trained.preview.control("PUT", "progression", {"analysis": "after 2 seconds"})
    submitted = trained.preview.analyze(trained.multi, [DOCUMENTS["billing"]])
    trained.clock.advance(seconds=30)
    assert trained.preview.read(submitted)["status"] == "completed"
    job = trained.preview.control("GET", "jobs")["jobs"][-1]
    created, updated = (datetime.fromisoformat(job[name]) for name in ("created", "updated"))
    assert updated - created == timedelta(seconds=2)


def test_the_classifiers_own_time_is_reported(trained: Trained) -> None:
    trained.preview.control("DELETE", "classifier")
    trained.preview.results(trained.multi, ["parcel"] * 25)
    figures = trained.preview.control("GET", "classifier")
    assert figures["documentsClassified"] == 25
    [call] = figures["calls"]
    assert call["documents"] == 25
    assert 0 < call["milliseconds"] < 1_000


def test_projects_models_and_jobs_survive_a_restart(start: Start, tmp_path: Path) -> None:
    first = start(data=tmp_path)
    first.preview.create("few", "few")
    model_id = first.preview.published("few")
    submitted = first.preview.analyze(model_id, [DOCUMENTS["billing"]])
    job = first.preview.read(submitted)
    second = start(data=tmp_path).preview
    assert second.project("few").json() == first.preview.project("few").json()
    path = submitted.headers["operation-location"].removeprefix(first.url)
    assert second.http.get(path).json() == job
    again = second.results(model_id, [DOCUMENTS["billing"]])
    assert again == job["tasks"]["tasks"]["customMultiClassificationTasks"][0]["results"]


def test_a_training_that_a_restart_interrupts_is_done_again(start: Start, tmp_path: Path) -> None:
    first = start(data=tmp_path, training="after 60 seconds")
    first.preview.create("few", "few")
    path = first.preview.train("few").headers["location"].removeprefix(first.url)
    second = start(data=tmp_path)
    second.clock.advance(seconds=61)
    second.preview.http.base_url = second.url
    words = {"notStarted", "inProgress"}
    wait_until(lambda: second.preview.http.get(path).json()["status"] not in words, seconds=30, what="the training")
    assert second.preview.http.get(path).json()["status"] == "succeeded"


def test_nothing_saved_is_a_pickle_and_deleting_a_project_removes_its_files(start: Start, tmp_path: Path) -> None:
    preview = start(data=tmp_path).preview
    preview.create("few", "few")
    preview.published("few")
    saved = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert saved == {".json", ".npz"}
    preview.http.delete("/language/text/authoring/v1.0-preview.2/projects/few")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_model_folder_of_another_format_is_refused(tmp_path: Path) -> None:
    from language_emulator.classifier.model import load_classifier

    (tmp_path / "classifier.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="format 99"):
        load_classifier(tmp_path)
