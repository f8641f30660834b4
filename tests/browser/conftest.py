"""A running app with documents, failures, two models and a trial; and a browser that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import WIDE, Browser, running_browser
from tests.browser.scene import running_scene
from tests.e2e.conftest import Cloud

CLASSES = ["account_access", "billing", "complaint", "contract", "job_application", "shipping", "technical_issue"]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """With the samples, and hostile names."""
    kind = str(request.config.getoption("--host"))
    with running_scene(tmp_path_factory.mktemp("cloud"), host_kind=kind, with_hostile=True) as running:
        yield running


@pytest.fixture(scope="session")
def window(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests; `browser` hands it over as new."""
    assert cloud.stack.host is not None
    folder: Path = tmp_path_factory.mktemp("browser")
    with running_browser(cloud.stack.host.url, folder) as running:
        running.key = cloud.stack.host.master_key
        yield running


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """Signed out, wide, as the system has it. What the page did wrong during the test fails it."""
    window.resize(WIDE)
    window.start()
    window.errors()
    window.requests()
    yield window
    assert window.violations() == [], "the page broke its own policy, or a dialog was opened"
    assert window.errors() == []
    assert window.foreign_requests() == []


@pytest.fixture
def page(browser: Browser) -> Browser:
    """Signed in with the master key, as test_use.py shows that one does."""
    browser.start(key=browser.key)
    return browser
