"""Retraining in the real host, under both API versions: killed at every step, and asked for many times at once.

Under 2021-preview the model is the project's first. Under 2023-04-01, whose rows are `long`, it replaces one in
production: submissions are held, and deployments swapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from azurite_process.processes import wait_until
from cli.datasets import Dataset
from language_emulator.testing.corpus import upload_corpus
from local.seed import LABELS, seed
from shared.language.apis import api_for
from shared.language.authoring_values import Project
from shared.language.values import ProjectKind
from shared.models.active_model import ACTIVE_MODEL
from shared.models.trial import TrialStore
from tests.e2e.conftest import DEADLINE, NO_NETS, QUICK, Cloud, running_cloud, steps_taken
from tests.unit.operations.operations_world import RETRAIN

pytestmark = pytest.mark.e2e

PROJECT = "/api/projects/demo"
PREVIEW, DATED = "2021-preview", "2023-04-01"
# Of the steps, those that `make test` kills a host in; the others are the gate's.
OFTEN = ("train", "trial", "wait_trial", "switch", "gate")
SLOW = {"kind": "slow", "seconds": 1.5}


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, host_kind: str, request: pytest.FixtureRequest
) -> Iterator[Cloud]:
    timings = QUICK | {"receive_visibility": 2, "renewal": 0.7}
    # Submissions are held for as long as one may be on its way.
    changes = NO_NETS | {"language_api": request.param, "language_read_seconds": "3"}
    with running_cloud(
        tmp_path_factory.mktemp("retrain"), host_kind=host_kind, timings=timings, changes=changes
    ) as cloud:
        upload_corpus(cloud.stack.azurite.connection_string, "training", single_label=False, count=40)
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    """An emulator that knows nothing but a project: untrained, and no model in use; or, under the dated API, with a
    model `first` in production and in use, which was never tried."""
    running.control("POST", "reset")
    running.container("pipeline").delete(ACTIVE_MODEL)
    services = running.stack.services
    api = api_for(services.settings.language_api)
    if api.has_deployments:
        TrialStore(running.container("pipeline")).remove("demo", label="first")
        labels = running.container("training").read(LABELS).data
        seed(services, Dataset(Path(), labels, ProjectKind.MULTI, training={}, new={}, expected={}))
        running.control("DELETE", "requests")
    else:
        definition = Project("demo", ProjectKind.MULTI, "en-us", "training", LABELS)
        services.adapters.language.send(api.create_project(definition))
    return running


def is_dated(cloud: Cloud) -> bool:
    return cloud.stack.settings.language_api == DATED


def submissions_are_held(cloud: Cloud) -> bool:
    return cloud.api.call("GET", "/api/status")["active_model"]["held_until"] is not None


@dataclass(frozen=True)
class Moment:
    """When the host is killed: while a request of the service is being answered, after so many looks at a job, or when
    something is `seen` at the app."""

    slow: str = ""
    skip: int = 0
    progression: dict[str, str] = field(default_factory=dict)
    looks_at: str = ""
    seen: Callable[[Cloud], bool] | None = None
    step: str = ""
    """What the operation's record names then, where it is not the name of the moment."""
    leaves_out: tuple[str, ...] = ()
    """Steps that have nothing to wait for, because what was asked for is found done."""

    @property
    def repeated(self) -> str:
        """The request that is sent again: of an import, which replaces the same by the same, and of the batch in flight
        nothing tells that they arrived."""
        return self.slow if self.slow in ("import_project", "submit_analysis") else ""

    def prepare(self, cloud: Cloud) -> None:
        if self.slow:
            cloud.inject(self.slow, SLOW, skip=self.skip)
        if self.progression:
            cloud.control("PUT", "progression", self.progression)

    def has_come(self, cloud: Cloud) -> bool:
        if self.seen:
            return self.seen(cloud)
        if self.slow:
            return cloud.faults_applied() > 0
        # Those that the model in use was made by have ended.
        return any(job["reads"] > 0 and job["status"] != "succeeded" for job in cloud.jobs(self.looks_at))

    def wait_for_the_effect(self, cloud: Cloud) -> None:
        """The host's lock on its message is minutes in the real one: the request has ended when the message returns."""
        if self.slow:
            wait_until(
                lambda: cloud.requests(self.slow) > self.skip, seconds=DEADLINE, what=f"the effect of {self.slow}"
            )


