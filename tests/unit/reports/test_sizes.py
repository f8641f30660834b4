"""No answer grows without end: each list in an answer has a bound, and where it was cut the answer says so."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel

from functions.routes import ROUTES
from shared.durable.store import Listed
from shared.language.authoring_values import ReviewedDocument
from shared.operations.operation import OperationFacts, OperationKind, OperationState
from shared.reports import batches as batches_report
from shared.reports.bodies import Body
from shared.reports.operations import LISTED_OPERATIONS, operation_list
from shared.reports.projects import LISTED_REVIEWED, validation_body
from tests.fakes import START
from tests.services_on_fakes import LONG_RUNNING, PipelineOnFakes
from tests.unit.functions.harness import App
from tests.unit.operations.operations_world import OperationsWorld

# Member of an answer that is a list or a map -> what bounds it.
BOUNDS = {
    "BatchBody.documents": "25 documents make a batch",
    "BatchBody.history": "a line for each state, and for each submission, of which a document has three at most",
    "BatchBody.jobs": "the parts of one document of PIPELINE_MAX_DOCUMENT_BYTES, or 25 texts",
    "BatchList.batches": "1,000 open ones and the 20 newest closed ones; listed_all, searched_all",
    "DecidedBody.classes": "200 classes, the service's limit",
    "DocumentList.documents": "200; token",
    "EvaluationBody.classes": "200 classes, the service's limit",
    "FailureList.by_reason": "one for each code",
    "FailureList.failures": "200; by_reason counts all",
    "Health.parts": "containers, queues and the service",
    "Health.waits": "one for batches, one for operations, one for each half of the service's API",
    "Metrics.days": "30 days, each with the models of its batches, of which 5,000 are listed",
    "Metrics.models": "the models of these batches",
    "Metrics.problems": "the three models whose trials are read",
    "MetricsOfDay.classes": "200 classes, the service's limit",
    "MetricsOfDay.confidence": "ten tenths",
    "ModelList.models": "10 models of a project, the service's limit",
    "OperationList.operations": "200; before",
    "PipelineStatus.problems": "the totals, the model in use and what was audited",
    "PipelineStatus.recent_failures": "the 20 newest; searched_all_failures",
    "PipelineStatus.waits": "one for batches, one for operations, one for each half of the service's API",
    "Problem.problems": "100; more",
    "ProjectBody.warnings": "one, about its promise",
    "ReviewBody.classes": "200 classes, the service's limit",
    "ReviewBody.choices": "200 classes, the service's limit",
    "ReviewListBody.reviews": "200; more",
    "ReviewedBody.labelled": "200 classes, the service's limit",
    "ReviewedBody.predicted": "200 classes, the service's limit",
    "WaitingReview.classes": "200 classes, the service's limit",
    "StoredLabels.classes": "200 classes, the most that a labels file may have",
    "StoredLabels.warnings": "100; more_warnings",
    "TrialBody.acceptance_curve": "the 99 confidences of the grid",
    "TrialBody.calibration": "ten tenths",
    "TrialBody.confusion": "the pairs of classes that occur in a trial's documents, TRIAL_DOCUMENTS at most",
    "TrialBody.per_class": "200 classes, the service's limit",
    "ValidationBody.shown": "1,000; skip",
}


def bodies_below(model: type[BaseModel]) -> set[type[BaseModel]]:
    return {model}.union(*(bodies_below(each) for each in model.__subclasses__()))


def test_every_list_of_an_answer_has_its_bound() -> None:
    for route in ROUTES:
        import_module(f"functions.{route.module}")  # importing the functions imports every body
    lists = {
        f"{body.__name__}.{name}"
        for body in bodies_below(Body)
        if body.__module__.startswith("shared.")
        for name, member in body.model_fields.items()
        if any(word in str(member.annotation) for word in ("list[", "dict["))
    }
    assert lists - set(BOUNDS) == set(), "say what bounds it, and cut it where nothing does"


# Operations


def listed(count: int) -> list[Listed[OperationFacts]]:
    facts = OperationFacts(
        project="letters", kind=OperationKind.PUBLISH, state=OperationState.SUCCEEDED, created=START, due=START
    )
    return [Listed(f"{number:06}", facts, START) for number in reversed(range(count))]


def test_operations_are_listed_100_at_a_time_and_the_last_one_asks_for_the_next() -> None:
    everything = listed(2 * LISTED_OPERATIONS + 1)
    shown: list[str] = []
    before, lengths = None, []
    while True:
        page = operation_list(everything, before=before)
        shown += [each.id for each in page.operations]
        lengths.append(len(page.operations))
        before = page.before
        if before is None:
            break
    assert lengths == [100, 100, 1]
    assert shown == [each.id for each in everything]
    assert operation_list(listed(LISTED_OPERATIONS)).before is None


# Validation


def reviewed(count: int) -> list[ReviewedDocument]:
    return [
        ReviewedDocument(f"{number}.txt", "en-us", ("billing",), ("shipping",) if number % 2 else ("billing",))
        for number in range(count)
    ]


@pytest.mark.parametrize("only_mismatched", [False, True])
def test_reviewed_documents_are_shown_1000_at_a_time_and_all_of_them_are_counted(only_mismatched: bool) -> None:
    documents = reviewed(4 * LISTED_REVIEWED + 2)
    shown: list[str] = []
    skip: int | None = 0
    while skip is not None:
        page = validation_body("one", documents, only_mismatched=only_mismatched, skip=skip)
        assert (page.documents, page.mismatched) == (4 * LISTED_REVIEWED + 2, 2 * LISTED_REVIEWED + 1)
        assert len(page.shown) <= LISTED_REVIEWED
        shown += [each.location for each in page.shown]
        skip = page.skip
    assert shown == [each.location for each in documents if each.is_mismatched or not only_mismatched]


@pytest.mark.parametrize("skip", ["-1", "x", "1.5", "9" * 5_000])
def test_a_place_to_go_on_at_is_a_number(skip: str) -> None:
    app = App(OperationsWorld(api_version="2021-preview"))
    status, problem, _ = app.request("get_validation", query={"model": "one", "skip": skip}, project="letters")
    assert (status, problem["title"]) == (400, "The request cannot be read")


# Batches


def test_more_open_batches_than_are_listed_are_said_to_be_there(
    world: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.service.reads_before_done = LONG_RUNNING
    for number in range(3):
        world.upload(f"{number}.txt", "about billing")
        world.deliver_for(minutes=1)

    def shown() -> dict[str, Any]:
        return world.services.batch_report.list().to_members()

    assert (len(shown()["batches"]), shown()["listed_all"]) == (3, True)
    monkeypatch.setattr(batches_report, "LISTED_OPEN", 2)
    assert (len(shown()["batches"]), shown()["listed_all"]) == (2, False)
