"""Classification jobs in the GA API, beyond what Microsoft's client can be made to ask."""

from __future__ import annotations

from typing import Any

import pytest

from language_emulator.testing.analyze_text import analysis
from language_emulator.testing.text_authoring_2021 import error_of
from tests.conftest import Connect, Deployed, Start


def test_the_version_is_required_and_checked_before_anything_else(deployed: Deployed) -> None:
    body = analysis("tickets", ["parcel"])
    for query in ({}, {"api-version": ""}, {"api-version": "2025-05-15-preview"}):
        response = deployed.ga.http.post("/language/analyze-text/jobs", json=body, params=query)
        message = error_of(response, 400)["message"]
        assert "2022-05-01, 2022-10-01-preview, 2023-04-01" in message


def test_statistics_appear_only_when_asked_for(deployed: Deployed) -> None:
    submitted = deployed.ga.analyze("tickets", ["parcel", "x" * 1_001])
    plain = deployed.ga.read(submitted)["tasks"]["items"][0]["results"]
    assert "statistics" not in plain
    results = deployed.ga.read(submitted, showStats="true")["tasks"]["items"][0]["results"]
    assert results["statistics"]["transactionsCount"] == 3
    assert results["documents"][1]["statistics"] == {"charactersCount": 1_001, "transactionsCount": 2}


def test_next_links_keep_the_version_and_the_request_for_statistics(deployed: Deployed) -> None:
    submitted = deployed.ga.analyze("tickets", ["parcel"] * 25)
    link = deployed.ga.read(submitted, showStats="true")["nextLink"]
    assert link.endswith("?api-version=2023-04-01&top=20&skip=20&showStats=true")
    assert "nextLink" not in deployed.ga.http.get(link).json()


def test_an_unknown_deployment_can_fail_in_the_job_instead(start: Start, connect: Connect) -> None:
    ga = connect(start(unknown_reference="fail").url)
    job = ga.read(ga.analyze("absent", ["parcel"]))
    assert job["status"] == "failed"
    assert [(error["code"], error["target"]) for error in job["errors"]] == [("ProjectNotFound", "#/tasks/items/0")]


@pytest.mark.parametrize(
    ("task", "status", "code"),
    [
        ({"kind": "EntityRecognition", "parameters": {}}, 501, "NotImplementedByEmulator"),
        ({"kind": "CustomMultiLabelClassification"}, 400, "InvalidRequest"),
        ({"kind": "CustomSingleLabelClassification"}, 400, "InvalidRequest"),
    ],
)
def test_tasks_the_emulator_cannot_do_are_refused(
    deployed: Deployed, task: dict[str, Any], status: int, code: str
) -> None:
    body = analysis("tickets", ["parcel"]) | {"tasks": [task]}
    assert error_of(deployed.ga.submit(body), status)["code"] == code


def test_a_request_without_tasks_is_refused(deployed: Deployed) -> None:
    body = analysis("tickets", ["parcel"]) | {"tasks": []}
    assert error_of(deployed.ga.submit(body), 400)["innererror"]["code"] == "InvalidTask"


def test_a_cancelled_job_stays_cancelled_and_shows_no_results(deployed: Deployed) -> None:
    deployed.ga.control("PUT", "progression", {"analysis": "after 1 reads"})
    submitted = deployed.ga.analyze("tickets", ["parcel"])
    location = submitted.headers["operation-location"].replace("?", ":cancel?")
    assert deployed.ga.http.post(location).status_code == 202
    jobs = [deployed.ga.read(submitted) for _ in range(3)]
    assert [job["status"] for job in jobs] == ["cancelled"] * 3
    assert "results" not in jobs[0]["tasks"]["items"][0]
    error_of(deployed.ga.http.post(location), 409)
    error_of(deployed.ga.http.post(location.replace("/jobs/", "/jobs/0")), 404)
