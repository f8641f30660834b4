"""TextAuthoring2021 against the samples of emulators/language/tests/wire/preview_2021: requests and answers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import (
    LanguageAccessError,
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageRefusedError,
    LanguageThrottledError,
    PigeonholeError,
    UnsupportedOperationError,
)
from shared.language.apis.base import Call
from shared.language.apis.text_authoring_2021 import TextAuthoring2021
from shared.language.authoring_values import AuthoringJob, Project
from shared.language.values import (
    AnalyzeJob,
    ClassScore,
    LroStatus,
    ModelRef,
    Page,
    ProjectKind,
    ServiceError,
    TextClasses,
    TextInput,
)
from tests.unit.language.wire import Network, Sample, essence, load_samples

SAMPLES = load_samples("preview_2021")
API = TextAuthoring2021()
JOB = "e7f1b3c2-58d6-4a0b-bd13-6f2c9a4e8d75"
TRAINING = "6b0a8e52-3f0c-4d4d-9f0e-2b7f4c3c1a10"
PUBLISHING = "0d9f5a1e-7a3b-4a39-8f52-91c0f3a7d2e4"
MULTI_ID = "2f4f6a3e-9c1d-4b7a-8e5f-0a1b2c3d4e5f_MultiClassification_latest"
SINGLE_ID = "7c8d9e0f-1a2b-4c3d-9e8f-7a6b5c4d3e2f_SingleClassification_latest"
DESCRIPTION = "Support tickets by topic"


def model(reference: str, kind: ProjectKind = ProjectKind.MULTI) -> ModelRef:
    return ModelRef(project="tickets", kind=kind, reference=reference, label="model1")


def submit(sample: Sample) -> Call[str]:
    """The texts and the model of the sample's own body."""
    (task, entries), *_ = sample.request["body"]["tasks"].items()
    kind = ProjectKind.SINGLE if task == "customClassificationTasks" else ProjectKind.MULTI
    texts = [TextInput(each["id"], each["text"]) for each in sample.request["body"]["analysisInput"]["documents"]]
    reference = entries[0]["parameters"]["modelId"]
    return API.submit_analyze(texts, model(reference, kind), display_name=sample.request["body"]["displayName"])


def read_job(_: Sample) -> Call[AnalyzeJob]:
    return API.get_analyze_job(JOB)


def defined(name: str, kind: ProjectKind = ProjectKind.MULTI, labels_location: str = "labels.json") -> Project:
    return Project(
        name=name,
        kind=kind,
        language="en-us",
        container="tickets",
        labels_location=labels_location,
        description=DESCRIPTION,
    )


def create(sample: Sample) -> Call[None]:
    body = sample.request["body"]
    kind = ProjectKind.SINGLE if body["modelType"] == "SingleClassification" else ProjectKind.MULTI
    return API.create_project(defined(body["name"], kind, body["labelsLocation"]))


def label(sample: Sample) -> str:
    return str(sample.request["body"]["tasks"][0]["trainingModelName"])


def project(sample: Sample) -> str:
    """The name in the sample's path."""
    found = re.search(r"/projects/([^/?]+)", sample.request["path"])
    assert found
    return found[1]


CALLS: dict[str, Callable[[Sample], Call[Any]]] = {
    "analyze_submit_": submit,
    "too_many_requests": submit,
    "analyze_job_first_page": lambda _: API.get_analyze_job(JOB, page=Page(skip=0, top=1)),
    "analyze_job_last_page": lambda _: API.get_analyze_job(JOB, page=Page(skip=1, top=1)),
    "analyze_job_": read_job,
    "create_project_": create,
    "get_project": lambda sample: API.get_project(project(sample)),
    "key_refused": lambda sample: API.get_project(project(sample)),
    "update_project": lambda sample: API.update_project(defined(project(sample))),
    "delete_project": lambda sample: API.delete_project(project(sample)),
    "train_job_": lambda sample: API.get_training_job(project(sample), TRAINING),
    "trained_models": lambda sample: API.list_models(project(sample)),
    "train": lambda sample: API.train(project(sample), label=label(sample)),
    "publish_job_": lambda sample: API.get_publishing_job(project(sample), PUBLISHING),
    "publish": lambda sample: API.publish(project(sample), label=label(sample)),
    "evaluation_": lambda sample: API.get_evaluation(project(sample), label="model1"),
    "validation_": lambda sample: API.get_review(project(sample), label="model1"),
}
# Asked of a version the app does not speak.
NOT_OURS = {"version_unknown"}


