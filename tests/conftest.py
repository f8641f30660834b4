"""For all tests: a clean environment, real Azurite and emulator on free ports (started once, when first asked for)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from azurite_process.azurite import Azurite, running_azurite
from shared.config import Settings
from tests.fakes import app_settings
from tests.log_watch import WATCH

_OURS = (
    "LANGUAGE_",
    "PIPELINE_",
    "DATA_STORAGE",
    "DOCUMENT",
    "COLLECT_",
    "BATCHES_",
    "OPERATIONS_",
    "EVENTS_",
    "AzureWebJobs",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--host",
        choices=("stand-in", "real"),
        default="stand-in",
        help="which functions host runs the app end to end; real wants FUNCTIONS_HOST to name its start script",
    )


# Begun first, so that no worker is left alone with one of them in the end.
_SLOWEST = (
    "test_fault_matrix_on_real_parts",
    "test_chaos",
    "test_retrain_host",
    "test_documents",
    "test_retrain",
    "test_kill",
    "test_reclassify",
    "test_worse_model",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _SLOWEST.index(item.path.stem) if item.path.stem in _SLOWEST else len(_SLOWEST))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(_OURS):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def watched_logs() -> Iterator[None]:
    """The app's lines as a host shows them, and all warnings of others."""
    ours = logging.getLogger("pigeonhole")
    level = ours.level
    ours.setLevel(logging.INFO)
    logging.getLogger().addHandler(WATCH)
    yield
    logging.getLogger().removeHandler(WATCH)
    ours.setLevel(level)


@pytest.fixture(autouse=True)
def no_log_line_holds_a_text_or_a_key() -> Iterator[None]:
    WATCH.begin()
    yield
    assert WATCH.found == [], "a log line holds a key, a token, or the text of an uploaded document"


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture
def settings() -> Settings:
    return app_settings()
