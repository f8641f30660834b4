"""The golden documents that an operation tries its models on: pipeline/operations/golden/PROJECT.json.

Written once, when the trial begins, so that both models are tried on the same versions, and what a crash
interrupts goes on as it began. A project has one operation at a time; the next one's list replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.errors import BlobNotFoundError
from shared.models.trial import AnsweredClass, Trial, TrialDocument
from shared.storage.ports import BlobStore

Key: TypeAlias = tuple[str, str]
"""A document's location and ETag."""


class GoldenDocument(StoredModel):
    """A golden document as the trial found it. `etag` is empty where the container has no such blob."""

    location: str
    etag: str
    size: int
    labels: tuple[str, ...]

    @property
    def key(self) -> Key:
        return self.location, self.etag

    def answered(self, classes: Sequence[AnsweredClass] = (), *, error: str | None = None) -> TrialDocument:
        return TrialDocument(
            location=self.location, etag=self.etag, labels=self.labels, classes=tuple(classes), error=error
        )


@dataclass(frozen=True)
class UntriedDocument:
    """A golden document by its index in the list; sized as packing wants it."""

    index: int
    size: int


class GoldenList(StoredModel):
    """What an operation tries its models on, in the order of the labels."""

    operation: str
    container: str
    documents: tuple[GoldenDocument, ...]

    def untried(self, trial: Trial | None) -> list[UntriedDocument]:
        """What the trial's model has not been tried on."""
        tried = {(each.location, each.etag) for each in trial.documents} if trial else set()
        return [UntriedDocument(index, each.size) for index, each in enumerate(self.documents) if each.key not in tried]

    def united(self, trial: Trial | None, added: Mapping[int, TrialDocument]) -> tuple[TrialDocument, ...]:
        """The trial's documents that are golden still, with the labels as they are now, and `added` ones by index."""
        known = {(each.location, each.etag): each for each in trial.documents} if trial else {}
        known |= {self.documents[index].key: each for index, each in added.items()}
        return tuple(
            known[each.key].model_copy(update={"labels": each.labels}) for each in self.documents if each.key in known
        )


@dataclass(frozen=True)
class GoldenLists:
    """The list of each project's operation under way, in the app's state container."""

    state: BlobStore

    def find(self, *, project: str, operation: str) -> GoldenList | None:
        """None where the list is another operation's, or there is none. Raises StateUnreadableError."""
        name = _list_name(project)
        with readable(name):
            try:
                found = GoldenList.model_validate_json(self.state.read(name).data)
            except BlobNotFoundError:
                return None
        return found if found.operation == operation else None

    def put(self, project: str, golden: GoldenList) -> None:
        name = _list_name(project)
        with readable(name):
            self.state.put(name, golden.model_dump_json().encode())


def _list_name(project: str) -> str:
    return f"operations/golden/{quote(project, safe='')}.json"
