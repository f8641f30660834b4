"""Whatever the generally available API answers, it ends in a named error; test_malformed_answers.py does the same for
the 2021 preview and for what the two have in common (bodies that are no JSON, sizes, addresses)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.errors import MalformedAnswerError
from shared.language.apis.analyze_text import AnalyzeText
from shared.language.apis.base import Call
from shared.language.values import LroStatus, ModelRef, ProjectKind, TextInput
from tests.unit.language.wire import ENDPOINT, Network

API = AnalyzeText("2023-04-01")
MODEL = ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="production", label="model1")
GET = API.get_analyze_job("job-1")
EMPTY: dict[str, Any] = {"documents": [], "errors": []}
SINGLE, MULTI = "customSingleLabelClassification", "customMultiLabelClassification"


def send(call: Call[Any], answer: httpx.Response) -> Any:
    return Network(lambda _: answer).client().send(call)


def job(**changes: Any) -> dict[str, Any]:
    return {"jobId": "job-1", "status": "succeeded", "errors": [], "tasks": {"items": []}} | changes


def results(**changes: Any) -> dict[str, Any]:
    return job(tasks={"items": [{"results": EMPTY | changes}]})


def document(**changes: Any) -> dict[str, Any]:
    entry = {"id": "0", "class": [{"category": "a", "confidenceScore": 0.5}], "warnings": []} | changes
    return results(documents=[{key: value for key, value in entry.items() if value is not ...}])


def scored(name: str, confidence: float = 0.5) -> dict[str, Any]:
    return {"category": name, "confidenceScore": confidence}


def named(name: str) -> dict[str, Any]:
    return document(**{"class": [scored(name)]})


JOBS: dict[str, Any] = {
    "a list": [],
    "a string": "succeeded",
    "null": None,
    "nothing in it": {},
    "no status": {"tasks": {}},
    "status a number": job(status=2),
    "tasks a list": job(tasks=[{"results": EMPTY}]),
    "tasks a string": job(tasks="none"),
    "items an object": job(tasks={"items": {"0": {"results": EMPTY}}}),
    "items a number": job(tasks={"items": 5}),
    "an item that is a string": job(tasks={"items": ["0"]}),
    "an item that is null": job(tasks={"items": [None]}),
    "documents an object": results(documents={"0": {}}),
    "a document that is null": results(documents=[None]),
    "a document without an id": document(id=...),
    "an error without an id": results(errors=[{"error": {"code": "A"}}]),
    "errors an object": results(errors={}),
    "a next link without a place": job(nextLink=f"{ENDPOINT}/language/analyze-text/jobs/job-1?api-version=2023-04-01"),
    "a next link in words": job(nextLink=f"{ENDPOINT}/language/analyze-text/jobs/job-1?top=20&skip=twenty"),
}

# The id says whose trouble it is: the other texts of the answer are read.
TEXTS: dict[str, Any] = {
    "a document without classes": document(**{"class": ...}),
    "class a string": document(**{"class": "a"}),
    "class a number": document(**{"class": 5}),
    "a class without a name": document(**{"class": [{"confidenceScore": 0.5}]}),
    "a class without a confidence": document(**{"class": [{"category": "a"}]}),
    "a confidence without end": document(**{"class": [{"category": "a", "confidenceScore": float("inf")}]}),
    "a name of nothing": named(""),
    "a name of blanks": named("  "),
    "a name of 51 characters": named("x" * 51),
    "a name over two lines": named("a\nb"),
    "a name with a control": named("a\x00b"),
    "half a character in a name": named("\ud800bad"),
    "more classes than a project may have": document(**{"class": [scored(f"c{number}") for number in range(201)]}),
    "a class with two confidences": document(**{"class": [scored("a", 0.5), scored("a", 0.6)]}),
    "half a character in a warning's code": document(warnings=[{"code": "\udfff", "message": "m"}]),
    "half a character in a warning's message": document(warnings=[{"code": "A", "message": "\ud800"}]),
    "half a character in an error's code": results(errors=[{"id": "0", "error": {"code": "\ud800"}}]),
    "half a character in an inner error": results(
        errors=[{"id": "0", "error": {"code": "A", "innererror": {"code": "B", "message": "\udfff"}}}]
    ),
}


@pytest.mark.parametrize("case", JOBS)
def test_a_job_without_the_documented_shape_is_a_malformed_answer(case: str) -> None:
    with pytest.raises(MalformedAnswerError, match="get_analyze_job"):
        send(GET, httpx.Response(200, content=json.dumps(JOBS[case])))


@pytest.mark.parametrize("case", TEXTS)
def test_what_is_wrong_with_one_text_is_that_text_s_and_no_other_s(case: str) -> None:
    neighbour = {"id": "1", "class": [scored("b")], "warnings": []}
    body = json.loads(json.dumps(TEXTS[case]))
    body["tasks"]["items"][0]["results"]["documents"].append(neighbour)
    found = send(GET, httpx.Response(200, content=json.dumps(body)))
    assert ([text.id for text in found.texts], found.text_errors, list(found.malformed)) == (["1"], {}, ["0"])
    assert all("(" in why for why in found.malformed.values()), "the place and the kind, never the value"


ODD: dict[str, tuple[Any, LroStatus, int]] = {
    "an unknown status": (job(status="almostDone"), LroStatus.UNKNOWN, 0),
    "no tasks": ({"status": "running"}, LroStatus.RUNNING, 0),
    "tasks null": (job(tasks=None), LroStatus.SUCCEEDED, 0),
    "items null": (job(tasks={"items": None}), LroStatus.SUCCEEDED, 0),
    "a task of the preview's word": (
        job(tasks={"items": [{"kind": "customMultiClassificationTasks", "results": EMPTY}]}),
        LroStatus.SUCCEEDED,
        0,
    ),
    "results null": (job(tasks={"items": [{"results": None}]}), LroStatus.SUCCEEDED, 0),
    "both spellings": (document(classes=[]), LroStatus.SUCCEEDED, 1),
    "a next link that is null": (job(nextLink=None), LroStatus.SUCCEEDED, 0),
    "times in words": (job(createdDateTime="yesterday", expirationDateTime=5), LroStatus.SUCCEEDED, 0),
    "members nobody knows": (document(detectedLanguage={"name": "German"}), LroStatus.SUCCEEDED, 1),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_answer_is_read_as_far_as_it_goes(case: str) -> None:
    body, status, texts = ODD[case]
    found = send(GET, httpx.Response(200, content=json.dumps(body)))
    assert (found.status, len(found.texts)) == (status, texts)


FOREIGN: dict[str, tuple[Call[Any], dict[str, Any]]] = {
    "another analyze job": (GET, job(jobId="job-2")),
    "another training": (API.get_training_job("p", "j"), {"jobId": "k", "status": "succeeded"}),
    "another import": (API.get_import_job("p", "j"), {"jobId": "k", "status": "succeeded"}),
    "another deployment": (API.get_deployment_job("p", "d", "j"), {"jobId": "k", "status": "succeeded"}),
    "another swap": (API.get_swap_job("p", "j"), {"jobId": "k", "status": "succeeded"}),
    "another project": (
        API.get_project("p"),
        {"projectName": "q", "projectKind": MULTI, "language": "en", "storageInputContainerName": "c"},
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_an_answer_about_something_else_than_was_asked_for_is_a_malformed_answer(case: str) -> None:
    call, body = FOREIGN[case]
    with pytest.raises(MalformedAnswerError, match="about another"):
        send(call, httpx.Response(200, json=body))


def test_the_project_and_the_deployment_that_results_come_from_are_read() -> None:
    found = send(GET, httpx.Response(200, json=results(projectName="tickets", deploymentName="production")))
    assert (found.project, found.deployment) == ("tickets", "production")


def test_the_sdk_s_spelling_wins_over_the_others() -> None:
    found = send(GET, httpx.Response(200, json=document(classes=[], classification={"category": "b"})))
    assert [each.name for each in found.texts[0].classes] == ["a"]


PROJECT = {"projectName": "p", "projectKind": MULTI, "language": "en", "storageInputContainerName": "c"}
FIGURES = {
    name: 1.0 for name in ("microF1", "microPrecision", "microRecall", "macroF1", "macroPrecision", "macroRecall")
}
COUNTS = {"truePositiveCount": 1, "trueNegativeCount": 1, "falsePositiveCount": 0, "falseNegativeCount": 0}
OF_A_CLASS = {"f1": 1.0, "precision": 1.0, "recall": 1.0}
EVALUATION, REVIEW = API.get_evaluation("p", label="m"), API.get_review("p", label="m")
TRAINING, DEPLOYMENTS = API.get_training_job("p", "j"), API.list_deployments("p")


def evaluated(**changes: Any) -> dict[str, Any]:
    return {"projectKind": MULTI, f"{MULTI}Evaluation": {"classes": {}} | FIGURES | changes}


def reviewed(kind: str, result: Any, **changes: Any) -> dict[str, Any]:
    entry = {"location": "a.txt", "language": "en", "projectKind": kind, f"{kind}Result": result} | changes
    return {"value": [{key: value for key, value in entry.items() if value is not ...}]}


AUTHORING: dict[str, tuple[Call[Any], Any]] = {
    "a training without a job id": (TRAINING, {"status": "running", "result": {}}),
    "a training without a status": (TRAINING, {"jobId": "j"}),
    "a training whose sub-status is a string": (
        TRAINING,
        {"jobId": "j", "status": "running", "result": {"trainingStatus": "running"}},
    ),
    "an import that is a list": (API.get_import_job("p", "j"), []),
    "a swap that is null": (API.get_swap_job("p", "j"), None),
    "trainings without a list": (API.find_training("p", label="m"), {"nextLink": None}),
    "trainings of which one is a string": (API.find_training("p", label="m"), {"value": ["j"]}),
    "a project without a name": (API.get_project("p"), {**PROJECT, "projectName": None}),
    "a project without a kind": (API.get_project("p"), {**PROJECT, "projectKind": None}),
    "a project whose kind is a number": (API.get_project("p"), {**PROJECT, "projectKind": 1}),
    "a project of another kind": (API.get_project("p"), {**PROJECT, "projectKind": "CustomEntityRecognition"}),
    "a project without a container": (API.get_project("p"), {**PROJECT, "storageInputContainerName": 5}),
    "models that are an object": (API.list_models("p"), {"value": {}}),
    "a model without a label": (API.list_models("p"), {"value": [{"modelId": "m"}]}),
    "models whose next link has no place": (API.list_models("p"), {"value": [], "nextLink": "https://x.example/"}),
    "deployments that are null": (DEPLOYMENTS, {"value": None}),
    "a deployment without a model": (DEPLOYMENTS, {"value": [{"deploymentName": "production"}]}),
    "a deployment without a name": (DEPLOYMENTS, {"value": [{"modelId": "m"}]}),
    "an evaluation of the other kind": (EVALUATION, {"projectKind": MULTI, f"{SINGLE}Evaluation": {}}),
    "an evaluation without a kind": (EVALUATION, {f"{MULTI}Evaluation": {"classes": {}} | FIGURES}),
    "an evaluation without a figure": (EVALUATION, evaluated(microF1=None)),
    "an evaluation whose classes are a list": (EVALUATION, evaluated(classes=[])),
    "a class that is a number": (EVALUATION, evaluated(classes={"a": 5})),
    "a class without its counts": (EVALUATION, evaluated(classes={"a": OF_A_CLASS})),
    "a class with a count in words": (
        EVALUATION,
        evaluated(classes={"a": OF_A_CLASS | COUNTS | {"truePositiveCount": "many"}}),
    ),
    "a class with a count without end": (
        EVALUATION,
        evaluated(classes={"a": OF_A_CLASS | COUNTS | {"truePositiveCount": float("inf")}}),
    ),
    "a review without a place": (
        REVIEW,
        reviewed(MULTI, {"expectedClasses": [], "predictedClasses": []}, location=...),
    ),
    "a review without a kind": (REVIEW, reviewed(MULTI, {}, projectKind=...)),
    "a review of the other kind": (REVIEW, reviewed(MULTI, None)),
    "a review whose classes are a string": (
        REVIEW,
        reviewed(MULTI, {"expectedClasses": "a", "predictedClasses": []}),
    ),
    "a single-label review without its label": (REVIEW, reviewed(SINGLE, {"predictedClass": "a"})),
}


@pytest.mark.parametrize("case", AUTHORING)
def test_an_authoring_answer_without_the_documented_shape_is_a_malformed_answer(case: str) -> None:
    call, body = AUTHORING[case]
    with pytest.raises(MalformedAnswerError, match=call.request.name):
        send(call, httpx.Response(200, content=json.dumps(body)))


def test_a_single_label_document_may_have_no_prediction() -> None:
    listing = send(REVIEW, httpx.Response(200, json=reviewed(SINGLE, {"expectedClass": "a", "predictedClass": None})))
    assert (listing.items[0].labelled, listing.items[0].predicted) == (("a",), ())


JOBS_PATH = "/language/authoring/analyze-text/projects/p/deployments"
STARTS: dict[str, tuple[Call[str], dict[str, str]]] = {
    "no header": (API.train("p", label="m"), {}),
    "the preview's header": (
        API.train("p", label="m"),
        {"location": f"{ENDPOINT}/language/authoring/analyze-text/projects/p/train/jobs/1"},
    ),
    "another project's job": (
        API.train("p", label="m"),
        {"operation-location": f"{ENDPOINT}/language/authoring/analyze-text/projects/q/train/jobs/1"},
    ),
    "another deployment's job": (
        API.deploy("p", deployment="staging", label="m"),
        {"operation-location": f"{ENDPOINT}{JOBS_PATH}/production/jobs/1"},
    ),
    "a deployment's job for a swap": (
        API.swap("p", first="staging", second="production"),
        {"operation-location": f"{ENDPOINT}{JOBS_PATH}/staging/jobs/1"},
    ),
    "another host": (
        API.submit_analyze([TextInput("0", "x")], MODEL, display_name="d"),
        {"operation-location": "https://elsewhere.example/language/analyze-text/jobs/1?api-version=2023-04-01"},
    ),
    "the preview's address": (
        API.submit_analyze([TextInput("0", "x")], MODEL, display_name="d"),
        {"operation-location": f"{ENDPOINT}/text/analytics/v3.1-preview.ct.1/analyze/jobs/1"},
    ),
}


@pytest.mark.parametrize("case", STARTS)
def test_an_accepted_request_without_its_address_is_a_malformed_answer(case: str) -> None:
    call, headers = STARTS[case]
    with pytest.raises(MalformedAnswerError, match=call.request.name):
        send(call, httpx.Response(202, headers=headers))
