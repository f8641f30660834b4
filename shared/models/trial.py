"""The trial: what a model answered for the golden documents; kept as pipeline/trials/<project>/<label>.json."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AwareDatetime, Field

from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.errors import BlobNotFoundError
from shared.language.values import ProjectKind
from shared.storage.ports import BlobStore


class AnsweredClass(StoredModel):
    """A class that the model named, and its confidence in it, 0 to 1."""

    name: str
    confidence: float


class TrialDocument(StoredModel):
    """A golden document, its labels when it was tried, and the model's answer; `error` is set where there is none."""

    location: str
    etag: str
    labels: tuple[str, ...]
    classes: tuple[AnsweredClass, ...] = ()
    error: str | None = None


class Trial(StoredModel):
    """All golden documents that a model has classified. `label` is the model's name."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    project: str
    kind: ProjectKind
    label: str
    api_version: str
    ended: AwareDatetime
    documents: tuple[TrialDocument, ...]

    @property
    def answered(self) -> list[TrialDocument]:
        return [document for document in self.documents if document.error is None]


class TrialStore:
    """Trials by project and model, in the app's state container."""

    def __init__(self, state: BlobStore) -> None:
        self._state = state

    def find(self, project: str, *, label: str) -> Trial | None:
        """Raises StateUnreadableError."""
        name = trial_blob(project, label=label)
        with readable(name):
            try:
                return Trial.model_validate_json(self._state.read(name).data)
            except BlobNotFoundError:
                return None

    def put(self, trial: Trial) -> None:
        name = trial_blob(trial.project, label=trial.label)
        with readable(name):
            self._state.put(name, trial.model_dump_json(by_alias=True, indent=1).encode())

    def delete_all(self, project: str) -> None:
        """Those of a project that was deleted."""
        for info in self._state.list(trials_of(project)):
            self._state.delete(info.name)


def trials_of(project: str) -> str:
    """How the names of a project's trials begin."""
    return f"trials/{quote(project, safe='')}/"


def trial_blob(project: str, *, label: str) -> str:
    return f"{trials_of(project)}{quote(label, safe='')}.json"
