"""Where the sources of the generally available API contradict each other, every spelling is read alike.

docs/language-api.md lists them with their samples. What is only written, never read, is in test_analyze_text.py.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from shared.errors import LanguageNotFoundError, LanguageRefusedError, MalformedAnswerError, PigeonholeError
from shared.language.apis.analyze_text import AnalyzeText
from shared.language.apis.base import Call
from shared.language.authoring_values import Deployment, Listing
from shared.language.values import LroStatus, ModelRef, Page, ProjectKind, TextInput
from shared.models.labels import parse_labels
from tests.unit.language.analyze_text_wire import SAMPLES, answer_to, call_of
from tests.unit.language.wire import ENDPOINT, Network

API = AnalyzeText("2023-04-01")
AUTHORING = "/language/authoring/analyze-text/projects"


def send(call: Any, *answers: Any) -> tuple[Any, Network]:
    """Our call, answered by bodies (or whole answers) in their order."""
    left = list(answers)

    def respond(_: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, content=json.dumps(answer))

    network = Network(respond)
    return network.client().send(call), network


def body_of(name: str) -> Any:
    return copy.deepcopy(SAMPLES[name].response["body"])


SPELLINGS: dict[str, tuple[str, ...]] = {
    "class, classes, classifications": (
        "analyze_job_multi",
        "analyze_job_multi_documented",
        "analyze_job_multi_classifications_documented",
    ),
    "class as a list, classification as one": ("analyze_job_single", "analyze_job_single_classification_documented"),
    "truePositiveCount, truePositivesCount, countTruePositives": (
        "evaluation_multi",
        "evaluation_multi_documented",
        "evaluation_multi_count_first_documented",
    ),
    "the kind of a project in both letter cases": ("get_project", "get_project_2025"),
    "the kind of an evaluation in both letter cases": ("evaluation_single", "evaluation_single_2025"),
    "the kind of a single-label result in both letter cases": (
        "document_results_single",
        "document_results_single_2025",
    ),
    "the kind of a multi-label result in both letter cases": ("document_results_multi", "document_results_multi_2025"),
    "a cancellation answered by 202 or 204": ("cancel_training", "cancel_training_2022_documented"),
    "projectFileVersion, project-file-version": ("import_multi_2022", "import_multi_2022_hyphens"),
}


@pytest.mark.parametrize("case", SPELLINGS)
def test_each_spelling_is_read_alike(case: str) -> None:
    first, *others = [answer_to(name) for name in SPELLINGS[case]]
    assert others == [first] * len(others)


def test_the_kind_of_a_task_is_not_read() -> None:
    words = {body_of(name)["tasks"]["items"][0]["kind"] for name in SPELLINGS["class, classes, classifications"]}
    assert words == {"CustomMultiLabelClassificationLROResults", "customMultiClassificationTasks"}


TIME_KEYS = {"analyze_job_multi": "lastUpdatedDateTime", "analyze_job_multi_documented": "lastUpdateDateTime"}


@pytest.mark.parametrize("name", TIME_KEYS)
def test_the_time_of_a_job_is_read_under_both_names(name: str) -> None:
    keys = {key for key in body_of(name) if key.startswith("lastUpdate")}
    assert keys == {TIME_KEYS[name]}
    assert answer_to(name).updated == datetime(2023, 7, 10, 9, 2, 31, 104_000, tzinfo=UTC)


def test_a_time_without_a_zone_is_utc() -> None:
    body = body_of("train_job_running") | {"jobId": "j", "createdDateTime": "2023-07-10T09:00:00"}
    job, _ = send(API.get_training_job("spare", "j"), body)
    assert job.created == datetime(2023, 7, 10, 9, 0, tzinfo=UTC)


# projectFileVersion, import and export


@pytest.mark.parametrize(("name", "version"), [("import_multi", "2023-04-01"), ("import_multi_2022", "2022-05-01")])
def test_a_project_file_names_the_version_it_is_sent_under(name: str, version: str) -> None:
    call = call_of(SAMPLES[name])
    assert call.request.body["projectFileVersion"] == call.request.query["api-version"] == version
    assert "project-file-version" not in call.request.body


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_an_exported_file_can_be_the_labels_file_and_is_imported_as_it_was(kind: str) -> None:
    exported = body_of(f"exported_file_{kind}")
    labels = parse_labels(exported)
    assert labels.problems == []
    project, _ = send(API.get_project(exported["metadata"]["projectName"]), exported["metadata"])
    sent = API.import_labels(project, labels.classes, labels.documents).request.body
    assert sent == exported


# Model ids

END = "-20230710T090231-2f4f6a3e9c1d4b7a8e5f0a1b2c3d4e5f"
MODEL_IDS: dict[str, str | None] = {
    f"model1{END}": "model1",
    f"tickets-2023-07-v2{END}": "tickets-2023-07-v2",
    f"-{END}": "-",
    f"model{END}{END}": f"model{END}",
    f"model_1.b{END.upper()}": "model_1.b",
    END.removeprefix("-"): None,
    "model1": None,
    "2f4f6a3e-9c1d-4b7a-8e5f-0a1b2c3d4e5f_MultiClassification_latest": None,
    "model1-20230710T090231": None,
    f"model1{END}0": None,
}


@pytest.mark.parametrize("model_id", MODEL_IDS)
def test_a_deployment_s_label_is_what_precedes_the_time_of_its_model_id(model_id: str) -> None:
    entry = {"deploymentName": "production", "modelId": model_id}
    listing, _ = send(API.list_deployments("tickets"), {"value": [entry], "nextLink": None})
    assert listing.items == (Deployment("production", MODEL_IDS[model_id], model_id, None),)


EXPIRIES: dict[str, tuple[dict[str, Any], date | None]] = {
    "a date": ({"deploymentExpirationDate": "2025-01-01"}, date(2025, 1, 1)),
    "a time": ({"deploymentExpirationDate": "2025-01-01T00:00:00Z"}, date(2025, 1, 1)),
    "absent": ({}, None),
    "null": ({"deploymentExpirationDate": None}, None),
    "empty": ({"deploymentExpirationDate": ""}, None),
    "words": ({"deploymentExpirationDate": "in a year"}, None),
    "no day of any month": ({"deploymentExpirationDate": "2025-02-30"}, None),
}


@pytest.mark.parametrize("case", EXPIRIES)
def test_a_deployment_s_expiry_is_its_date_or_unknown(case: str) -> None:
    given, expected = EXPIRIES[case]
    entry = {"deploymentName": "production", "modelId": f"model1{END}"} | given
    listing, _ = send(API.list_deployments("tickets"), {"value": [entry]})
    assert listing.items[0].expires == expected


# percentComplete

PERCENTS: dict[str, int | None] = {
    "0": 0,
    "40": 40,
    "40.9": 40,
    "100": 100,
    "null": None,
    '"40"': None,
    "true": None,
    "-1": None,
    "101": None,
    "1e999": None,
    "NaN": None,
}


@pytest.mark.parametrize("value", PERCENTS)
def test_a_percentage_is_a_number_from_0_to_100_or_unknown(value: str) -> None:
    body = body_of("train_job_running")
    body["result"]["trainingStatus"]["percentComplete"] = "HERE"
    content = json.dumps(body).replace('"HERE"', value)
    job, _ = send(API.get_training_job("spare", body["jobId"]), httpx.Response(200, content=content))
    assert (job.status, job.percent) == (LroStatus.RUNNING, PERCENTS[value])


# Trainings of the same model


def training(job_id: str, label: str, created: str, status: str) -> dict[str, Any]:
    entry = copy.deepcopy(body_of("list_trainings")["value"][0])
    entry |= {"jobId": job_id, "createdDateTime": created, "status": status}
    entry["result"]["modelLabel"] = label
    return dict(entry)


def test_the_newest_training_of_a_model_is_found() -> None:
    value = [
        training("1", "model1", "2023-07-10T09:00:00Z", "failed"),
        training("2", "model1", "2023-07-11T09:00:00Z", "running"),
        training("3", "model2", "2023-07-12T09:00:00Z", "running"),
    ]
    for listed in (value, value[::-1]):
        found, _ = send(API.find_training("spare", label="model1"), {"value": listed})
        assert (found.id, found.status) == ("2", LroStatus.RUNNING)
    none, _ = send(API.find_training("spare", label="model3"), {"value": value})
    assert none is None


def test_an_odd_training_of_another_model_hides_nothing() -> None:
    value = [{"result": {"modelLabel": "model2"}}, {}, training("1", "model1", "2023-07-10T09:00:00Z", "running")]
    found, _ = send(API.find_training("spare", label="model1"), {"value": value})
    assert found.id == "1"


# Pages

PAGES: dict[str, tuple[tuple[str, str], Callable[[Page | None], Call[Listing[Any]]]]] = {
    "deployments": (
        ("list_deployments_first_page", "list_deployments_last_page"),
        lambda page: API.list_deployments("tickets", page=page),
    ),
    "document results": (
        ("document_results_first_page", "document_results_last_page"),
        lambda page: API.get_review("tickets", label="model1", page=page),
    ),
}


@pytest.mark.parametrize("case", PAGES)
def test_a_list_is_read_to_its_last_page(case: str) -> None:
    names, call = PAGES[case]
    samples = [SAMPLES[name] for name in names]
    left = [sample.answer() for sample in samples]
    network = Network(lambda _: left.pop(0))
    items = network.client().send_pages(call)
    assert len(items) == 2
    first, second = network.requests
    assert "top" not in first.url.params
    # Only top and skip are taken from the link: the sample's lacks stringIndexType, which the operation needs.
    wanted = dict(first.url.params) | {"top": "2147483646", "skip": "1"}
    assert dict(second.url.params) == wanted


def test_a_next_link_leads_nowhere_else() -> None:
    link = "http://169.254.169.254/metadata?api-version=1&top=5&skip=1"
    listing, _ = send(API.list_models("tickets"), {"value": [], "nextLink": link})
    network = Network(lambda _: httpx.Response(200, json={"value": []}))
    network.client().send(API.list_models("tickets", page=listing.next_page))
    assert str(network.requests[0].url) == f"{ENDPOINT}{AUTHORING}/tickets/models?api-version=2023-04-01&top=5&skip=1"


@pytest.mark.parametrize("skip", ["0", "1"])
def test_a_list_that_goes_in_circles_ends_in_a_named_error(skip: str) -> None:
    body = body_of("list_models") | {"nextLink": f"{ENDPOINT}{AUTHORING}/tickets/models?top=5&skip={skip}"}
    network = Network(lambda _: httpx.Response(200, json=body))
    with pytest.raises(MalformedAnswerError, match="circles"):
        network.client().send_pages(lambda page: API.list_models("tickets", page=page))
    assert len(network.requests) <= 3


# Errors


def refusal(answer: httpx.Response) -> PigeonholeError:
    with pytest.raises(PigeonholeError) as caught:
        send(API.get_project("absent"), answer)
    return caught.value


def test_the_header_tells_the_code_when_there_is_no_body() -> None:
    assert SAMPLES["get_project_not_found_header_documented"].response["headers"] == {
        "x-ms-error-code": "ProjectNotFound"
    }
    with pytest.raises(LanguageNotFoundError, match="get_project: 404 ProjectNotFound") as caught:
        answer_to("get_project_not_found_header_documented")
    assert caught.value.error_code == "ProjectNotFound"


def test_the_header_does_not_outrank_the_body() -> None:
    sample = SAMPLES["get_project_not_found"]
    assert sample.response["headers"]["x-ms-error-code"] == "ProjectNotFound"
    error = refusal(sample.answer())
    assert isinstance(error, LanguageRefusedError)
    assert error.error_code == "InvalidRequest"


def test_a_gateway_s_page_is_told_by_its_header() -> None:
    error = refusal(httpx.Response(400, html="<html>", headers={"x-ms-error-code": "InvalidRequest" * 50}))
    assert isinstance(error, LanguageRefusedError)
    assert error.error_code == ("InvalidRequest" * 50)[:50]


def test_the_target_of_an_error_is_the_outermost_that_is_given() -> None:
    with pytest.raises(LanguageRefusedError) as caught:
        answer_to("import_nested_error_documented")
    assert (caught.value.error_code, caught.value.target) == ("InvalidParameterValue", "projectFileVersion")


# The SDK's own reading, which the emulator is judged by


def test_the_task_is_named_as_microsoft_s_client_names_it() -> None:
    model = ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="production", label="model1")
    (task,) = API.submit_analyze([TextInput("0", "x")], model, display_name="d").request.body["tasks"]
    assert task["taskName"] == SAMPLES["analyze_submit_multi"].request["body"]["tasks"][0]["taskName"]
