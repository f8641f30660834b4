"""The golden documents that an operation tries its models on: pipeline/operations/golden/PROJECT.json.

Written once, when the trial begins, so that both models are tried on the same versions, and what a crash
interrupts goes on as it began. A project has one operation at a time; the next one's list replaces it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import quote

from shared.concurrency import FanOut, each_apart
from shared.documents.texts import AnalyzeRequest, DocumentTexts, TextReader, build_requests, text_id
from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.errors import (
    BlobNotFoundError,
    BlobUnreadableError,
    ContainerNotAllowedError,
    DocumentRejectedError,
    LabelsFaultyError,
    LabelsMissingError,
    StateUnreadableError,
    VersionChangedError,
)
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.probe import PROBE_TEXT
from shared.language.values import TextInput
from shared.models.trial import AnsweredClass, Trial, TrialDocument
from shared.operations.operation import Publishing, Retrain, TrialBatch
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
class GoldenDocuments:
    """A project's golden documents: which of them an operation uses, and their texts.

    `labelled` gives those that there are, with their labels as they are now; `limit` is how many are used at most.
    `containers` are those that a project may have.
    """

    state: BlobStore
    labelled: Callable[[Project], Sequence[LabelledDocument]]
    open_container: Callable[[str], BlobStore]
    containers: tuple[str, ...]
    texts: TextReader
    fan_out: FanOut
    limit: int

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

    def choose(self, operation: Publishing, project: Project) -> tuple[GoldenList, str | None]:
        """The golden documents at their present ETags; where there are none, why."""
        try:
            if project.container not in self.containers:
                raise ContainerNotAllowedError(project.container, allowed=self.containers)
            labelled = self.labelled(project)
        except (LabelsMissingError, LabelsFaultyError, ContainerNotAllowedError, StateUnreadableError) as error:
            if isinstance(error, StateUnreadableError) and isinstance(operation, Retrain):
                raise  # what it is to be judged by may be readable again; a roll-back does not wait for that
            nothing = GoldenList(operation=operation.id, container=project.container, documents=())
            return nothing, f"the labels cannot be read: {error}"
        chosen = _choose(labelled, limit=self.limit)
        there = {info.name: info for info in self.open_container(project.container).list()} if chosen else {}
        documents = tuple(
            GoldenDocument(
                location=each.location,
                etag=there[each.location].etag if each.location in there else "",
                size=there[each.location].size if each.location in there else 0,
                labels=each.classes,
            )
            for each in chosen
        )
        golden = GoldenList(operation=operation.id, container=project.container, documents=documents)
        return golden, None if documents else "there are no golden documents"

    def read(
        self, golden: GoldenList, batch: TrialBatch, *, group: str
    ) -> tuple[list[AnalyzeRequest], list[tuple[int, str]]]:
        """The requests that are still to be posted, and the documents that have no text, with the reason."""
        if not batch.indexes:
            return [AnalyzeRequest((TextInput(text_id(group, 0), PROBE_TEXT),), {})], []
        container = self.open_container(golden.container)

        def read(index: int) -> DocumentTexts | str:
            document = golden.documents[index]
            if not document.etag:
                return "the container has no such blob"
            try:
                blob = container.read(document.location, etag=document.etag)
                return self.texts.read(blob, group=group, index=index)
            except BlobNotFoundError:
                return "it was deleted during the trial"
            except VersionChangedError:
                return "it was overwritten during the trial"
            except (BlobUnreadableError, DocumentRejectedError) as error:
                return str(error)

        read_documents, raised = each_apart(self.fan_out, lambda index: (index, read(index)), batch.indexes)
        if raised and not read_documents:  # none of them is the cause
            raise raised[0][1]
        found = read_documents + [(index, type(error).__name__) for index, error in raised]
        posted = {each for job in batch.jobs for each in job.texts}
        documents = [
            replace(each, texts=tuple(text for text in each.texts if text.id not in posted))
            for _, each in found
            if isinstance(each, DocumentTexts)
        ]
        return build_requests(documents), [(index, each) for index, each in found if isinstance(each, str)]


def _choose(documents: Sequence[LabelledDocument], *, limit: int) -> list[LabelledDocument]:
    """All, or `limit` of them: the same ones for as long as they are there, whatever is added or removed."""
    if len(documents) <= limit:
        return list(documents)
    ranked = sorted(documents, key=lambda each: hashlib.sha256(b"trial\0" + each.location.encode()).digest())
    chosen = {each.location for each in ranked[:limit]}
    return [each for each in documents if each.location in chosen]


def _list_name(project: str) -> str:
    return f"operations/golden/{quote(project, safe='')}.json"
