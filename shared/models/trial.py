"""The trial: what a model answered for the golden documents, and in numbers.

Kept as pipeline/trials/<project>/<label>.json.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AwareDatetime, Field

from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.errors import BlobNotFoundError, RaceLostError, VersionChangedError
from shared.language.values import ProjectKind
from shared.models.acceptance import result_confidence
from shared.models.distribution import TENTHS, Distribution, tenth_of
from shared.storage.conditional import replace_own
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
    """All golden documents that a model has been tried on, with its answers or the errors in their place.

    `label` is the model's name, `ended` when the trial was last written.
    """

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
        found = self.find_stored(project, label=label)
        return found[0] if found else None

    def find_stored(self, project: str, *, label: str) -> tuple[Trial, str] | None:
        """The trial and its ETag. Raises StateUnreadableError."""
        name = trial_blob(project, label=label)
        with readable(name):
            try:
                blob = self._state.read(name)
            except BlobNotFoundError:
                return None
            return Trial.model_validate_json(blob.data), blob.etag

    def save(self, trial: Trial, *, etag: str | None) -> None:
        """Replace the trial that was read at `etag`, or create it. Raises RaceLostError when it was changed since."""
        name, data = trial_blob(trial.project, label=trial.label), _to_json(trial)
        try:
            with readable(name):
                if etag is None:
                    self._state.create(name, data)
                else:
                    replace_own(self._state, name, data, etag=etag, metadata={})
        except VersionChangedError as error:
            # The SDK repeats a write whose answer was lost, and meets its own.
            if etag is not None or self._state.read(name).data != data:
                raise RaceLostError(name) from error

    def remove(self, project: str, *, label: str) -> None:
        """Forget what a model of that name has answered: the name may be used again once a model is deleted."""
        self._state.delete(trial_blob(project, label=label))

    def put(self, trial: Trial) -> None:
        name = trial_blob(trial.project, label=trial.label)
        with readable(name):
            self._state.put(name, _to_json(trial))

    def delete_all(self, project: str) -> None:
        """Those of a project that was deleted."""
        for info in self._state.list(trials_of(project)):
            self._state.delete(info.name)


def _to_json(trial: Trial) -> bytes:
    return trial.model_dump_json(by_alias=True, indent=1).encode()


def trials_of(project: str) -> str:
    """How the names of a project's trials begin."""
    return f"trials/{quote(project, safe='')}/"


def trial_blob(project: str, *, label: str) -> str:
    return f"{trials_of(project)}{quote(label, safe='')}.json"


def tenth_of_answer(document: TrialDocument) -> int | None:
    """That of its least sure class; None where the model gave it none."""
    sure = result_confidence(each.confidence for each in document.classes)
    return None if sure is None else tenth_of(sure)


def trial_distribution(trial: Trial) -> Distribution:
    """What the model answered for the golden documents: of its answers, not of their labels."""
    classes, confidence = Counter[str](), [0] * TENTHS
    for document in trial.answered:
        classes.update({each.name for each in document.classes})
        tenth = tenth_of_answer(document)
        if tenth is not None:
            confidence[tenth] += 1
    return Distribution(len(trial.answered), dict(classes), tuple(confidence))
