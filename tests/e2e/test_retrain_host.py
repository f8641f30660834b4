"""Retraining in the real host, 2021 preview: killed at every step, and asked for many times at once.

The dated API has more steps. tests/unit/operations/test_publication_crashes.py interrupts those, without a host.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from azurite_process.processes import wait_until
from language_emulator.testing.corpus import upload_corpus
from shared.language.apis import api_for
from shared.language.values import Project, ProjectKind
from shared.models.active_model import ACTIVE_MODEL
from tests.e2e.conftest import DEADLINE, NO_NETS, QUICK, Cloud, running_cloud, steps_taken
from tests.unit.operations.operations_world import RETRAIN

pytestmark = pytest.mark.e2e

PROJECT = "/api/projects/demo"
STEPS = RETRAIN["2021-preview"]
IMMEDIATE = {"training": "immediate", "publishing": "immediate", "analysis": "immediate"}
SLOW = {"kind": "slow", "seconds": 1.5}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[Cloud]:
    timings = QUICK | {"receive_visibility": 2, "renewal": 0.7}
    with running_cloud(
        tmp_path_factory.mktemp("retrain"),
        host_kind=host_kind,
        timings=timings,
        changes=NO_NETS | {"language_api": "2021-preview"},
    ) as cloud:
        upload_corpus(cloud.stack.azurite.connection_string, "training", single_label=False, count=40)
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    """An emulator that knows nothing but an untrained project, and no model in use."""
    running.control("POST", "reset")
    running.container("pipeline").delete(ACTIVE_MODEL)
    api = api_for(running.stack.settings.language_api)
    definition = Project("demo", ProjectKind.MULTI, "en-us", "training", "labels.json")
    running.stack.services.adapters.language.send(api.create_project(definition))
    return running


@dataclass(frozen=True)
class Moment:
    """When the host is killed: while a request of the service is being answered, or after so many looks at a job."""

    slow: str = ""
    skip: int = 0
    progression: dict[str, str] = field(default_factory=dict)

    def prepare(self, cloud: Cloud) -> None:
        if self.slow:
            cloud.inject(self.slow, SLOW, skip=self.skip)
        if self.progression:
            cloud.control("PUT", "progression", self.progression)

    def has_come(self, cloud: Cloud) -> bool:
        if self.slow:
            return cloud.faults_applied() > 0
        [kind] = self.progression
        return any(job["reads"] > 0 for job in cloud.jobs(kind))

    def wait_for_the_effect(self, cloud: Cloud) -> None:
        """The host's lock on its message is minutes in the real one: the request has ended when the message returns."""
        if self.slow:
            wait_until(
                lambda: cloud.requests(self.slow) > self.skip, seconds=DEADLINE, what=f"the effect of {self.slow}"
            )


# A slow request takes effect in the service although who sent it is dead: its answer is never saved.
MOMENTS = {
    "split": Moment(slow="get_project"),
    "train": Moment(slow="train"),
    "wait_training": Moment(progression={"training": "after 2 reads"}),
    "evaluate": Moment(slow="get_evaluation"),
    "publish": Moment(slow="publish"),
    "wait_publishing": Moment(progression={"publishing": "after 2 reads"}),
    "trial": Moment(slow="submit_analysis"),
    "wait_trial": Moment(progression={"analysis": "after 2 reads"}),
    # Before it the project is looked at for its labels, for its container, and for the trial.
    "switch": Moment(slow="get_project", skip=3),
}


def assert_done_once(cloud: Cloud, operation: str, *, submissions: int = 1) -> None:
    record = cloud.api.follow(operation, seconds=DEADLINE)
    assert (record["state"], record["reason"]) == ("succeeded", "next is in use")
    assert steps_taken(record) == STEPS
    assert [job["status"] for job in cloud.jobs("training")] == ["succeeded"]
    assert [job["status"] for job in cloud.jobs("publishing")] == ["succeeded"]
    status = cloud.api.call("GET", "/api/status")
    assert status["active_model"]["label"] == "next"
    listed = cloud.api.call("GET", f"{PROJECT}/models")["models"]
    assert [(model["model"], model["in_use"]) for model in listed] == [("next", True)]
    # The golden documents are one batch: it is paid for once, or twice where the host died before it knew the job.
    assert cloud.requests("submit_analysis") == submissions
    assert record["trial"]["done"] == record["trial"]["to_classify"] == record["trial"]["documents"] > 0


@pytest.mark.parametrize("step", MOMENTS)
def test_a_host_killed_in_a_step_of_a_retrain_resumes_and_finishes_once(cloud: Cloud, step: str) -> None:
    moment = MOMENTS[step]
    moment.prepare(cloud)
    started = cloud.api.call("POST", f"{PROJECT}/retrain", {"model": "next"})
    wait_until(lambda: moment.has_come(cloud), seconds=DEADLINE, what=f"the moment in {step}", poll_seconds=0.02)
    assert cloud.api.call("GET", started["operation"])["step"] == step
    assert cloud.stack.host is not None
    cloud.stack.host.kill()
    moment.wait_for_the_effect(cloud)
    cloud.stack.start_host()
    assert_done_once(cloud, started["operation"], submissions=2 if step == "trial" else 1)


@pytest.mark.parametrize("step", ["train", "trial", "gate"])
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