def call_of(sample: Sample) -> Call[Any]:
    return next(build(sample) for prefix, build in CALLS.items() if sample.name.startswith(prefix))


OURS = sorted(set(SAMPLES) - NOT_OURS)


@pytest.mark.parametrize("name", OURS)
def test_the_request_is_the_sample_s(name: str) -> None:
    sample = SAMPLES[name]
    network = Network(lambda _: sample.answer())
    with contextlib.suppress(PigeonholeError):  # refusals are looked at below
        network.client().send(call_of(sample))
    sent = network.requests[0]
    expected = sample.request
    assert essence(sent.method, str(sent.url), dict(sent.headers), sent.content) == essence(
        expected["method"], expected["path"], expected["headers"], expected.get("body")
    )


# What the answers mean.

MOMENT = datetime(2021, 8, 17, 22, 33, 53, 61398, tzinfo=UTC)
DELIVERY_BILLING = TextClasses("1", (ClassScore("delivery", 0.91), ClassScore("billing", 0.64)))
DELIVERY = TextClasses("1", (ClassScore("delivery", 0.71),))
ACCOUNT = TextClasses("2", (ClassScore("account", 0.97),))
SUCCEEDED, RUNNING, NOT_STARTED = LroStatus.SUCCEEDED, LroStatus.RUNNING, LroStatus.NOT_STARTED

