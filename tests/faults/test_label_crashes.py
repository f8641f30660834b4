"""Giving the service its labels, with a crash at every call: no label is lost, and no golden document is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.models.golden import split
from shared.models.labels import parse_labels
from shared.models.labels_store import stored_labels_blob
from shared.operations.operation import OperationState
from tests.unit.operations.operations_world import OperationsWorld, labels

FILE = parse_labels(labels(20))
ALL = {each.location for each in FILE.documents}
TRAINING = {each.location for each in split(FILE.documents, percent=20).training}


@dataclass
class Retraining:
    """One retraining on labels that were never PUT.

    `shown` is what the service had to train on, and `training_asked_for` the number of the call that started it.
    """

    api_version: str
    world: OperationsWorld = field(init=False)
    shown: list[set[str]] = field(default_factory=list)
    training_asked_for: int = 0

    def __post_init__(self) -> None:
        self.world = OperationsWorld(api_version=self.api_version)
        self.world.authoring.evaluations = {"next": 0.9}
        self.world.authoring.answer = self._look
        self.operation = self.world.start_retraining(model="next", publish=False)

    @property
    def is_preview(self) -> bool:
        return self.api_version == "2021-preview"

    def _look(self, request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path.endswith("train"):
            self.training_asked_for = self.world.calls
        if path.endswith("/:import"):
            documents = json.loads(request.content)["assets"]["documents"]
            self.shown.append({each["location"] for each in documents if each["dataset"] == "Train"})
        elif path.endswith("/train"):
            self.shown.append(self.in_container())
        return None

    def in_container(self) -> set[str]:
        return _locations(self.world.stores["training"].blobs["labels.json"].data)

    def stored(self) -> set[str]:
        """Where the whole labels are: in the container until the service may read only a part of them there."""
        name = stored_labels_blob("letters")
        blobs = self.world.stores["state"].blobs
        return _locations(blobs[name].data) if name in blobs else self.in_container()

    def problems(self) -> list[str]:
        """What is not as it must be in the end."""
        ended, trainings = self.world.find(self.operation), self.world.authoring.count("train")
        told = [f"{ended.state}: {ended.reason}"] if ended.state is not OperationState.SUCCEEDED else []
        told += [f"{trainings} trainings"] if trainings != 1 else []
        told += [f"shown were {self.shown}"] if any(each != TRAINING for each in self.shown) or not self.shown else []
        told += [f"{len(ALL - self.stored())} labels are lost"] if self.stored() != ALL else []
        told += ["the file in the container"] if self.in_container() != (TRAINING if self.is_preview else ALL) else []
        return told + self.world.locks() + [f"{len(self.world.poison)} messages are poison"] * bool(self.world.poison)


def _locations(data: bytes) -> set[str]:
    return {each.location for each in parse_labels(json.loads(data)).documents}


def calls_of(api_version: str) -> int:
    undisturbed = Retraining(api_version)
    start = undisturbed.world.calls
    undisturbed.world.run()
    # Until the service trains, and its answer is kept.
    calls = undisturbed.training_asked_for - start + 2
    assert undisturbed.problems() == []
    return calls


def test_no_crash_at_any_call_of_a_retraining_loses_a_label_or_shows_a_golden_document(api_version: str) -> None:
    calls = calls_of(api_version)
    assert calls > 15
    found = {}
    for number in range(1, calls + 1):
        for moment in ("before", "after"):
            crashed = Retraining(api_version)
            crashed.world.crash_at = (crashed.world.calls + number, moment)
            crashed.world.run()
            assert crashed.world.crashes == 1, f"crash {number} {moment} was not reached"
            if told := crashed.problems():
                found[number, moment] = told
    assert found == {}
    print(f"\n{2 * calls} crash points of a retraining, no label lost, no golden document shown")


def test_at_no_moment_is_a_label_in_no_file(api_version: str) -> None:
    """After each call, not only in the end: what a reader would find if the process stayed dead."""
    watched = Retraining(api_version)
    perform: Callable[[Any], Any] = watched.world._perform
    lost: list[int] = []

    def perform_and_look(effect: Callable[[], Any]) -> Any:
        result = perform(effect)
        if watched.stored() != ALL:
            lost.append(watched.world.calls)
        return result

    watched.world._perform = perform_and_look  # type: ignore[method-assign]
    watched.world.run()
    assert watched.problems() == []
    assert lost == []
