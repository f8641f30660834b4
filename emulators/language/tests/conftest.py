"""Emulators over one Azurite: an empty one for tests that change it, trained ones for tests that only ask."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from azurite_process.azurite import Azurite, running_azurite
from language_emulator.clock import ManualClock
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings
from language_emulator.testing.analyze_text import GeneralAvailability
from language_emulator.testing.corpus import upload_corpus
from language_emulator.testing.text_authoring_2021 import Preview

KEY = "emulator-key"
IMMEDIATE = dict.fromkeys(("training", "publishing", "imports", "analysis"), "immediate")


@dataclass(frozen=True)
class Emulated:
    """A running emulator, its clock and a client of it."""

    running: RunningEmulator
    clock: ManualClock
    preview: Preview

    @property
    def url(self) -> str:
        return self.running.url


@dataclass(frozen=True)
class Trained(Emulated):
    """Two projects, `tickets` (multi label) and `mail` (single label), with their published model ids."""

    multi: str
    single: str


@dataclass(frozen=True)
class Deployed:
    """An emulator reached through the GA API; `tickets` (multi) and `mail` (single) are deployed as `production`."""

    running: RunningEmulator
    clock: ManualClock
    ga: GeneralAvailability

    @property
    def url(self) -> str:
        return self.running.url


Start = Callable[..., Emulated]
Connect = Callable[[str], GeneralAvailability]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LANGUAGE_EMULATOR_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture(scope="session")
def storage(azurite: Azurite) -> str:
    """The containers `tickets` and `mail` with labelled documents, and `few` with fewer than an evaluation takes."""
    connection_string = azurite.connection_string
    upload_corpus(connection_string, "tickets", single_label=False)
    upload_corpus(connection_string, "mail", single_label=True)
    upload_corpus(connection_string, "few", single_label=False, count=8)
    return connection_string


@pytest.fixture
def start(storage: str) -> Iterator[Start]:
    """Start emulators with settings of one's own; all are stopped at the end."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(_Started(storage, settings))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """GA clients that are closed at the end."""
    with ExitStack() as stack:

        def connected(url: str) -> GeneralAvailability:
            client = GeneralAvailability(url, KEY)
            stack.callback(client.http.close)
            return client

        yield connected


@pytest.fixture(scope="session")
def emulated_once(storage: str) -> Iterator[Emulated]:
    with _Started(storage, {}) as emulated:
        yield emulated


@pytest.fixture
def emulated(emulated_once: Emulated) -> Emulated:
    """As good as fresh, with default settings; its clock stands where the last test left it."""
    emulated_once.preview.control("POST", "reset")
    return emulated_once


@pytest.fixture(scope="session")
def trained_once(storage: str) -> Iterator[Trained]:
    with _Started(storage, {}) as emulated:
        preview = emulated.preview
        assert preview.create("tickets", "tickets", "multi").status_code == 201
        assert preview.create("mail", "mail", "single").status_code == 201
        multi, single = preview.published("tickets"), preview.published("mail")
        yield Trained(emulated.running, emulated.clock, preview, multi, single)


@pytest.fixture
def trained(trained_once: Trained) -> Iterator[Trained]:
    """Shared by all tests: leave its projects alone. Faults and progression are put back."""
    yield trained_once
    trained_once.preview.control("DELETE", "faults")
    trained_once.preview.control("PUT", "progression", IMMEDIATE)


@pytest.fixture(scope="session")
def deployed_once(storage: str) -> Iterator[Deployed]:
    with _Started(storage, {}) as emulated:
        ga = GeneralAvailability(emulated.url, KEY)
        ga.deployed("tickets", "tickets", "multi")
        ga.deployed("mail", "mail", "single")
        yield Deployed(emulated.running, emulated.clock, ga)
        ga.http.close()


@pytest.fixture
def deployed(deployed_once: Deployed) -> Iterator[Deployed]:
    """Shared by all tests: leave its two projects alone. Faults and progression are put back."""
    yield deployed_once
    deployed_once.ga.control("DELETE", "faults")
    deployed_once.ga.control("PUT", "progression", IMMEDIATE)


class _Started:
    """An emulator with a manual clock, as a context manager."""

    def __init__(self, storage: str, settings: dict[str, Any]) -> None:
        self._settings = EmulatorSettings(**({"storage": storage, "key": KEY} | settings))
        self._stack = ExitStack()

    def __enter__(self) -> Emulated:
        clock = ManualClock()
        running = self._stack.enter_context(running_emulator(self._settings, clock))
        preview = Preview(running.url, self._settings.key)
        self._stack.callback(preview.http.close)
        return Emulated(running, clock, preview)

    def __exit__(self, *_: object) -> None:
        self._stack.close()
