"""Row 14 of the fault matrix: whatever the service answers, it ends in a named error, never in an unhandled one."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from shared.errors import MalformedAnswerError
from shared.language.apis.base import Call
from shared.language.apis.text_authoring_2021 import TextAuthoring2021
from shared.language.client import MAX_ANSWER_BYTES
from shared.language.values import AnalyzeJob, LroStatus, ModelRef, ProjectKind, TextInput
from tests.unit.language.wire import Network

API = TextAuthoring2021()
MODEL = ModelRef(project="tickets", kind=ProjectKind.MULTI, reference="id-1", label="model1")
SUBMIT = API.submit_analyze([TextInput("0", "x")], MODEL, display_name="d")
GET = API.get_analyze_job("job-1")
HUGE = 10**400


def job(**changes: Any) -> dict[str, Any]:
    return {"status": "completed", "errors": [], "tasks": {}} | changes


def results(**changes: Any) -> dict[str, Any]:
    return job(
        tasks={"tasks": {"customMultiClassificationTasks": [{"results": {"documents": [], "errors": []} | changes}]}}
    )


def document(**changes: Any) -> dict[str, Any]:
    entry = {"id": "0", "classes": [{"category": "a", "confidenceScore": 0.5}], "warnings": []} | changes
    return results(documents=[{key: value for key, value in entry.items() if value is not ...}])


def score(value: Any) -> dict[str, Any]:
    return document(classes=[{"category": "a", "confidenceScore": value}])


def scored(name: str, confidence: float = 0.5) -> dict[str, Any]:
    return {"category": name, "confidenceScore": confidence}


def named(name: str) -> dict[str, Any]:
    return document(classes=[scored(name)])


JOBS: dict[str, Any] = {
    "a list": [],
    "a string": "completed",
    "a number": 5,
    "null": None,
    "nothing in it": {},
    "no status": {"tasks": {}},
    "status null": job(status=None),
    "status a number": job(status=2),
    "status an object": job(status={"value": "completed"}),
    "documents an object": results(documents={"0": {}}),
    "documents a string": results(documents="none"),
    "errors an object": results(errors={}),
    "a document that is a string": results(documents=["0"]),
    "a document that is null": results(documents=[None]),
    "a document without an id": document(id=...),
    "a document whose id is a number": document(id=0),
    "an error without an id": results(errors=[{"error": {"code": "A"}}]),
    "an error that is a string": results(errors=["0"]),
    "half a character in the job's error": job(status="failed", errors=[{"code": "A", "message": "\ud800"}]),
    "an error that is null": results(errors=[None]),
    "a task list that is a number": job(tasks={"customMultiClassificationTasks": 5}),
    "a next link without a place": job(**{"@nextLink": "https://x.example/jobs/1"}),
    "a next link in words": job(**{"@nextLink": "https://x.example/jobs/1?$skip=twenty"}),
    "a next link with a huge number": job(**{"@nextLink": "https://x.example/jobs/1?$skip=" + "9" * 5_000}),
}

# The id says whose trouble it is: the other texts of the answer are read.
TEXTS: dict[str, Any] = {
    "a document without classes": document(classes=...),
    "classes null": document(classes=None),
    "classes a string": document(classes="a"),
    "a class that is a string": document(classes=["a"]),
    "a confidence above 1": score(1.0001),
    "a confidence below 0": score(-0.0001),
    "a class without a name": document(classes=[{"confidenceScore": 0.5}]),
    "a class whose name is a number": document(classes=[{"category": 1, "confidenceScore": 0.5}]),
    "a class without a confidence": document(classes=[{"category": "a"}]),
    "a confidence that is null": score(None),
    "a confidence in words": score("high"),
    "a confidence that is true": score(True),
    "a confidence that is a list": score([0.5]),
    "a confidence that is no number": score(float("nan")),
    "a confidence without end": score(float("inf")),
    "a confidence beyond all numbers": score(HUGE),
    "no number, in words": score("NaN"),
    "a name of nothing": named(""),
    "a name of blanks": named("  "),
    "a name of 51 characters": named("x" * 51),
    "a name over two lines": named("a\nb"),
    "a name with a control": named("a\x00b"),
    "half a character in a name": named("\ud800bad"),
    "more classes than a project may have": document(classes=[scored(f"c{number}") for number in range(201)]),
    "a class with two confidences": document(classes=[scored("a", 0.5), scored("a", 0.6)]),
    "half a character in a warning's code": document(warnings=[{"code": "\udfff", "message": "m"}]),
    "half a character in a warning's message": document(warnings=[{"code": "A", "message": "\ud800"}]),
    "half a character in an error's code": results(errors=[{"id": "0", "error": {"code": "\ud800"}}]),
    "half a character in an inner error": results(
        errors=[{"id": "0", "error": {"code": "A", "innererror": {"code": "B", "message": "\udfff"}}}]
    ),
}


def send(call: Call[Any], answer: httpx.Response) -> Any:
    return Network(lambda _: answer).client().send(call)


def send_job(body: Any) -> AnalyzeJob:
    found: AnalyzeJob = send(GET, httpx.Response(200, content=json.dumps(body).encode()))
    return found


@pytest.mark.parametrize("case", JOBS)
def test_a_job_without_the_documented_shape_is_a_malformed_answer(case: str) -> None:
    with pytest.raises(MalformedAnswerError, match="get_analyze_job"):
        send_job(JOBS[case])


@pytest.mark.parametrize("case", TEXTS)
def test_what_is_wrong_with_one_text_is_that_text_s_and_no_other_s(case: str) -> None:
    neighbour = {"id": "1", "classes": [scored("b")], "warnings": []}
    body = json.loads(json.dumps(TEXTS[case]))
    body["tasks"]["tasks"]["customMultiClassificationTasks"][0]["results"]["documents"].append(neighbour)
    found = send_job(body)
    assert ([text.id for text in found.texts], found.text_errors, list(found.malformed)) == (["1"], {}, ["0"])
    assert all("(" in why for why in found.malformed.values()), "the place and the kind, never the value"


BODIES: dict[str, bytes] = {
    "truncated JSON": b'{"status": "comple',
    "HTML": b"<html><body>maintenance</body></html>",
    "not UTF-8": b'{"status": "\xff\xfe"}',
    "a number of 5,000 digits": b'{"status": ' + b"9" * 5_000 + b"}",
    "nested too deeply": b"[" * 200_000,
    "nested too deeply inside a job": b'{"status": "completed", "tasks": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "empty": b"",
    "a word": b"ok",
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_no_json_is_a_malformed_answer(case: str) -> None:
    with pytest.raises(MalformedAnswerError, match="get_analyze_job"):
        send(GET, httpx.Response(200, content=BODIES[case]))


@pytest.mark.parametrize("size", [MAX_ANSWER_BYTES + 1, 50_000_000])
def test_a_body_over_8_mib_is_not_read_to_its_end(size: int) -> None:
    given = 0

    def chunks() -> Any:
        nonlocal given
        while given < size:
            given += 65_536
            yield b" " * 65_536

    with pytest.raises(MalformedAnswerError, match="larger than"):
        send(GET, httpx.Response(200, content=chunks()))
    assert given <= MAX_ANSWER_BYTES + 2 * 65_536


def test_a_body_of_8_mib_is_read() -> None:
    content = json.dumps(job()).encode()
    padded = content + b" " * (MAX_ANSWER_BYTES - len(content))
    assert send(GET, httpx.Response(200, content=padded)).status is LroStatus.SUCCEEDED


STARTS: dict[str, dict[str, str]] = {
    "no header": {},
    "an empty header": {"operation-location": ""},
    "the other API's header": {
        "location": "https://contoso.cognitiveservices.azure.com/text/analytics/v3.1-preview.ct.1/analyze/jobs/1"
    },
    "no address": {"operation-location": "job-1"},
}


@pytest.mark.parametrize("case", STARTS)
def test_an_accepted_request_without_its_address_is_a_malformed_answer(case: str) -> None:
    with pytest.raises(MalformedAnswerError, match="submit_analyze"):
        send(SUBMIT, httpx.Response(202, headers=STARTS[case]))


AUTHORING: dict[str, tuple[Call[Any], Any]] = {
    "a training without tasks": (API.get_training_job("p", "j"), {"status": "succeeded"}),
    "a training whose tasks are an object": (API.get_training_job("p", "j"), {"status": "succeeded", "tasks": {}}),
    "a publication that is a list": (API.get_publishing_job("p", "j"), []),
    "a project without a kind": (API.get_project("p"), {"name": "p", "culture": "en-us"}),
    "a project of another kind": (
        API.get_project("p"),
        {
            "name": "p",
            "modelType": "Extraction",
            "culture": "en-us",
            "storageInputContainerName": "c",
            "labelsLocation": "l",
        },
    ),
    "models that are an object": (API.list_models("p"), {"trainingModelsInfo": {}}),
    "a model that is a string": (API.list_models("p"), {"trainingModelsInfo": ["model1"]}),
    "a model without a name": (API.list_models("p"), {"trainingModelsInfo": [{"trainingJobInfo": {}}]}),
    "an evaluation of the other kind": (
        API.get_evaluation("p", label="m"),
        {"modelType": "MultiClassification", "multiClassificationEvaluation": None},
    ),
    "an evaluation without its counts": (
        API.get_evaluation("p", label="m"),
        {
            "modelType": "MultiClassification",
            "multiClassificationEvaluation": {"classes": {"a": {"f1": 1, "precision": 1, "recall": 1}}},
        },
    ),
    "an evaluation whose classes are a list": (
        API.get_evaluation("p", label="m"),
        {"modelType": "MultiClassification", "multiClassificationEvaluation": {"classes": []}},
    ),
    "a review without a place": (
        API.get_review("p", label="m"),
        {
            "modelType": "MultiClassification",
            "multiClassificationValidation": {
                "documents": [{"classes": {"labeledClasses": [], "predictedClasses": []}}]
            },
        },
    ),
}


@pytest.mark.parametrize("case", AUTHORING)
def test_an_authoring_answer_without_the_documented_shape_is_a_malformed_answer(case: str) -> None:
    call, body = AUTHORING[case]
    with pytest.raises(MalformedAnswerError, match=call.request.name):
        send(call, httpx.Response(200, json=body))


# What is odd but can be read.

ODD: dict[str, tuple[Any, LroStatus, int]] = {
    "an unknown status": (job(status="almostDone"), LroStatus.UNKNOWN, 0),
    "an empty status": (job(status=""), LroStatus.UNKNOWN, 0),
    "a status in capitals": (job(status="SUCCEEDED"), LroStatus.SUCCEEDED, 0),
    "a confidence as a string of digits": (score("0.5"), LroStatus.SUCCEEDED, 1),
    "a confidence that is whole": (score(1), LroStatus.SUCCEEDED, 1),
    "no tasks": ({"status": "running"}, LroStatus.RUNNING, 0),
    "tasks null": (job(tasks=None), LroStatus.SUCCEEDED, 0),
    "tasks a list": (job(tasks=[]), LroStatus.SUCCEEDED, 0),
    "results null": (
        job(tasks={"customMultiClassificationTasks": [{"results": None}]}),
        LroStatus.SUCCEEDED,
        0,
    ),
    "a task that is null": (job(tasks={"customMultiClassificationTasks": [None]}), LroStatus.SUCCEEDED, 0),
    "warnings null": (document(warnings=None), LroStatus.SUCCEEDED, 1),
    "times in words": (job(createdDateTime="yesterday", expirationDateTime=5), LroStatus.SUCCEEDED, 0),
    "errors null": (job(errors=None), LroStatus.SUCCEEDED, 0),
    "an empty next link": (job(**{"@nextLink": ""}), LroStatus.SUCCEEDED, 0),
    "members nobody knows": (job(novelty={"x": 1}), LroStatus.SUCCEEDED, 0),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_answer_is_read_as_far_as_it_goes(case: str) -> None:
    body, status, texts = ODD[case]
    found = send_job(body)
    assert (found.status, len(found.texts)) == (status, texts)


def test_every_entry_of_a_repeated_id_is_told_so_that_contradictions_are_seen() -> None:
    first, second = ({"id": "0", "classes": [scored(name)], "warnings": []} for name in "ab")
    texts = send_job(results(documents=[first, second])).texts
    assert [[each.name for each in text.classes] for text in texts] == [["a"], ["b"]]


def test_a_class_that_is_repeated_with_the_same_confidence_is_one() -> None:
    (text,) = send_job(document(classes=[scored("a"), scored("a")])).texts
    assert [each.name for each in text.classes] == ["a"]


@pytest.mark.parametrize(
    "name", ["x" * 50, "a b", "\u06a9\u062a\u0627\u0628\u200c\u062e\u0627\u0646\u0647", "\u00a0x", "\U0001f600"]
)
def test_a_class_may_be_called_by_any_word_of_50_characters(name: str) -> None:
    (text,) = send_job(named(name)).texts
    assert [each.name for each in text.classes] == [name]


FOREIGN: dict[str, tuple[Call[Any], dict[str, Any]]] = {
    "another analyze job": (GET, job(jobId="job-2")),
    "another training": (API.get_training_job("p", "j"), {"jobId": "k", "status": "succeeded", "tasks": [{}]}),
    "another publication": (API.get_publishing_job("p", "j"), {"jobId": "k", "status": "succeeded", "tasks": [{}]}),
    "another project": (
        API.get_project("p"),
        {
            "name": "q",
            "modelType": "SingleClassification",
            "culture": "en-us",
            "storageInputContainerName": "c",
            "labelsLocation": "l",
        },
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_an_answer_about_something_else_than_was_asked_for_is_a_malformed_answer(case: str) -> None:
    call, body = FOREIGN[case]
    with pytest.raises(MalformedAnswerError, match="about another"):
        send(call, httpx.Response(200, json=body))


def test_an_id_in_other_letters_is_no_other_id() -> None:
    call = API.get_analyze_job("AB-1")
    assert send(call, httpx.Response(200, json=job(jobId="ab-1"))).status is LroStatus.SUCCEEDED


FIGURES = {
    name: 1.0 for name in ("microF1", "microPrecision", "microRecall", "macroF1", "macroPrecision", "macroRecall")
}
OF_A_CLASS = {"f1": 1, "precision": 1, "recall": 1} | dict.fromkeys(
    ("countTruePositives", "countTrueNegatives", "countFalsePositives", "countFalseNegatives"), 1
)
IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "a figure above 1": {"microF1": 1.5},
    "a figure below 0": {"macroRecall": -0.1},
    "a class's figure above 1": {"classes": {"a": OF_A_CLASS | {"f1": 2}}},
    "a count below 0": {"classes": {"a": OF_A_CLASS | {"countFalsePositives": -1}}},
    "a class name of 51 characters": {"classes": {"x" * 51: OF_A_CLASS}},
    "half a character in a class name": {"classes": {"\ud800": OF_A_CLASS}},
    "more classes than a project may have": {"classes": {f"c{number}": OF_A_CLASS for number in range(201)}},
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_evaluation_with_an_impossible_figure_or_class_is_a_malformed_answer(case: str) -> None:
    figures = {"classes": {"a": OF_A_CLASS}} | FIGURES
    call = API.get_evaluation("p", label="m")

    def answered(changes: dict[str, Any]) -> Any:
        body = {"modelType": "MultiClassification", "multiClassificationEvaluation": figures | changes}
        return send(call, httpx.Response(200, content=json.dumps(body)))

    assert list(answered({}).classes) == ["a"]
    with pytest.raises(MalformedAnswerError, match="get_evaluation"):
        answered(IMPOSSIBLE[case])


def test_only_skip_and_top_of_a_next_link_are_used() -> None:
    link = "http://169.254.169.254/metadata?$top=5&$skip=20&api-version=1"
    found = send_job(job(**{"@nextLink": link}))
    assert found.next_page is not None
    request = API.get_analyze_job("job-1", page=found.next_page).request
    assert request.path == GET.request.path
    assert dict(request.query) == {"$top": "5", "$skip": "20"}
