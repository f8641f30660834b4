"""Classification jobs in the 2021 preview: real answers, pages, limits, expiry."""

from __future__ import annotations

import json

import pytest

from language_emulator.testing.corpus import CLASSES, DOCUMENTS
from language_emulator.testing.text_authoring_2021 import ANALYZE, TASKS, analysis, error_of
from tests.conftest import Start, Trained


def test_documents_get_the_classes_they_speak_of(trained: Trained) -> None:
    results = trained.preview.results(trained.single, list(DOCUMENTS.values()), "single")
    assert [document["classes"][0]["category"] for document in results["documents"]] == list(DOCUMENTS)
    assert [document["id"] for document in results["documents"]] == ["1", "2", "3"]


def test_a_multi_label_document_gets_every_class_over_its_threshold_best_first(trained: Trained) -> None:
    both = f"{DOCUMENTS['billing']} {DOCUMENTS['delivery']}"
    results = trained.preview.results(trained.multi, [both, "zzz"])
    classes, nothing = (document["classes"] for document in results["documents"])
    assert {entry["category"] for entry in classes} == {"billing", "delivery"}
    scores = [entry["confidenceScore"] for entry in classes]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert nothing == []


def test_the_same_document_always_gets_the_same_answer(trained: Trained) -> None:
    first, second = (trained.preview.results(trained.multi, list(DOCUMENTS.values())) for _ in range(2))
    assert first == second


def test_a_finished_job_is_read_as_often_as_one_likes_until_it_expires(start: Start) -> None:
    emulated = start(result_hours=2)
    preview = emulated.preview
    preview.create("few", "few")
    submitted = preview.analyze(preview.published("few"), ["parcel"])
    first = preview.read(submitted)
    emulated.clock.advance(seconds=7_199)
    assert preview.read(submitted) == first
    emulated.clock.advance(seconds=2)
    error = error_of(preview.http.get(submitted.headers["operation-location"]), 404)
    assert error["innererror"]["code"] == "JobIdNotFound"


def test_a_job_appears_to_run_for_the_reads_it_was_told(trained: Trained) -> None:
    trained.preview.control("PUT", "progression", {"analysis": "after 2 reads"})
    submitted = trained.preview.analyze(trained.multi, ["parcel"])
    jobs = [trained.preview.read(submitted) for _ in range(4)]
    assert [job["status"] for job in jobs] == ["notStarted", "running", "completed", "completed"]
    assert [job["tasks"]["inProgress"] for job in jobs] == [1, 1, 0, 0]
    assert jobs[0]["tasks"]["tasks"] == {}


def test_a_job_appears_to_run_for_the_seconds_it_was_told(trained: Trained) -> None:
    trained.preview.control("PUT", "progression", {"analysis": "after 30 seconds"})
    submitted = trained.preview.analyze(trained.multi, ["parcel"])
    assert trained.preview.read(submitted)["status"] == "notStarted"
    trained.clock.advance(seconds=30)
    assert trained.preview.read(submitted)["status"] == "completed"


def test_25_documents_come_in_two_pages_that_together_hold_each_once(trained: Trained) -> None:
    submitted = trained.preview.analyze(trained.multi, ["parcel"] * 25)
    first = trained.preview.read(submitted)
    second = trained.preview.http.get(first["@nextLink"]).json()
    pages = [page["tasks"]["tasks"][TASKS["multi"]][0]["results"] for page in (first, second)]
    assert [len(page["documents"]) for page in pages] == [20, 5]
    assert [document["id"] for page in pages for document in page["documents"]] == [str(n) for n in range(1, 26)]
    assert "@nextLink" not in second
    assert pages[0]["statistics"]["documentsCount"] == 25


@pytest.mark.parametrize("names", [("$top", "$skip"), ("top", "skip")])
def test_top_and_skip_choose_the_page(trained: Trained, names: tuple[str, str]) -> None:
    submitted = trained.preview.analyze(trained.multi, ["parcel"] * 7)
    page = trained.preview.read(submitted, **{names[0]: 3, names[1]: 2})
    documents = page["tasks"]["tasks"][TASKS["multi"]][0]["results"]["documents"]
    assert [document["id"] for document in documents] == ["3", "4", "5"]
    assert "top=3" in page["@nextLink"]
    assert "skip=5" in page["@nextLink"]


@pytest.mark.parametrize("query", ["$top=0", "$top=51", "$skip=-1", "$top=x"])
def test_an_impossible_page_is_refused(trained: Trained, query: str) -> None:
    location = trained.preview.analyze(trained.multi, ["parcel"]).headers["operation-location"]
    assert (
        error_of(trained.preview.http.get(f"{location}?{query}"), 400)["innererror"]["code"] == "InvalidParameterValue"
    )


