"""A running app with documents, failures, two models and a trial; and a browser that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.datasets import SAMPLES, load_dataset
from tests.browser import hostile, interim
from tests.browser.chromium import WIDE, Browser, running_browser
from tests.e2e.conftest import Cloud, running_cloud

NEW = SAMPLES / "new"
PROJECT = "demo"
CLASSES = ["account_access", "billing", "complaint", "contract", "job_application", "shipping", "technical_issue"]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """With the samples classified and waiting for review, some failures, two models, and hostile names."""
    kind = str(request.config.getoption("--host"))
    with running_cloud(tmp_path_factory.mktemp("cloud"), dataset=load_dataset(SAMPLES), host_kind=kind) as running:
        # Nothing was tried yet, so nothing can be promised: every classification waits for review.
        running.api.call("PUT", f"/api/projects/{PROJECT}", {"kind": "multi_label", "acceptance": {"precision": 0.95}})
        for path in sorted(NEW.rglob("*.txt")):
            running.upload(f"inbox/{path.relative_to(NEW).as_posix()}", path.read_bytes())
        for number in range(3):
            running.upload(f"inbox/blank {number}.txt", b" \n")
        for name, text in zip(hostile.names(), hostile.texts(), strict=True):
            # Not by `upload`: the logs of storage may hold names, and these have what the texts have.
            running.container("documents").put(name, b" " if len(name) == hostile.LONGEST else text.encode())
        running.wait_until_settled("")
        running.follow(f"/api/projects/{PROJECT}/retrain", {"model": "second", "force": True})
        yield running


@pytest.fixture(scope="session")
def window(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests; `browser` hands it over as new."""
    assert cloud.stack.host is not None
    folder: Path = tmp_path_factory.mktemp("browser")
    with running_browser(cloud.stack.host.url, folder) as running:
        running.key = cloud.stack.host.master_key
        interim.answer(running, interim.metrics([*CLASSES, *hostile.names()[:3], "constructor"]))
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
