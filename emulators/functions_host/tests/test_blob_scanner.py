"""How the scanner spends its time, by a clock that only its work moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from functions_host.blobs import scanner as module
from functions_host.blobs.scanner import BlobScanner
from functions_host.blobs.triggers import BlobFunction
from functions_host.connections import Connections
from functions_host.singleton import Singleton


@dataclass
class Clock:
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Receipts:
    known: set[tuple[str, str, str]] = field(default_factory=set)

    def load(self) -> None: ...

    refresh = load

    def add(self, receipts: Any) -> None:
        self.known.update(receipts)

    def __contains__(self, receipt: tuple[str, str, str]) -> bool:
        return receipt in self.known


@dataclass
class Stop:
    """Lets a number of scans happen and keeps the pauses before them."""

    scans: int
    pauses: list[float] = field(default_factory=list)

    def wait(self, pause: float) -> bool:
        self.pauses.append(pause)
        return len(self.pauses) > self.scans

    def is_set(self) -> bool:
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(module, "time", found)
    return found


@pytest.mark.parametrize(("listing_seconds", "pause"), [(0.1, 1.0), (2.0, 6.0)])
def test_the_scanner_rests_by_what_its_look_took_and_not_by_what_it_found(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, listing_seconds: float, pause: float
) -> None:
    blobs = [
        SimpleNamespace(name=f"{n}.txt", etag=str(n), blob_type=SimpleNamespace(value="BlockBlob")) for n in range(3)
    ]

    def list_blobs(_: object) -> list[SimpleNamespace]:
        clock.now += listing_seconds
        return blobs

    queued = []

    def enqueue(message: object) -> None:
        clock.now += 100
        queued.append(message)

    monkeypatch.setattr(module, "_list_blobs", list_blobs)
    path = SimpleNamespace(container="documents", match=lambda *_: {})
    function = cast(BlobFunction, SimpleNamespace(id="accept", connection="", path=path))
    connections = SimpleNamespace(blobs=lambda _: SimpleNamespace(get_container_client=lambda _: None))
    singleton = SimpleNamespace(acquire=lambda: True, release=lambda: None)
    scanner = BlobScanner(
        [function],
        cast(Connections, connections),
        cast(Any, lambda _: Receipts()),
        enqueue,
        interval_seconds=1.0,
        singleton=cast(Singleton, singleton),
    )
    stop = Stop(scans=1)
    monkeypatch.setattr(scanner, "_stopping", stop)
    scanner._run()
    assert len(queued) == 3
    assert stop.pauses == [0.0, pytest.approx(pause)]
