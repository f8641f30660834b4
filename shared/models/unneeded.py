"""Which trained models may go: a project holds ten, and none that is in use or deployed is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import LanguageNotFoundError, ModelInUseError, ModelUnknownError, UnsupportedOperationError
from shared.language.apis.base import LanguageApi
from shared.language.authoring_values import Deployment, TrainedModel
from shared.language.client import LanguageClient
from shared.models.active_model import ActiveModelStore

# https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/service-limits
MAX_MODELS = 10
_NO_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class UnneededModels:
    """Deletes trained models at the service, on request or to make room for another."""

    language: LanguageClient
    active_model: ActiveModelStore

    def delete(self, api: LanguageApi, project: str, *, label: str) -> None:
        """Raises ModelInUseError, ModelUnknownError, UnsupportedOperationError."""
        call = api.delete_model(project, label=label)
        if label == self.active_model.find_label(project):
            raise ModelInUseError(f"model {label!r} is in use; publish another one first")
        holder = next((each for each in self._list_deployments(api, project) if each.label in (label, None)), None)
        if holder is not None:
            # An id of another form than documented leaves the label unknown.
            raise ModelInUseError(f"deployment {holder.name!r} holds model {holder.label or holder.model_id!r}")
        try:
            self.language.send(call)
        except LanguageNotFoundError as error:
            raise ModelUnknownError(f"project {project!r} has no trained model {label!r}") from error

    def find_to_prune(self, api: LanguageApi, project: str) -> TrainedModel | None:
        """The oldest model that is neither in use nor deployed, when the project holds as many as it can."""
        models = self.language.send_pages(lambda page: api.list_models(project, page=page))
        if len(models) < MAX_MODELS:
            return None
        deployed = {each.label for each in self._list_deployments(api, project)}
        if None in deployed:
            return None
        return oldest(models, needed=deployed | {self.active_model.find_label(project)})

    def prune(self, api: LanguageApi, project: str, *, label: str) -> None:
        """Delete a model that `find_to_prune` found. One that is gone already is as well."""
        try:
            self.language.send(api.delete_model(project, label=label))
        except LanguageNotFoundError:
            return

    def _list_deployments(self, api: LanguageApi, project: str) -> list[Deployment]:
        try:
            return self.language.send_pages(lambda page: api.list_deployments(project, page=page))
        except UnsupportedOperationError:
            return []


def oldest(models: Iterable[TrainedModel], *, needed: set[str | None]) -> TrainedModel | None:
    """The model trained first of those that are not needed; one without a time counts as the newest."""
    unneeded = [model for model in models if model.label not in needed]
    return min(unneeded, key=lambda model: (model.trained_at or _NO_TIME, model.label), default=None)
