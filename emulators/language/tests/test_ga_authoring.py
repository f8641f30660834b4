"""Authoring in the GA API: projects, imports, training, evaluation, deployments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from language_emulator.testing.analyze_text import GeneralAvailability, metadata, project_file
from language_emulator.testing.corpus import DOCUMENTS
from language_emulator.testing.text_authoring_2021 import error_of
from tests.conftest import Connect, Deployed, Emulated, Start


@pytest.fixture
def ga(emulated: Emulated, connect: Connect) -> GeneralAvailability:
    """A client of an empty emulator."""
    return connect(emulated.url)


def test_a_project_is_created_then_updated_by_the_same_call(ga: GeneralAvailability) -> None:
    assert ga.create("tickets", "tickets", description="first").status_code == 201
    updated = ga.create("tickets", "tickets", description="second", multilingual=True)
    assert updated.status_code == 200
    project = ga.send("GET", "/tickets").json()
    assert (project["description"], project["multilingual"]) == ("second", True)


LOWER, UPPER = "customMultiLabelClassification", "CustomMultiLabelClassification"
SPECIFIED = {
    "2022-05-01": LOWER,
    "2022-10-01-preview": UPPER,
    "2023-04-01": UPPER,
    "2024-11-15-preview": UPPER,
    "2025-05-15-preview": UPPER,
}


@pytest.mark.parametrize("kind", [LOWER, UPPER])
def test_a_kind_is_read_in_both_published_spellings_and_written_as_the_version_specifies(
    ga: GeneralAvailability, kind: str
) -> None:
    assert ga.create("tickets", "tickets", projectKind=kind).status_code == 201
    written = {version: ga.send("GET", "/tickets", **{"api-version": version}).json() for version in SPECIFIED}
    assert {version: project["projectKind"] for version, project in written.items()} == SPECIFIED


@pytest.mark.parametrize("kind", [UPPER.lower(), UPPER.upper(), "custommultiLabelClassification", "", 7])
def test_a_kind_in_a_spelling_that_nobody_publishes_is_refused(ga: GeneralAvailability, kind: Any) -> None:
    assert "projectKind" in error_of(ga.create("tickets", "tickets", projectKind=kind), 400)["message"]
    file = project_file("tickets", "tickets", "multi")
    file["assets"]["projectKind"] = kind
    assert "projectKind" in error_of(ga.send("POST", "/tickets/:import", file), 400)["message"]


@pytest.mark.parametrize(("version", "kind"), SPECIFIED.items())
def test_the_specification_alone_may_be_what_is_taken(start: Start, connect: Connect, version: str, kind: str) -> None:
    ga = connect(start(kind_spelling="specification").url)
    ga.version = version
    other = {LOWER: UPPER, UPPER: LOWER}[kind]
    assert kind in error_of(ga.create("tickets", "tickets", projectKind=other), 400)["message"]
    assert ga.create("tickets", "tickets", projectKind=kind).status_code == 201


@pytest.mark.parametrize("given", [{}, {"stringIndexType": "TextElements_v8"}])
def test_the_string_index_type_is_required_where_the_specification_requires_it(
    deployed: Deployed, given: dict[str, str]
) -> None:
    for method, path in (("POST", "/tickets/:export"), ("GET", "/tickets/models/model1/evaluation/result")):
        assert error_of(deployed.ga.send(method, path, **given), 400)["target"] == "stringIndexType"
    file = project_file("other", "tickets", "multi")
    del file["stringIndexType"]
    assert "stringIndexType" in error_of(deployed.ga.send("POST", "/other/:import", file | given), 400)["message"]


def test_global_is_not_a_project(ga: GeneralAvailability) -> None:
    for method, path in (
        ("GET", "/global/deployments/resources"),
        ("GET", "/global/prebuilt-entities"),
        ("GET", "/global/models"),
        ("POST", "/global/:train"),
    ):
        assert error_of(ga.send(method, path), 501)["code"] == "NotImplementedByEmulator"
    assert "global" in error_of(ga.create("global", "tickets"), 400)["message"]
    assert ga.send("GET", "/global/languages").status_code == 200
    assert ga.create("globalnews", "tickets").status_code == 201


@pytest.mark.parametrize(("version", "end"), [("2022-05-01", {"nextLink": None}), ("2023-04-01", {})])
def test_the_last_page_has_a_null_link_only_where_one_is_specified(
    deployed: Deployed, version: str, end: dict[str, None]
) -> None:
    page = deployed.ga.send("GET", "/tickets/models", **{"api-version": version}).json()
    assert {"value": page["value"]} | end == page


@pytest.mark.parametrize(
    "changes",
    [
        {"projectName": "other"},
        {"language": "klingon"},
        {"language": 7},
        {"multilingual": "true"},
        {"projectKind": "customEntityRecognition"},
        {"storageInputContainerName": "absent"},
    ],
)
def test_a_bad_project_is_refused(ga: GeneralAvailability, changes: dict[str, Any]) -> None:
    response = ga.create("tickets", "tickets", **changes)
    assert error_of(response, 400)["code"] == response.headers["x-ms-error-code"]


def test_an_import_makes_the_project_and_a_second_one_replaces_its_labels(ga: GeneralAvailability) -> None:
    assert ga.imported("tickets", "tickets", count=40)["status"] == "succeeded"
    assert ga.imported("tickets", "tickets", count=8)["status"] == "succeeded"
    exported = ga.exported("tickets")
    file = ga.http.get(exported["resultUrl"]).json()
    assert file == project_file("tickets", "tickets", "multi", count=8) | {"metadata": file["metadata"]}


def test_an_import_of_a_container_that_does_not_exist_fails_in_its_job(ga: GeneralAvailability) -> None:
    job = ga.imported("tickets", "absent")
    assert (job["status"], job["errors"][0]["code"]) == ("failed", "InvalidArgument")
    error_of(ga.send("GET", "/tickets"), 404)


def test_what_an_import_file_itself_shows_is_refused_at_once(ga: GeneralAvailability) -> None:
    def refused(**changes: Any) -> str:
        file = project_file("tickets", "tickets", "multi") | changes
        return str(error_of(ga.send("POST", "/tickets/:import", file), 400)["message"])

    file = project_file("tickets", "tickets", "multi")
    assert "equal the api-version" in refused(projectFileVersion="2022-05-01")
    assert "language" in refused(metadata=metadata("tickets", "tickets", "multi") | {"language": 5})
    assert "multilingual" in refused(metadata=metadata("tickets", "tickets", "multi") | {"multilingual": "true"})
    assert "characters that are not allowed" in refused(assets=file["assets"] | {"classes": [{"category": "a/b"}]})
    assert "projectKind differs" in refused(
        assets=project_file("tickets", "tickets", "single")["assets"],
    )


@pytest.mark.parametrize(("training", "tested"), [(80, 8), (50, 20)])
def test_the_percentage_decides_how_many_documents_test(ga: GeneralAvailability, training: int, tested: int) -> None:
    ga.imported("tickets", "tickets")
    options = {"kind": "percentage", "trainingSplitPercentage": training, "testingSplitPercentage": 100 - training}
    ga.finish(ga.train("tickets", evaluationOptions=options))
    results = ga.tested("tickets")
    assert len(results) == tested
    summary = ga.send("GET", "/tickets/models/model1/evaluation/summary-result").json()
    assert summary["evaluationOptions"] == options


def test_a_manual_split_tests_exactly_the_documents_set_aside(ga: GeneralAvailability) -> None:
    file = project_file("tickets", "tickets", "multi", dataset=True)
    ga.finish(ga.send("POST", "/tickets/:import", file))
    ga.finish(ga.train("tickets", evaluationOptions={"kind": "manual"}))
    results = ga.tested("tickets")
    aside = {entry["location"] for entry in file["assets"]["documents"] if entry["dataset"] == "Test"}
    assert {result["location"] for result in results} == aside


@pytest.mark.parametrize(
    "changes",
    [
        {"trainingConfigVersion": "2019-01-01"},
        {"modelLabel": "two words"},
        {"evaluationOptions": {"kind": "percentage", "trainingSplitPercentage": 80, "testingSplitPercentage": 30}},
        {"evaluationOptions": {"kind": "random"}},
    ],
)
def test_a_bad_training_is_refused(ga: GeneralAvailability, changes: dict[str, Any]) -> None:
    ga.imported("tickets", "tickets")
    error_of(ga.train("tickets", **changes), 400)


def test_a_project_without_labels_fails_to_train(ga: GeneralAvailability) -> None:
    ga.create("tickets", "tickets")
    job = ga.finish(ga.train("tickets"))
    assert "import some" in job["errors"][0]["message"]


def test_percent_complete_grows_with_the_reads(ga: GeneralAvailability) -> None:
    ga.imported("few", "few", count=8)
    ga.control("PUT", "progression", {"training": "after 900 reads"})
    location = ga.train("few").headers["operation-location"]
    seen = [ga.http.get(location).json()["result"]["trainingStatus"]["percentComplete"] for _ in range(20)]
    assert seen == sorted(seen)
    assert seen[-1] < 100


def test_a_running_training_is_cancelled_and_leaves_no_model(ga: GeneralAvailability) -> None:
    ga.imported("tickets", "tickets")
    ga.control("PUT", "progression", {"training": "after 900 reads"})
    started = ga.train("tickets")
    path = started.headers["operation-location"].partition("/projects")[2].partition("?")[0]
    assert ga.send("POST", f"{path}/:cancel").status_code == 202
    assert ga.finish(started)["status"] == "cancelled"
    assert error_of(ga.send("POST", f"{path}/:cancel"), 409)["code"] == "Conflict"
    assert ga.send("GET", "/tickets/models").json()["value"] == []
    ga.control("PUT", "progression", {"training": "immediate"})
    assert ga.finish(ga.train("tickets"))["status"] == "succeeded"


def test_no_other_job_runs_beside_a_training(ga: GeneralAvailability) -> None:
    ga.deployed("few", "few", count=8)
    ga.control("PUT", "progression", {"training": "after 900 reads"})
    ga.train("few", "model2")
    swap = {"firstDeploymentName": "production", "secondDeploymentName": "production"}
    for response in (
        ga.train("few", "model3"),
        ga.deploy("few"),
        ga.send("POST", "/few/deployments/:swap", swap),
        ga.send("POST", "/few/:import", project_file("few", "few", "multi", count=8)),
    ):
        assert error_of(response, 409)["code"] == "Conflict"


def test_lists_come_in_pages_whose_links_lead_through_all_of_it(ga: GeneralAvailability) -> None:
    for name in ("a", "b", "c"):
        ga.create(name, "tickets")
    pages, link = (
        [],
        f"{ga.http.base_url}/language/authoring/analyze-text/projects?api-version=2023-04-01&maxpagesize=2",
    )
    while link:
        page = ga.http.get(link).json()
        pages.append([project["projectName"] for project in page["value"]])
        link = page.get("nextLink")
    assert pages == [["a", "b"], ["c"]]
    assert len(ga.send("GET", "", top=1, skip=1).json()["value"]) == 1
    assert "nextLink" not in ga.send("GET", "", top=1).json()
    error_of(ga.send("GET", "", skip=-1), 400)


def test_a_deployment_keeps_its_model_until_it_is_deployed_again(ga: GeneralAvailability) -> None:
    ga.deployed("tickets", "tickets")
    before = ga.send("GET", "/tickets/deployments/production").json()
    ga.finish(ga.train("tickets"))
    assert ga.send("GET", "/tickets/deployments/production").json() == before
    assert ga.send("DELETE", "/tickets/models/model1").status_code == 204
    assert ga.read(ga.analyze("tickets", ["parcel"]))["status"] == "succeeded"
    ga.finish(ga.train("tickets", "model2"))
    ga.finish(ga.deploy("tickets", model="model2"))
    assert ga.send("GET", "/tickets/deployments/production").json()["modelId"].startswith("model2-")


def test_a_swap_exchanges_the_models_of_two_names(ga: GeneralAvailability) -> None:
    ga.deployed("few", "few", count=8)
    ga.finish(ga.train("few", "model2"))
    ga.finish(ga.deploy("few", "staging", "model2"))
    names = {"firstDeploymentName": "production", "secondDeploymentName": "staging"}
    assert ga.finish(ga.send("POST", "/few/deployments/:swap", names))["status"] == "succeeded"
    deployments = ga.send("GET", "/few/deployments").json()["value"]
    models = {entry["deploymentName"]: entry["modelId"].partition("-")[0] for entry in deployments}
    assert models == {"production": "model2", "staging": "model1"}
    error_of(ga.send("POST", "/few/deployments/:swap", names | {"secondDeploymentName": "absent"}), 404)


def test_a_deleted_deployment_and_project_are_gone(ga: GeneralAvailability) -> None:
    ga.deployed("few", "few", count=8)
    assert ga.finish(ga.send("DELETE", "/few/deployments/production"))["status"] == "succeeded"
    error_of(ga.analyze("few", ["parcel"]), 404)
    deletion = ga.send("DELETE", "/few")
    assert ga.finish(deletion)["status"] == "succeeded"
    error_of(ga.send("GET", "/few"), 404)
    error_of(ga.send("DELETE", "/few"), 404)


def test_a_deployment_expires_and_then_answers_no_more(start: Start, connect: Connect) -> None:
    emulated = start(deployment_days=2)
    ga = connect(emulated.url)
    ga.deployed("few", "few", count=8)
    assert ga.send("GET", "/few/deployments/production").json()["deploymentExpirationDate"] == "2026-01-07"
    emulated.clock.advance(seconds=2 * 86_400)
    assert "expired" in error_of(ga.analyze("few", ["parcel"]), 400)["message"]


def test_the_free_tier_takes_one_deployment(start: Start, connect: Connect) -> None:
    ga = connect(start(deployments_per_project=1).url)
    ga.deployed("few", "few", count=8)
    assert error_of(ga.deploy("few", "other"), 400)["code"] == "QuotaExceeded"
    assert ga.finish(ga.deploy("few"))["status"] == "succeeded"


def test_a_project_of_one_api_version_is_seen_by_the_other(emulated: Emulated, connect: Connect) -> None:
    ga = connect(emulated.url)
    emulated.preview.create("tickets", "tickets")
    emulated.preview.trained("tickets")
    ga.finish(ga.deploy("tickets"))
    assert ga.read(ga.analyze("tickets", ["parcel"]))["status"] == "succeeded"
    exported = ga.exported("tickets")
    assert len(ga.http.get(exported["resultUrl"]).json()["assets"]["documents"]) == 40
    ga.imported("mail", "mail", "single")
    assert emulated.preview.project("mail").json()["modelType"] == "SingleClassification"


def test_projects_deployments_and_export_jobs_survive_a_restart(start: Start, connect: Connect, tmp_path: Path) -> None:
    first = connect(start(data=tmp_path).url)
    first.deployed("few", "few", count=8)
    exported = first.exported("few")
    answer = first.read(first.analyze("few", [DOCUMENTS["billing"]]))["tasks"]["items"][0]["results"]
    second = connect(start(data=tmp_path).url)
    assert second.send("GET", "/few/deployments").json() == first.send("GET", "/few/deployments").json()
    assert second.read(second.analyze("few", [DOCUMENTS["billing"]]))["tasks"]["items"][0]["results"] == answer
    path = exported["resultUrl"].removeprefix(str(first.http.base_url).rstrip("/"))
    assert second.http.get(path).status_code == 200


def test_what_later_previews_added_is_501(deployed: Deployed) -> None:
    for path in ("/tickets/:copy", "/tickets/resources/:assign", "/tickets/models/model1/:load-snapshot"):
        assert error_of(deployed.ga.send("POST", path, {}), 501)["code"] == "NotImplementedByEmulator"
