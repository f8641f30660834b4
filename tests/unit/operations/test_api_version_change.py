"""LANGUAGE_API changes while work is under way: what began under one API version finishes under it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import httpx
import pytest

from shared.batches.batch import BatchState
from shared.config import load_settings
from shared.errors import SettingsError
from shared.language.apis import API_VERSIONS
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.operations.operation import OperationState
from tests.faults.world import SERVICES
from tests.unit.operations.fake_authoring import FakeAuthoring
from tests.unit.operations.operations_world import PUBLISH, OperationsWorld, steps_of

PREVIEW, DATED = "2021-preview", "2023-04-01"
CHANGES = [(PREVIEW, DATED), (DATED, PREVIEW)]
DATED_PATHS = ("/language/analyze-text/", "/language/authoring/analyze-text/")


@dataclass
class TwoVersions(OperationsWorld):
    """A service that answers both API versions; they have projects and models of the same names, and jobs of others."""

    def __post_init__(self) -> None:
        super().__post_init__()
        (other,) = {PREVIEW, DATED} - {self.api_version}
        service = SERVICES[other](self.clock, self.call, _numbers=itertools.count(1_000))
        self.services_by_version = {self.api_version: self.service, other: service}
        self.authorings = {self.api_version: self.authoring, other: FakeAuthoring(service, self.clock)}
        self.start_process()

    def language_client(self) -> LanguageClient:
        if not hasattr(self, "services_by_version"):
            return super().language_client()
        http = httpx.Client(transport=httpx.MockTransport(self._route))
        return LanguageClient(self.settings.language_endpoint, KeyCredential("k"), http, sleep=lambda _: None)

    def _route(self, request: httpx.Request) -> httpx.Response:
        is_dated = f"{request.url.path}/".startswith(DATED_PATHS)
        assert is_dated is ("api-version" in request.url.params)
        return self.services_by_version[DATED if is_dated else PREVIEW]._handle(request)

    def requests(self, version: str) -> int:
        return sum(self.services_by_version[version].requests.values())


def batch_states(world: OperationsWorld) -> list[str]:
    return [facts["state"] for facts in world.batch_facts()]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_batch_submitted_under_one_version_finishes_under_it(old: str, new: str) -> None:
    world = TwoVersions(api_version=old)
    world.publish("first")
    world.upload("letter.txt", "about billing")
    while batch_states(world) != [BatchState.SUBMITTED]:
        world.deliver_next()
    world.change_settings(language_api=new)
    world.run()
    record = world.classification("letter.txt")
    assert record is not None
    assert (record.api_version, record.model.label) == (old, "first")
    assert world.requests(new) == 0
    assert world.violations() == world.untruthful() == []


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_the_model_in_use_answers_under_its_own_version_until_another_is_published(old: str, new: str) -> None:
    world = TwoVersions(api_version=old)
    world.publish("first")
    world.change_settings(language_api=new)
    world.upload("before.txt", "about billing")
    world.run()
    before = world.classification("before.txt")
    assert before is not None
    assert (before.api_version, before.model.label) == (old, "first")
    assert world.requests(new) == 0

    ended = world.publish("second")
    assert (ended.state, ended.api_version) == (OperationState.SUCCEEDED, new)
    world.upload("after.txt", "about shipping")
    world.run()
    after = world.classification("after.txt")
    assert after is not None
    assert (after.api_version, after.model.label) == (new, "second")
    assert steps_of(ended) == PUBLISH[new]


@pytest.mark.parametrize(
    ("old", "new", "step"), [(old, new, step) for old, new in CHANGES for step in PUBLISH[old]], ids=str
)
def test_a_publication_begun_under_one_version_finishes_under_it(old: str, new: str, step: str) -> None:
    world = TwoVersions(api_version=old)
    world.publish("first")
    operation = world.start("second")
    world.run_until(operation, step)
    world.change_settings(language_api=new)
    world.upload("letter.txt", "about billing")
    world.run()
    ended = world.find(operation)
    assert (ended.state, ended.api_version) == (OperationState.SUCCEEDED, old)
    assert steps_of(ended) == PUBLISH[old]
    assert world.authorings[new].changes == []
    assert world.requests(new) == 0
    model = world.in_use()
    assert model is not None
    assert (model.label, model.api_version) == ("second", old)
    record = world.classification("letter.txt")
    assert record is not None
    assert record.api_version == old
    assert world.violations() == world.untruthful() == []


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_batches_of_both_versions_are_polled_side_by_side(old: str, new: str) -> None:
    world = TwoVersions(api_version=old)
    world.publish("first")
    world.services_by_version[old].reads_before_done = 40
    world.upload("old.txt", "about billing")
    while batch_states(world) != [BatchState.SUBMITTED]:
        world.deliver_next()
    world.change_settings(language_api=new)
    operation = world.start("second")
    while not world.find(operation).is_ended:
        world.deliver_next()
    assert batch_states(world) == [BatchState.SUBMITTED]
    world.upload("new.txt", "about shipping")
    world.run()
    records = {record.document.name: (record.api_version, record.model.label) for record in world.records()}
    assert records == {"old.txt": (old, "first"), "new.txt": (new, "second")}


def test_a_version_nobody_knows_is_refused_at_the_start_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE_API", "2024-11-15-preview")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    told = next(line for line in str(refused.value).splitlines() if "LANGUAGE_API" in line)
    assert told.endswith(f"'2024-11-15-preview' is unknown; known API versions are {', '.join(API_VERSIONS)}")
