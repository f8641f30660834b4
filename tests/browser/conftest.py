"""A running app with documents, failures, two models and a trial; and a browser that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from cli.datasets import SAMPLES, load_dataset
from shared.language.values import ProjectKind
from shared.models.trial import AnsweredClass, Trial, TrialDocument, TrialStore
from tests.browser import hostile, interim
from tests.browser.chromium import WIDE, Browser, running_browser
from tests.e2e.conftest import Cloud, running_cloud

NEW = SAMPLES / "new"
PROJECT = "demo"
CLASSES = ["account_access", "billing", "complaint", "contract", "job_application", "shipping", "technical_issue"]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """With the samples classified, some failures, an operation that ended, and hostile names."""
    kind = str(request.config.getoption("--host"))
    with running_cloud(tmp_path_factory.mktemp("cloud"), dataset=load_dataset(SAMPLES), host_kind=kind) as running:
        for path in sorted(NEW.rglob("*.txt")):
            running.upload(f"inbox/{path.relative_to(NEW).as_posix()}", path.read_bytes())
        for number in range(3):
            running.upload(f"inbox/blank {number}.txt", b" \n")
        for name, text in zip(hostile.names(), hostile.texts(), strict=True):
            # Not by `upload`: the logs of storage may hold names, and these have what the texts have.
            running.container("documents").put(name, b" " if len(name) == hostile.LONGEST else text.encode())
        running.follow(f"/api/projects/{PROJECT}/retrain", {"model": "second"})
        running.wait_until_settled("")
        for label, seed in (("first", 1), ("second", 2)):
            put_trial(running, label=label, seed=seed)
        yield running


def put_trial(cloud: Cloud, *, label: str, seed: int) -> None:
    """As a retraining would have written it: 90 golden documents, of which some are wrong."""
    chance = Random(seed)
    documents = []
    for number in range(90):
        true = CLASSES[number % len(CLASSES)]
        confidence = chance.uniform(0.35, 1)
        answered = true if chance.random() < confidence else chance.choice(CLASSES)
        documents.append(
            TrialDocument(
                location=f"golden/{number}.txt",
                etag='"1"',
                labels=(true,),
                classes=(AnsweredClass(name=answered, confidence=confidence),),
            )
        )
    TrialStore(cloud.container(cloud.stack.settings.pipeline_container)).put(
        Trial(
            project=PROJECT,
            kind=ProjectKind("multi_label"),
            label=label,
            api_version=cloud.stack.settings.language_api,
            ended=datetime.now(UTC),
            documents=tuple(documents),
        )
    )


@pytest.fixture(scope="session")
def window(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests; `browser` hands it over as new."""
    assert cloud.stack.host is not None
    folder: Path = tmp_path_factory.mktemp("browser")
    with running_browser(cloud.stack.host.url, folder) as running:
        running.key = cloud.stack.host.master_key
        texts = hostile.texts()
        interim.answer(
            running,
            reviews=[interim.review(number, texts[number % len(texts)], CLASSES) for number in range(120)],
            metrics=interim.metrics([*CLASSES, *hostile.names()[:3]]),
        )
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