AFTER_READS = "after 2 reads"
# A slow request takes effect in the service although who sent it is dead: its answer is never saved.
SHARED = {
    "train": Moment(slow="train"),
    "wait_training": Moment(progression={"training": AFTER_READS}, looks_at="training"),
    "evaluate": Moment(slow="get_evaluation"),
    "trial": Moment(slow="submit_analysis"),
    "wait_trial": Moment(progression={"analysis": AFTER_READS}, looks_at="analysis"),
}
MOMENTS = {
    PREVIEW: SHARED
    | {
        "split": Moment(slow="get_project"),
        "publish": Moment(slow="publish"),
        "wait_publishing": Moment(progression={"publishing": AFTER_READS}, looks_at="publishing"),
        # Before it the project is looked at for its labels, for its container, and for the trial.
        "switch": Moment(slow="get_project", skip=3),
    },
    DATED: SHARED
    | {
        "import": Moment(slow="import_project"),
        "wait_import": Moment(progression={"imports": AFTER_READS}, looks_at="import"),
        "publish": Moment(slow="deploy", leaves_out=("wait_publishing",)),
        "wait_publishing": Moment(progression={"publishing": AFTER_READS}, looks_at="deployment"),
        # The candidate's answers are kept by then, and the active model's batch is in flight.
        "second batch": Moment(slow="submit_analysis", skip=1, step="trial"),
        # It has no more to do than that, and leaves what began before some seconds to end.
        "hold": Moment(seen=submissions_are_held, step="swap"),
        # Still under way when the next host looks: to swap again would undo it.
        "swap": Moment(
            slow="swap_deployments", progression={"publishing": "after 8 seconds"}, leaves_out=("wait_swap",)
        ),
        "wait_swap": Moment(progression={"publishing": AFTER_READS}, looks_at="swap"),
        "switch": Moment(slow="get_project", skip=3),
    },
}
# Those that no request is made in, or after which a job's id would be lost.
LAST_LINES = {
    PREVIEW: ("train", "trial", "gate"),
    DATED: ("import", "train", "publish", "trial", "wait_trial", "gate", "swap", "wait_swap"),
}


def rows(values: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(
            version,
            value,
            marks=() if version == PREVIEW and value in OFTEN else pytest.mark.long,
            id=f"{version}-{value}",
        )
        for version in (PREVIEW, DATED)
        for value in values[version]
    ]


def accepted(cloud: Cloud, operation: str) -> int:
    """Requests that the service has not refused."""
    counts = cloud.control("GET", "requests")["operations"].get(operation, {})
    return sum(count for status, count in counts.items() if status.startswith("2"))


def assert_done_once(cloud: Cloud, operation: str, *, repeated: str = "", without: tuple[str, ...] = ()) -> None:
    """`repeated` is the one request of which two took effect."""
    record = cloud.api.follow(operation, seconds=DEADLINE)
    assert (record["state"], record["reason"]) == ("succeeded", "next is in use")
    steps = RETRAIN[cloud.stack.settings.language_api]
    assert steps_taken(record) == [step for step in steps if step not in without]
    active = cloud.api.call("GET", "/api/status")["active_model"]
    assert (active["label"], active["held_until"]) == ("next", None)
    listed = cloud.api.call("GET", f"{PROJECT}/models")["models"]
    others = {"first": False} if is_dated(cloud) else {}
    assert {model["model"]: model["in_use"] for model in listed} == {"next": True} | others
    # The golden documents are one batch of each model's.
    models = 1 + len(others)
    once = ["import_project", "train", "deploy", "swap_deployments"] if is_dated(cloud) else ["train", "publish"]
    expected = dict.fromkeys(once, 1) | {"submit_analysis": models}
    # Not those that were refused: under the preview a training that has just begun is told by a 409 alone.
    assert {name: accepted(cloud, name) for name in expected} == {
        name: count + (name == repeated) for name, count in expected.items()
    }
    for kind in ("training", "deployment", "swap") if is_dated(cloud) else ("training", "publishing"):
        jobs = [job["status"] for job in cloud.jobs(kind) if job["model"] != "first"]
        assert jobs == ["succeeded"], kind
    trial = record["trial"]
    assert trial["done"] == trial["to_classify"] == models * trial["documents"] > 0
    batches = models + (repeated == "submit_analysis")
    assert sum(job["documents"] for job in cloud.jobs("analysis")) == batches * trial["documents"]