def test_both_kinds_in_one_request_are_answered_each_by_its_own_model(trained: Trained) -> None:
    body = analysis(trained.multi, [{"id": "a", "text": DOCUMENTS["billing"]}])
    body["tasks"] |= analysis(trained.single, [], "single")["tasks"]
    job = trained.preview.read(trained.preview.submit(body))
    assert job["tasks"]["total"] == 2
    assert set(job["tasks"]["tasks"]) == set(TASKS.values())


def test_a_request_over_a_limit_is_refused_whole(trained: Trained) -> None:
    preview = trained.preview
    assert preview.analyze(trained.multi, ["x" * 5_000] * 25).status_code == 202
    too_long = error_of(preview.analyze(trained.multi, ["x" * 5_000] * 24 + ["x" * 5_001]), 400)
    assert too_long["innererror"]["code"] == "InvalidDocumentBatch"
    assert "125001 characters" in too_long["message"]
    too_many = error_of(preview.analyze(trained.multi, ["x"] * 26), 400)
    assert too_many["innererror"]["code"] == "InvalidDocumentBatch"


def test_a_body_over_a_mebibyte_is_refused(trained: Trained) -> None:
    body = analysis(trained.multi, [{"id": "1", "text": "parcel", "padding": "x" * 1_048_576}])
    assert trained.preview.submit(body).status_code == 413


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_document_is_an_error_of_that_document_only(trained: Trained, text: str) -> None:
    results = trained.preview.results(trained.multi, ["parcel", text])
    assert [document["id"] for document in results["documents"]] == ["1"]
    [error] = results["errors"]
    assert (error["id"], error["error"]["innererror"]["code"]) == ("2", "InvalidDocument")
    assert results["statistics"]["validDocumentsCount"] == 1
    assert results["statistics"]["erroneousDocumentsCount"] == 1


@pytest.mark.parametrize(
    ("documents", "inner"),
    [
        ([], "MissingInputRecords"),
        ([{"id": "1", "text": "a"}, {"id": "1", "text": "b"}], "InvalidDocument"),
        ([{"id": "", "text": "a"}], "InvalidDocument"),
        ([{"text": "a"}], "InvalidDocument"),
        ([{"id": 1, "text": "a"}], "InvalidRequestBodyFormat"),
        ([{"id": "1", "text": None}], "InvalidRequestBodyFormat"),
    ],
)
def test_bad_documents_are_refused(trained: Trained, documents: list[dict[str, str]], inner: str) -> None:
    error = error_of(trained.preview.submit(analysis(trained.multi, documents)), 400)
    assert error["innererror"]["code"] == inner


def test_an_error_about_a_body_never_repeats_its_text(trained: Trained) -> None:
    body = {"analysisInput": {"documents": [{"id": "1", "text": ["secret words"]}]}, "tasks": {}}
    assert "secret words" not in trained.preview.submit(body).text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_body_that_is_no_json_object_is_refused(trained: Trained, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = trained.preview.http.post(ANALYZE, content=content, headers=headers)
    assert error_of(response, 400)["innererror"]["code"] == "InvalidRequestBodyFormat"


def test_a_request_without_a_known_task_is_refused(trained: Trained) -> None:
    body = analysis(trained.multi, [{"id": "1", "text": "parcel"}]) | {"tasks": {"entityRecognitionTasks": [{}]}}
    assert error_of(trained.preview.submit(body), 400)["innererror"]["code"] == "InvalidTask"


def test_a_model_of_the_other_kind_is_refused_with_the_task_it_concerns(trained: Trained) -> None:
    error = error_of(trained.preview.analyze(trained.single, ["parcel"], "multi"), 400)
    assert error["target"] == "#/tasks/customMultiClassificationTasks/0"


def test_both_spellings_of_the_string_index_type_are_accepted(trained: Trained) -> None:
    for spelling in ("TextElements_v8", "TextElement_v8", None):
        body = json.loads(json.dumps(analysis(trained.multi, [{"id": "1", "text": "parcel"}])))
        body["tasks"][TASKS["multi"]][0]["parameters"]["stringIndexType"] = spelling
        assert trained.preview.submit(body).status_code == 202


def test_text_of_every_script_is_classified(trained: Trained) -> None:
    texts = ["parcel \U0001f4e6", "Пакет опоздал", "退款 invoice", "e\u0301 password", "\u0000 card"]
    results = trained.preview.results(trained.single, texts, "single")
    assert len(results["documents"]) == len(texts)
    assert all(document["classes"][0]["category"] in CLASSES for document in results["documents"])
