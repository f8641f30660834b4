"""What the answers of emulators/language/tests/wire/ga_2023 mean, sample by sample."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from shared.errors import (
    LanguageAccessError,
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageRefusedError,
    LanguageThrottledError,
    PigeonholeError,
)
from shared.language.apis.analyze_text import AnalyzeText
from shared.language.authoring_values import (
    AuthoringJob,
    ClassEvaluation,
    Deployment,
    Project,
    ReviewedDocument,
    TrainedModel,
)
from shared.language.values import AnalyzeJob, ClassScore, LroStatus, Page, ProjectKind, ServiceError, TextClasses
from tests.unit.language.analyze_text_wire import AUTHORING_JOB, JOB, NOT_OURS, SAMPLES, answer_to
from tests.unit.language.wire import Network

SUCCEEDED, FAILED, CANCELLED = LroStatus.SUCCEEDED, LroStatus.FAILED, LroStatus.CANCELLED
NOT_STARTED, RUNNING = LroStatus.NOT_STARTED, LroStatus.RUNNING

# Analyze

DELIVERY_BILLING = TextClasses("1", (ClassScore("delivery", 0.91), ClassScore("billing", 0.64)))
DELIVERY = TextClasses("1", (ClassScore("delivery", 0.71),))
ACCOUNT = TextClasses("2", (ClassScore("account", 0.97),))

ANALYZE_JOBS: dict[str, tuple[LroStatus, tuple[TextClasses, ...], Page | None]] = {
    "analyze_job_multi": (SUCCEEDED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_multi_documented": (SUCCEEDED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_multi_classifications_documented": (SUCCEEDED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_multi_no_class": (SUCCEEDED, (TextClasses("1", ()),), None),
    "analyze_job_single": (SUCCEEDED, (DELIVERY, ACCOUNT), None),
    "analyze_job_single_classification_documented": (SUCCEEDED, (DELIVERY, ACCOUNT), None),
    "analyze_job_statistics": (SUCCEEDED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_first_page": (SUCCEEDED, (DELIVERY_BILLING,), Page(skip=1, top=1)),
    "analyze_job_last_page": (SUCCEEDED, (ACCOUNT,), None),
    "analyze_job_document_error": (SUCCEEDED, (DELIVERY_BILLING,), None),
    "analyze_job_partially_completed": (LroStatus.PARTIALLY_COMPLETED, (DELIVERY_BILLING, ACCOUNT), None),
    "analyze_job_failed": (FAILED, (), None),
    "analyze_job_cancelled": (CANCELLED, (), None),
    "analyze_job_not_started": (NOT_STARTED, (), None),
    "analyze_job_running": (RUNNING, (), None),
}


@pytest.mark.parametrize("name", ANALYZE_JOBS)
def test_the_state_of_an_analyze_job_is_read(name: str) -> None:
    job: AnalyzeJob = answer_to(name)
    assert (job.status, job.texts, job.next_page) == ANALYZE_JOBS[name]


@pytest.mark.parametrize("name", ANALYZE_JOBS)
def test_the_times_of_an_analyze_job_are_read(name: str) -> None:
    job: AnalyzeJob = answer_to(name)
    assert job.created == datetime(2023, 7, 10, 9, 0, tzinfo=UTC)
    assert job.updated == datetime(2023, 7, 10, 9, 2, 31, 104_000, tzinfo=UTC)
    assert job.expires == datetime(2023, 7, 11, 9, 0, tzinfo=UTC)


def test_a_document_s_error_is_read_with_its_innermost_code() -> None:
    errors = answer_to("analyze_job_document_error").text_errors
    assert errors == {"2": ServiceError("InvalidDocument", "The document has no text.")}


@pytest.mark.parametrize("name", ["analyze_job_failed", "analyze_job_partially_completed"])
def test_a_task_s_error_is_read_with_what_it_points_at(name: str) -> None:
    assert answer_to(name).errors == (ServiceError("InternalServerError", "Injected fault.", "#/tasks/items/0"),)


# Jobs that are started, and answers that tell nothing

STARTED = {
    "analyze_submit_multi": JOB,
    "analyze_submit_single": JOB,
    "analyze_submit_2022": JOB,
    "import_multi": AUTHORING_JOB,
    "import_single": AUTHORING_JOB,
    "import_multi_2022": AUTHORING_JOB,
    "import_multi_2022_hyphens": AUTHORING_JOB,
    "train": AUTHORING_JOB,
    "train_manual": AUTHORING_JOB,
    "deploy": AUTHORING_JOB,
    "swap_deployments": AUTHORING_JOB,
}


@pytest.mark.parametrize("name", STARTED)
def test_a_started_job_is_its_id(name: str) -> None:
    assert answer_to(name) == STARTED[name]


TELLS_NOTHING = [
    "cancel_training",
    "cancel_training_2022_documented",
    "create_project_multi",
    "create_project_single",
    "delete_project",
    "update_project",
]


@pytest.mark.parametrize("name", TELLS_NOTHING)
def test_an_answer_that_tells_nothing_is_read_as_nothing(name: str) -> None:
    assert answer_to(name) is None


# Authoring jobs


def job_of(
    status: LroStatus,
    *errors: ServiceError,
    percent: int | None = None,
    evaluation_status: LroStatus | None = None,
) -> AuthoringJob:
    created = datetime(2023, 7, 10, 9, 0, tzinfo=UTC)
    expires = datetime(2023, 7, 17, 9, 0, tzinfo=UTC)
    return AuthoringJob(AUTHORING_JOB, status, errors, expires, percent, evaluation_status, created=created)


DENIED = ServiceError("InvalidRequest", "The Language resource has no permission to read container 'tickets'.")
INJECTED = ServiceError("InternalServerError", "Injected fault.")
AUTHORING_JOBS: dict[str, AuthoringJob] = {
    "import_job_succeeded": job_of(SUCCEEDED),
    "import_job_failed": job_of(FAILED, DENIED),
    "deployment_job_not_started": job_of(NOT_STARTED),
    "deployment_job_succeeded": job_of(SUCCEEDED),
    "swap_job_succeeded": job_of(SUCCEEDED),
    "train_job_not_started": job_of(NOT_STARTED, percent=0, evaluation_status=NOT_STARTED),
    "train_job_running": job_of(RUNNING, percent=40, evaluation_status=NOT_STARTED),
    "train_job_succeeded": job_of(SUCCEEDED, percent=100, evaluation_status=SUCCEEDED),
    "train_job_failed": job_of(FAILED, INJECTED, percent=40, evaluation_status=NOT_STARTED),
    "train_job_cancelled": job_of(CANCELLED, percent=40, evaluation_status=CANCELLED),
    "list_trainings": job_of(SUCCEEDED, percent=100, evaluation_status=SUCCEEDED),
}


@pytest.mark.parametrize("name", AUTHORING_JOBS)
def test_the_state_of_an_authoring_job_is_read(name: str) -> None:
    assert answer_to(name) == AUTHORING_JOBS[name]


# Projects, models, deployments

PROJECTS = ["get_project", "get_project_2025"]


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_is_read_with_its_times(name: str) -> None:
    assert answer_to(name) == Project(
        name="tickets",
        kind=ProjectKind.MULTI,
        language="en-us",
        container="tickets",
        description="Support tickets by topic",
        created=datetime(2023, 7, 10, 9, 0, tzinfo=UTC),
        modified=datetime(2023, 7, 10, 9, 2, 31, 104_000, tzinfo=UTC),
    )


def test_a_listed_model_is_trained_and_evaluated() -> None:
    trained_at = datetime(2023, 7, 10, 9, 2, 31, 104_000, tzinfo=UTC)
    (found,) = answer_to("list_models").items
    assert found == TrainedModel("model1", SUCCEEDED, trained_at, SUCCEEDED, LroStatus.UNKNOWN)


END = "-20230710T090231-2f4f6a3e9c1d4b7a8e5f0a1b2c3d4e5f"
PRODUCTION = Deployment("production", "model1", f"model1{END}", date(2025, 1, 1))
DEPLOYMENTS: dict[str, tuple[Deployment, Page | None]] = {
    "list_deployments": (PRODUCTION, None),
    "list_deployments_first_page": (PRODUCTION, Page(skip=1, top=2147483646)),
    "list_deployments_last_page": (Deployment("spare", "model1", f"model1{END}", date(2025, 1, 1)), None),
    "list_deployments_no_expiry_documented": (Deployment("production", "model1", f"model1{END}", None), None),
    "list_deployments_dashed_label": (
        Deployment("production", "tickets-2023-07-v2", f"tickets-2023-07-v2{END}", date(2025, 1, 1)),
        None,
    ),
}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_is_read_with_its_model_and_its_expiry(name: str) -> None:
    listing = answer_to(name)
    assert (*listing.items, listing.next_page) == DEPLOYMENTS[name]


# Evaluations

EVALUATIONS = {
    "evaluation_multi": ProjectKind.MULTI,
    "evaluation_multi_documented": ProjectKind.MULTI,
    "evaluation_multi_count_first_documented": ProjectKind.MULTI,
    "evaluation_single": ProjectKind.SINGLE,
    "evaluation_single_2025": ProjectKind.SINGLE,
}


@pytest.mark.parametrize("name", EVALUATIONS)
def test_an_evaluation_is_read_with_its_figures_and_counts(name: str) -> None:
    evaluation = answer_to(name)
    assert evaluation.kind is EVALUATIONS[name]
    assert (evaluation.micro_f1, evaluation.micro_precision, evaluation.micro_recall) == (0.75, 0.75, 0.75)
    assert (evaluation.macro_f1, evaluation.macro_precision, evaluation.macro_recall) == (0.7333333, 0.8333333, 0.75)
    assert evaluation.classes == {
        "billing": ClassEvaluation(0.6666667, 1.0, 0.8, 2, 1, 1, 0),
        "delivery": ClassEvaluation(1.0, 0.5, 0.6666667, 1, 2, 0, 1),
    }


def reviewed(location: str, labelled: tuple[str, ...], predicted: tuple[str, ...]) -> ReviewedDocument:
    return ReviewedDocument(location, "en-us", labelled, predicted)


TWO_AND_ONE = (("billing", "delivery"), ("billing",))
REVIEWS: dict[str, tuple[ReviewedDocument, Page | None]] = {
    "document_results_multi": (reviewed("t7.txt", *TWO_AND_ONE), None),
    "document_results_multi_2025": (reviewed("t7.txt", *TWO_AND_ONE), None),
    "document_results_single": (reviewed("t7.txt", ("billing",), ("billing",)), None),
    "document_results_single_2025": (reviewed("t7.txt", ("billing",), ("billing",)), None),
    "document_results_first_page": (reviewed("t7.txt", ("billing",), ("billing",)), Page(skip=1, top=2147483646)),
    "document_results_last_page": (reviewed("t9.txt", *TWO_AND_ONE), None),
}


@pytest.mark.parametrize("name", REVIEWS)
def test_a_review_compares_what_was_labelled_with_what_was_predicted(name: str) -> None:
    listing = answer_to(name)
    assert (*listing.items, listing.next_page) == REVIEWS[name]
    assert listing.items[0].is_mismatched is (listing.items[0].labelled != listing.items[0].predicted)


# Refusals

REFUSALS: dict[str, tuple[type[PigeonholeError], str]] = {
    "analyze_job_not_found": (LanguageNotFoundError, "JobIdNotFound"),
    "analyze_submit_deployment_unknown": (LanguageNotFoundError, "NotFound"),
    "analyze_submit_kind_differs": (LanguageRefusedError, "InvalidParameterValue"),
    "analyze_submit_no_documents": (LanguageRefusedError, "MissingInputDocuments"),
    "analyze_submit_project_unknown": (LanguageNotFoundError, "InvalidRequest"),
    "analyze_submit_too_many_documents": (LanguageRefusedError, "InvalidDocumentBatch"),
    "create_project_other_kind": (LanguageConflictError, "Conflict"),
    "deploy_model_not_found": (LanguageNotFoundError, "NotFound"),
    "get_project_not_found": (LanguageNotFoundError, "InvalidRequest"),
    "get_project_not_found_header_documented": (LanguageNotFoundError, "ProjectNotFound"),
    "import_nested_error_documented": (LanguageRefusedError, "InvalidParameterValue"),
    "import_version_differs": (LanguageRefusedError, "InvalidParameterValue"),
    "key_refused": (LanguageAccessError, "401"),
    "role_missing": (LanguageAccessError, "Forbidden"),
    "too_many_requests": (LanguageThrottledError, "429"),
    "train_already_running": (LanguageConflictError, "Conflict"),
    "version_unknown": (LanguageRefusedError, "InvalidParameterValue"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_becomes_its_error_with_the_innermost_code(name: str) -> None:
    error, code = REFUSALS[name]
    with pytest.raises(error, match=code) as caught:
        answer_to(name)
    assert type(caught.value) is error
    if isinstance(caught.value, LanguageRefusedError):
        assert caught.value.error_code == code


READ: set[str] = {
    *ANALYZE_JOBS,
    *STARTED,
    *TELLS_NOTHING,
    *AUTHORING_JOBS,
    *PROJECTS,
    "list_models",
    *DEPLOYMENTS,
    *EVALUATIONS,
    *REVIEWS,
    *REFUSALS,
}


def test_every_sample_is_read_by_one_of_these_tests() -> None:
    assert set(SAMPLES) - READ - NOT_OURS == set(), "a new sample: say here what its answer means"
    assert set(SAMPLES) & READ == READ


def test_2022_05_01_differs_in_its_name_only() -> None:
    call = AnalyzeText("2022-05-01").get_analyze_job(JOB)
    network = Network(lambda _: SAMPLES["analyze_job_multi"].answer())
    assert network.client().send(call) == answer_to("analyze_job_multi")
    twin = AnalyzeText("2023-04-01").get_analyze_job(JOB).request
    assert replace(call.request, query={"api-version": "2023-04-01"}) == twin
    assert network.requests[0].url.params["api-version"] == "2022-05-01"