@pytest.mark.parametrize(("running", "step"), rows(MOMENTS), indirect=["running"], scope="module")
def test_a_host_killed_in_a_step_of_a_retrain_resumes_and_finishes_once(cloud: Cloud, step: str) -> None:
    moment = MOMENTS[cloud.stack.settings.language_api][step]
    moment.prepare(cloud)
    started = cloud.api.call("POST", f"{PROJECT}/retrain", {"model": "next"})
    wait_until(lambda: moment.has_come(cloud), seconds=DEADLINE, what=f"the moment in {step}", poll_seconds=0.02)
    assert cloud.api.call("GET", started["operation"])["step"] == (moment.step or step)
    assert cloud.stack.host is not None
    cloud.stack.host.kill()
    moment.wait_for_the_effect(cloud)
    cloud.stack.start_host()
    assert_done_once(cloud, started["operation"], repeated=moment.repeated, without=moment.leaves_out)


@pytest.mark.parametrize(("running", "step"), rows(LAST_LINES), indirect=["running"], scope="module")
def test_a_host_that_dies_between_saving_a_step_and_sending_the_next_resumes(cloud: Cloud, step: str) -> None:
    stack = cloud.stack
    assert stack.host is not None
    stack.host.stop()
    stack.environment["FUNCTIONS_HOST_CRASH_LINE"] = f"1:: {step}: "
    host = stack.start_host()
    started = cloud.api.call("POST", f"{PROJECT}/retrain", {"model": "next"})
    wait_until(lambda: not host.process.is_running(), seconds=DEADLINE, what=f"the crash after {step}")
    del stack.environment["FUNCTIONS_HOST_CRASH_LINE"]
    stack.start_host()
    assert_done_once(cloud, started["operation"])


@pytest.mark.parametrize("running", [PREVIEW], indirect=True)
@pytest.mark.parametrize("count", [2, 20])
def test_of_many_retrains_asked_for_at_once_one_is_accepted(cloud: Cloud, count: int) -> None:
    cloud.control("PUT", "progression", {"training": "never"})
    host = cloud.stack.host
    assert host is not None
    headers = {"x-functions-key": host.master_key}

    def ask(_: int) -> httpx.Response:
        return httpx.post(f"{host.url}{PROJECT}/retrain", headers=headers, json={"publish": False}, timeout=60)

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(ask, range(count)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * (count - 1)
    [accepted] = [answer for answer in answers if answer.status_code == 202]
    assert {answer.headers["location"] for answer in answers} == {accepted.headers["location"]}
    assert accepted.headers["retry-after"]
    refusals = [answer.json() for answer in answers if answer.status_code == 409]
    assert {refusal["operation"] for refusal in refusals} == {accepted.json()["operation"]}
    cloud.api.call("POST", f"{accepted.headers['location']}/cancel")
    assert cloud.api.follow(accepted.headers["location"], seconds=DEADLINE)["state"] == "cancelled"
    listed = cloud.api.call("GET", f"{PROJECT}/operations")["operations"]
    assert [each["id"] for each in listed if each["state"] == "running"] == []