ANALYZE_JOBS: dict[str, tuple[LroStatus, tuple[TextClasses, ...], Page | None]] = {
    "analyze_job_multi": (SUCCEEDED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_single": (SUCCEEDED, (DELIVERY, ACCOUNT), None),
    "analyze_job_multi_no_class": (SUCCEEDED, (TextClasses("1", ()),), None),
    "analyze_job_recorded_multi": (SUCCEEDED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_recorded_single": (SUCCEEDED, (DELIVERY, ACCOUNT), None),
    "analyze_job_first_page": (SUCCEEDED, (DELIVERY_BILLING,), Page(skip=1, top=1)),
    "analyze_job_last_page": (SUCCEEDED, (ACCOUNT,), None),
    "analyze_job_document_error": (SUCCEEDED, (DELIVERY_BILLING,), None),
    "analyze_job_partially_completed": (LroStatus.PARTIALLY_COMPLETED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_failed": (LroStatus.FAILED, (), None),
    "analyze_job_not_started": (NOT_STARTED, (), None),
    "analyze_job_running": (RUNNING, (), None),
    "analyze_job_recorded_running": (NOT_STARTED, (), None),
}


def answer_to(name: str) -> Any:
    return Network(lambda _: SAMPLES[name].answer()).client().send(call_of(SAMPLES[name]))


@pytest.mark.parametrize("name", ANALYZE_JOBS)
def test_the_state_of_an_analyze_job_is_read_in_both_nestings_and_vocabularies(name: str) -> None:
    job = answer_to(name)
    assert (job.status, job.texts, job.next_page) == ANALYZE_JOBS[name]


def test_the_times_of_an_analyze_job_are_read_with_four_or_seven_digits() -> None:
    job = answer_to("analyze_job_multi")
    assert job.updated == MOMENT
    assert job.created == datetime(2021, 8, 17, 22, 32, 13, 457300, tzinfo=UTC)
    assert job.expires == datetime(2021, 8, 18, 22, 32, 13, 457300, tzinfo=UTC)


def test_a_document_s_error_is_read_with_its_innermost_code() -> None:
    errors = answer_to("analyze_job_document_error").text_errors
    assert list(errors) == ["2"]
    inner = SAMPLES["analyze_job_document_error"].response["body"]["tasks"]["tasks"]["customMultiClassificationTasks"]
    error = inner[0]["results"]["errors"][0]["error"]
    while "innererror" in error:
        error = error["innererror"]
    assert errors["2"].code == error["code"]


def test_a_task_s_error_is_read_with_what_it_points_at() -> None:
    assert answer_to("analyze_job_failed").errors == (
        ServiceError("InternalServerError", "Injected fault.", "#/tasks/customMultiClassificationTasks/0"),
    )


STARTED = {"analyze_submit_multi": JOB, "analyze_submit_single": JOB, "train": TRAINING, "publish": PUBLISHING}


@pytest.mark.parametrize("name", STARTED)
def test_a_started_job_is_its_id(name: str) -> None:
    assert answer_to(name) == STARTED[name]


EXPIRES = datetime(2021, 8, 24, 22, 32, 13, 457300, tzinfo=UTC)
MISSING = ServiceError("InvalidArgument", "Labelled documents are not in the container: t1.txt.")

AUTHORING_JOBS: dict[str, AuthoringJob] = {
    "train_job_not_started": AuthoringJob(TRAINING, NOT_STARTED, expires=EXPIRES, evaluation_status=NOT_STARTED),
    "train_job_running": AuthoringJob(TRAINING, RUNNING, expires=EXPIRES, evaluation_status=NOT_STARTED),
    "train_job_succeeded": AuthoringJob(TRAINING, SUCCEEDED, expires=EXPIRES, evaluation_status=SUCCEEDED),
    "train_job_failed": AuthoringJob(TRAINING, LroStatus.FAILED, (MISSING,), EXPIRES, evaluation_status=NOT_STARTED),
    "publish_job_not_started": AuthoringJob(PUBLISHING, NOT_STARTED, expires=EXPIRES),
    "publish_job_succeeded": AuthoringJob(PUBLISHING, SUCCEEDED, expires=EXPIRES, model_id=MULTI_ID),
}


@pytest.mark.parametrize("name", AUTHORING_JOBS)
def test_the_state_of_training_and_publishing_is_read(name: str) -> None:
    assert answer_to(name) == AUTHORING_JOBS[name]


def test_a_project_is_read_with_its_times() -> None:
    assert answer_to("get_project") == Project(
        name="tickets",
        kind=ProjectKind.MULTI,
        language="en-us",
        container="tickets",
        labels_location="labels.json",
        description=DESCRIPTION,
        created=datetime(2021, 8, 17, 22, 30, 40, 926700, tzinfo=UTC),
        modified=datetime(2021, 8, 17, 22, 31, 12, 117000, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["create_project_multi", "create_project_single", "update_project", "delete_project"])
def test_an_answer_that_tells_nothing_is_read_as_nothing(name: str) -> None:
    assert answer_to(name) is None


MODELS = {"trained_models": (SUCCEEDED, MULTI_ID), "trained_models_unpublished": (LroStatus.UNKNOWN, None)}


@pytest.mark.parametrize("name", MODELS)
def test_trained_models_tell_how_far_they_have_come(name: str) -> None:
    (found,) = answer_to(name).items
    assert (found.label, found.trained, found.evaluated) == ("model1", SUCCEEDED, SUCCEEDED)
    assert (found.published, found.model_id) == MODELS[name]


@pytest.mark.parametrize("kind", ProjectKind)
def test_an_evaluation_is_read_for_both_kinds(kind: ProjectKind) -> None:
    evaluation = answer_to("evaluation_single" if kind is ProjectKind.SINGLE else "evaluation_multi")
    assert evaluation.kind is kind
    assert evaluation.micro_f1 == 0.75
    assert evaluation.macro_f1 == pytest.approx(0.73333335)
    billing = evaluation.classes["billing"]
    assert (billing.true_positives, billing.true_negatives) == (2, 1)
    assert (billing.false_positives, billing.false_negatives) == (1, 0)
    assert (billing.precision, billing.recall, billing.f1) == (0.6666667, 1.0, 0.8)


def test_a_review_compares_what_was_labelled_with_what_was_predicted() -> None:
    first, second = answer_to("validation_multi").items
    assert (first.location, first.language) == ("t7.txt", "en-us")
    assert (first.labelled, first.predicted) == (("billing", "delivery"), ("billing",))
    assert first.is_mismatched
    assert not second.is_mismatched


def test_a_review_of_a_single_label_project_is_read() -> None:
    (only,) = answer_to("validation_single").items
    assert (only.location, only.labelled, only.predicted) == ("s7.txt", ("billing",), ("billing",))


REFUSALS: dict[str, tuple[type[PigeonholeError], str]] = {
    "analyze_job_not_found": (LanguageNotFoundError, "JobIdNotFound"),
    "analyze_submit_model_unknown": (LanguageRefusedError, "InvalidParameterValue"),
    "analyze_submit_no_documents": (LanguageRefusedError, "MissingInputRecords"),
    "analyze_submit_too_many_documents": (LanguageRefusedError, "InvalidDocumentBatch"),
    "create_project_exists": (LanguageConflictError, "Conflict"),
    "create_project_labels_missing": (LanguageRefusedError, "InvalidParameterValue"),
    "create_project_storage_denied": (LanguageAccessError, "InvalidRequest"),
    "evaluation_too_few_documents": (LanguageNotFoundError, "NotFound"),
    "get_project_not_found": (LanguageNotFoundError, "InvalidRequest"),
    "key_refused": (LanguageAccessError, "401"),
    "publish_model_not_found": (LanguageNotFoundError, "NotFound"),
    "too_many_requests": (LanguageThrottledError, "429"),
    "train_already_running": (LanguageConflictError, "Conflict"),
    "train_job_not_found": (LanguageNotFoundError, "OperationNotFound"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_becomes_its_error_with_the_innermost_code(name: str) -> None:
    error, code = REFUSALS[name]
    with pytest.raises(error, match=code) as caught:
        answer_to(name)
    assert type(caught.value) is error


def test_every_sample_is_read_by_one_of_these_tests() -> None:
    others = {
        "get_project",
        "create_project_multi",
        "create_project_single",
        "update_project",
        "delete_project",
        "evaluation_multi",
        "evaluation_single",
        "validation_multi",
        "validation_single",
    }
    read = {*ANALYZE_JOBS, *STARTED, *AUTHORING_JOBS, *MODELS, *REFUSALS, *others, *NOT_OURS}
    assert set(SAMPLES) - read == set(), "a new sample: say here what its answer means"


# What no sample shows.


def test_names_can_never_change_the_path() -> None:
    name = "a/../b?c#d%2e é"
    for call in (
        API.get_project(name),
        API.train(name, label=name),
        API.get_training_job(name, name),
        API.get_evaluation(name, label=name),
        API.get_analyze_job(name),
    ):
        assert "a%2F..%2Fb%3Fc%23d%252e%20%C3%A9" in call.request.path
        assert "?" not in call.request.path


FOUND: dict[str, tuple[LroStatus | None, LroStatus | None]] = {
    "model1": (SUCCEEDED, SUCCEEDED),
    "another": (None, None),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_training_or_publication_is_found_in_the_list_of_models(name: str) -> None:
    client = Network(lambda _: SAMPLES["trained_models"].answer()).client()
    training = client.send(API.find_training("tickets", label=name))
    publishing = client.send(API.find_publishing("tickets", label=name))
    assert (training and training.status, publishing and publishing.status) == FOUND[name]


def test_a_model_that_was_never_published_has_no_publication() -> None:
    client = Network(lambda _: SAMPLES["trained_models_unpublished"].answer()).client()
    assert client.send(API.find_publishing("tickets", label="model1")) is None


UNSUPPORTED: dict[str, Callable[[], object]] = {
    "import labels": lambda: API.import_labels(defined("p"), [], []),
    "import job": lambda: API.get_import_job("p", "j"),
    "cancel": lambda: API.cancel_training("p", "j"),
    "deploy": lambda: API.deploy("p", deployment="d", label="m"),
    "deployment job": lambda: API.get_deployment_job("p", "d", "j"),
    "deployments": lambda: API.list_deployments("p"),
    "swap": lambda: API.swap("p", first="a", second="b"),
    "swap job": lambda: API.get_swap_job("p", "j"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_the_preview_lacks_is_refused_before_anything_is_sent(case: str) -> None:
    with pytest.raises(UnsupportedOperationError, match="2021 preview"):
        UNSUPPORTED[case]()


def test_a_text_s_language_is_sent_where_one_is_given() -> None:
    call = API.submit_analyze([TextInput("0", "x", "de")], model(MULTI_ID), display_name="d")
    assert call.request.body["analysisInput"]["documents"] == [{"id": "0", "text": "x", "language": "de"}]
