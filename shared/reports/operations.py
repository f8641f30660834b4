"""Operations: where to find one, and the list of a project's."""

from __future__ import annotations

from datetime import datetime

from shared.durable.store import Listed
from shared.operations.operation import Operation, OperationFacts, PublishingRecord
from shared.reports.bodies import Body

LISTED_OPERATIONS = 100


class AcceptedOperation(Body):
    """202: it has begun, or was asked to stop. `operation` is its address, `model` the label where there is one."""

    id: str
    operation: str
    state: str
    model: str | None


class OperationSummary(Body):
    """One line of GET .../operations."""

    id: str
    project: str
    kind: str
    state: str
    created: datetime


class OperationList(Body):
    """GET .../operations, newest first, 100 without a limit. `before` asks for the next ones, null at the end."""

    operations: list[OperationSummary]
    before: str | None


class CountedDocuments(Body):
    """Answer to a reclassification that only counts."""

    dry_run: bool = True
    documents: int


class CountedDeadLetters(Body):
    """Answer to a redrive of dead letters that only counts."""

    dry_run: bool = True
    dead_letters: int


def operation_address(operation_id: str) -> str:
    return f"/api/operations/{operation_id}"


def accepted_operation(operation: Operation) -> AcceptedOperation:
    model = operation.label if isinstance(operation, PublishingRecord) else None
    return AcceptedOperation(
        id=operation.id, operation=operation_address(operation.id), state=operation.state, model=model
    )


def operation_list(
    listed: list[Listed[OperationFacts]], *, before: str | None = None, limit: int = LISTED_OPERATIONS
) -> OperationList:
    """Those that are older than the id `before`; ids begin with their time."""
    found = [each for each in listed if each.facts is not None and (before is None or each.id < before)]
    shown = found[:limit]
    return OperationList(
        before=shown[-1].id if len(found) > len(shown) else None,
        operations=[
            OperationSummary(
                id=each.id,
                project=each.facts.project,
                kind=each.facts.kind,
                state=each.facts.state,
                created=each.facts.created,
            )
            for each in shown
            if each.facts is not None
        ],
    )
