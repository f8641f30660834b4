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


@pytest.mark.parametrize("word", ["partiallyCompleted", "partiallySucceeded"])
def test_a_partly_failed_job_ends_in_the_word_of_the_setting(start: Start, connect: Connect, word: str) -> None:
    ga = connect(start(partial_word=word).url)
    ga.deployed("few", "few", count=8)
    ga.inject("submit_analysis", {"kind": "fail_task"})
    job = ga.read(ga.submit(analysis("few", ["parcel"], tasks=2)))
    assert job["status"] == word
    assert [item["status"] for item in job["tasks"]["items"]] == ["failed", "succeeded"]


def test_characters_are_text_elements(deployed: Deployed) -> None:
    family = "👨‍👩‍👧‍👦"
    submitted = deployed.ga.analyze("tickets", [family * 7, "กำลัง", "e\u0301te\u0301", "two\r\nlines", family * 1_001])
    documents = deployed.ga.read(submitted, showStats="true")["tasks"]["items"][0]["results"]["documents"]
    assert [document["statistics"]["charactersCount"] for document in documents] == [7, 3, 3, 9, 1_001]
    assert documents[-1]["statistics"]["transactionsCount"] == 2


def test_the_limit_of_a_request_counts_text_elements(deployed: Deployed) -> None:
    accented = "e\u0301" * 62_500
    assert deployed.ga.analyze("tickets", [accented, accented]).status_code == 202
    refused = error_of(deployed.ga.analyze("tickets", [accented, accented, "x"]), 400)
    assert "125001 characters" in refused["message"]


@pytest.mark.parametrize(
    ("version", "language", "known"),
    [
        ("2023-04-01", "en-GB", True),
        ("2023-04-01", "zh-hans", True),
        ("2023-04-01", "", True),
        ("2023-04-01", None, True),
        ("2023-04-01", "auto", True),
        ("2022-05-01", "auto", False),
        ("2022-05-01", "klingon", False),
        ("2023-04-01", "klingon", False),
        ("2023-04-01", "xx", False),
    ],
)
def test_a_document_in_an_unknown_language_is_an_error_in_its_place(
    deployed: Deployed, version: str, language: str | None, known: bool
) -> None:
    body = analysis("tickets", ["parcel", "invoice"])
    body["analysisInput"]["documents"][1]["language"] = language
    results = deployed.ga.read(deployed.ga.submit(body, **{"api-version": version}))["tasks"]["items"][0]["results"]
    assert [document["id"] for document in results["documents"]] == (["1", "2"] if known else ["1"])
    errors = [
        (entry["id"], entry["error"]["code"], entry["error"]["innererror"]["code"]) for entry in results["errors"]
    ]
    assert errors == ([] if known else [("2", "InvalidArgument", "UnsupportedLanguageCode")])


def test_next_links_keep_the_version_and_the_request_for_statistics(deployed: Deployed) -> None:
    submitted = deployed.ga.analyze("tickets", ["parcel"] * 25)
    link = deployed.ga.read(submitted, showStats="true")["nextLink"]
    assert link.endswith("?api-version=2023-04-01&top=20&skip=20&showStats=true")
    assert "nextLink" not in deployed.ga.http.get(link).json()


@pytest.mark.parametrize(("top", "shown"), [(1, 1), (25, 25), (50, 25)])
def test_a_page_has_as_many_results_as_the_client_asks_for(deployed: Deployed, top: int, shown: int) -> None:
    job = deployed.ga.read(deployed.ga.analyze("tickets", ["parcel"] * 25), top=top, skip=0)
    assert len(job["tasks"]["items"][0]["results"]["documents"]) == shown
    assert ("nextLink" in job) is (shown < 25)


@pytest.mark.parametrize("query", ["top=0", "top=51", "skip=-1", "top=x"])
def test_a_page_outside_the_limits_is_refused(deployed: Deployed, query: str) -> None:
    location = deployed.ga.analyze("tickets", ["parcel"]).headers["operation-location"]
    assert deployed.ga.http.get(f"{location}&{query}").status_code == 400


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
        ({"kind": "customMultiLabelClassification", "parameters": {}}, 501, "NotImplementedByEmulator"),
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


def test_a_cancelled_job_stays_cancelled_and_shows_results_without_documents(deployed: Deployed) -> None:
    deployed.ga.control("PUT", "progression", {"analysis": "after 1 reads"})
    submitted = deployed.ga.analyze("tickets", ["parcel"])
    location = submitted.headers["operation-location"].replace("?", ":cancel?")
    assert deployed.ga.http.post(location).status_code == 202
    jobs = [deployed.ga.read(submitted) for _ in range(3)]
    assert [job["status"] for job in jobs] == ["cancelled"] * 3
    results = jobs[0]["tasks"]["items"][0]["results"]
    assert (results["documents"], results["errors"]) == ([], [])
    error_of(deployed.ga.http.post(location), 409)
    error_of(deployed.ga.http.post(location.replace("/jobs/", "/jobs/0")), 404)
