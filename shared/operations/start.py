"""Starting a retraining or a publication. Each answers before the work is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from shared.durable.record import STEP_ALLOWANCE
from shared.errors import ModelExistsError, ModelUnknownError, quoted
from shared.models.projects import Projects
from shared.operations.operation import Operation, Publish, Retrain, RetrainRequest, Step
from shared.operations.operations import Operations, new_id


class _Common(TypedDict):
    id: str
    created: datetime
    due: datetime
    project: str
    api_version: str


@dataclass(frozen=True)
class StartOperations:
    """`first_step_of_retraining` depends on the API version in use."""

    operations: Operations
    projects: Projects
    first_step_of_retraining: Callable[[], Step]
    clock: Callable[[], datetime]

    def retrain(self, project: str, request: RetrainRequest) -> Operation:
        """Start training a new model. Raises OperationRunningError, ModelExistsError, ProjectUnknownError."""
        common = self._common(project)
        # Letters and digits only: the 2021 preview allows nothing else in a model's name.
        label = request.model or f"model{common['id'].replace('-', '')}"
        if any(model.label == label for model in self.projects.list_models(project)):
            raise ModelExistsError(
                f"project {project!r} has a model {quoted(label)} already; choose another name, or leave it out"
            )
        return self.operations.start(
            Retrain(**common, step=self.first_step_of_retraining(), label=label, request=request)
        )

    def publish(self, project: str, *, label: str) -> Operation:
        """Start publishing a trained model. Raises OperationRunningError, ModelUnknownError, ProjectUnknownError."""
        if not any(model.label == label for model in self.projects.list_models(project)):
            raise ModelUnknownError(
                f"project {project!r} has no trained model {quoted(label)}; GET its models for the list"
            )
        return self.operations.start(Publish(**self._common(project), step=Step.PUBLISH, label=label))

    def _common(self, project: str) -> _Common:
        now = self.clock()
        return {
            "id": new_id(now),
            "created": now,
            "due": now + STEP_ALLOWANCE,
            "project": project,
            "api_version": self.projects.language_api,
        }
