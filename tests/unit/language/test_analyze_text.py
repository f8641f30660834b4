"""AnalyzeText against the samples of emulators/language/tests/wire/ga_2023: each request equals the sample's.

What the answers mean is in test_analyze_text_answers.py and test_analyze_text_traps.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.errors import PigeonholeError, UnsupportedOperationError
from shared.language.apis.analyze_text import AnalyzeText
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.values import ModelRef, Page, ProjectKind, TextInput
from tests.unit.language.analyze_text_wire import (
    NOT_OURS,
    OTHERS_REQUESTS,
    SAMPLES,
    call_of,
)
from tests.unit.language.wire import ENDPOINT, Network, Sample, essence

API = AnalyzeText("2023-04-01")
OURS = sorted(set(SAMPLES) - NOT_OURS - OTHERS_REQUESTS)


def assert_request_equals(sample: Sample) -> None:
    network = Network(lambda _: sample.answer())
    with contextlib.suppress(PigeonholeError):  # refusals are looked at in test_analyze_text_answers.py
        network.client().send(call_of(sample))
    sent = network.requests[0]
    expected = sample.request
    assert essence(sent.method, str(sent.url), dict(sent.headers), sent.content) == essence(
        expected["method"], expected["path"], expected["headers"], expected.get("body")
    )


@pytest.mark.parametrize("name", OURS)
def test_the_request_is_the_sample_s(name: str) -> None:
    assert_request_equals(SAMPLES[name])


def test_what_is_not_ours_is_a_sample() -> None:
    assert set(SAMPLES) >= NOT_OURS | OTHERS_REQUESTS
    assert len(OURS) >= 60


# What no sample shows.


MODEL = ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="production", label="model1")
SINGLE = Project(name="mail", kind=ProjectKind.SINGLE, language="en-us", container="mail")


def test_every_request_carries_the_version_and_stays_below_its_base() -> None:
    api = AnalyzeText("2022-05-01")
    calls: list[Any] = [
        api.submit_analyze([TextInput("0", "x")], MODEL, display_name="d"),
        api.get_analyze_job("j", page=Page(skip=20, top=20)),
        api.create_project(SINGLE),
        api.update_project(SINGLE),
        api.get_project("p"),
        api.delete_project("p"),
        api.import_labels(SINGLE, [], []),
        api.get_import_job("p", "j"),
        api.train("p", label="m"),
        api.get_training_job("p", "j"),
        api.cancel_training("p", "j"),
        api.find_training("p", label="m"),
        api.list_models("p", page=Page(skip=1, top=2)),
        api.get_evaluation("p", label="m"),
        api.get_review("p", label="m"),
        api.deploy("p", deployment="d", label="m"),
        api.get_deployment_job("p", "d", "j"),
        api.list_deployments("p"),
        api.swap("p", first="a", second="b"),
        api.get_swap_job("p", "j"),
    ]
    assert {call.request.query["api-version"] for call in calls} == {"2022-05-01"}
    assert all(call.request.path.startswith("/language/") for call in calls)


@pytest.mark.parametrize(("version", "first"), [("2022-05-01", "c"), ("2023-04-01", "C")])
def test_the_kind_of_a_project_is_spelled_as_the_version_specifies(version: str, first: str) -> None:
    api = AnalyzeText(version)
    word = f"{first}ustomSingleLabelClassification"
    created: Any = api.create_project(SINGLE).request.body
    imported: Any = api.import_labels(SINGLE, [], []).request.body
    assert created["projectKind"] == word
    assert (imported["metadata"]["projectKind"], imported["assets"]["projectKind"]) == (word, word)


def test_names_can_never_change_the_path() -> None:
    name = "a/../b?c#d%2e:é"
    calls: list[Any] = [
        API.get_project(name),
        API.train(name, label=name),
        API.get_training_job(name, name),
        API.cancel_training(name, name),
        API.get_evaluation(name, label=name),
        API.get_review(name, label=name),
        API.deploy(name, deployment=name, label=name),
        API.get_deployment_job(name, name, name),
        API.get_analyze_job(name),
    ]
    for call in calls:
        assert "a%2F..%2Fb%3Fc%23d%252e%3A%C3%A9" in call.request.path
        assert "?" not in call.request.path


def test_the_id_of_a_job_is_taken_from_below_the_encoded_name_only() -> None:
    call = API.deploy("my tickets", deployment="d", label="m")
    address = f"{ENDPOINT}/language/authoring/analyze-text/projects/my%20tickets/deployments/d/jobs/7?api-version=x"
    network = Network(lambda _: httpx.Response(202, headers={"operation-location": address}))
    assert network.client().send(call) == "7"


def test_a_text_s_language_is_sent_where_one_is_given() -> None:
    texts = [TextInput("0", "x", "de"), TextInput("1", "y")]
    call = API.submit_analyze(texts, MODEL, display_name="d")
    assert call.request.body["analysisInput"]["documents"] == [
        {"id": "0", "text": "x", "language": "de"},
        {"id": "1", "text": "y"},
    ]


IMPORTED: dict[str, tuple[LabelledDocument, dict[str, Any]]] = {
    "a class and a split": (
        LabelledDocument("a.txt", "de", ("billing",), "Test"),
        {"location": "a.txt", "language": "de", "dataset": "Test", "class": {"category": "billing"}},
    ),
    "no language: the project's": (
        LabelledDocument("a.txt", "", ("billing",)),
        {"location": "a.txt", "language": "en-us", "class": {"category": "billing"}},
    ),
    "no class": (LabelledDocument("a.txt", "de", ()), {"location": "a.txt", "language": "de"}),
}


@pytest.mark.parametrize("case", IMPORTED)
def test_a_single_label_document_is_imported_with_what_is_known_of_it(case: str) -> None:
    document, expected = IMPORTED[case]
    (sent,) = API.import_labels(SINGLE, ["billing"], [document]).request.body["assets"]["documents"]
    assert sent == expected


UNSUPPORTED: dict[str, Callable[[], object]] = {
    "publish": lambda: API.publish("p", label="m"),
    "publishing job": lambda: API.get_publishing_job("p", "j"),
    "find a publication": lambda: API.find_publishing("p", label="m"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_publishing_without_a_deployment_is_refused_before_anything_is_sent(case: str) -> None:
    with pytest.raises(UnsupportedOperationError, match="2023-04-01 publishes into named deployments"):
        UNSUPPORTED[case]()
