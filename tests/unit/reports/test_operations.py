"""What callers are told of operations: where to follow one, and a project's list."""

from __future__ import annotations

import pytest

from shared.durable.store import Listed
from shared.operations.operation import (
    Operation,
    OperationFacts,
    OperationKind,
    OperationState,
    Publish,
    Reclassify,
    ReclassifyRequest,
    Retrain,
    Step,
)
from shared.reports.operations import CountedDocuments, accepted_operation, operation_list
from tests.fakes import START

ID = "20260301120000-0123456789ab"

OPERATIONS: dict[str, tuple[Operation, str | None]] = {
    "retrain": (
        Retrain(
            id=ID,
            created=START,
            due=START,
            project="letters",
            api_version="2021-preview",
            step=Step.TRAIN,
            label="march",
        ),
        "march",
    ),
    "publish": (
        Publish(
            id=ID,
            created=START,
            due=START,
            project="letters",
            api_version="2021-preview",
            step=Step.PUBLISH,
            label="may",
        ),
        "may",
    ),
    "reclassify": (
        Reclassify(
            id=ID,
            created=START,
            due=START,
            project="letters",
            api_version="2021-preview",
            step=Step.SEND_PAGE,
            request=ReclassifyRequest(),
            model="march",
            total=7,
        ),
        None,
    ),
}


@pytest.mark.parametrize("kind", OPERATIONS)
def test_an_accepted_operation_tells_its_address_and_the_model_it_makes_or_publishes(kind: str) -> None:
    operation, model = OPERATIONS[kind]
    assert accepted_operation(operation).to_members() == {
        "id": ID,
        "operation": f"/api/operations/{ID}",
        "state": "running",
        "model": model,
    }


def facts(kind: OperationKind = OperationKind.PUBLISH) -> OperationFacts:
    return OperationFacts(created=START, due=START, project="letters", kind=kind, state=OperationState.SUCCEEDED)


def test_a_list_shows_operations_in_its_order_and_leaves_out_what_cannot_be_read() -> None:
    listed = [Listed("2", facts(), START), Listed("x", None, START), Listed("1", facts(OperationKind.RETRAIN), START)]
    common = {"project": "letters", "state": "succeeded", "created": "2026-03-01T12:00:00Z"}
    assert operation_list(listed).to_members() == {
        "operations": [{"id": "2", "kind": "publish", **common}, {"id": "1", "kind": "retrain", **common}],
        "before": None,
    }


def test_a_count_says_that_nothing_was_sent() -> None:
    assert CountedDocuments(documents=7).to_members() == {"dry_run": True, "documents": 7}
