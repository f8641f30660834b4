"""Documents around a change of the model: each is classified by one model, the one its record names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from azurite_process.processes import wait_until
from language_emulator.testing.corpus import upload_corpus
from tests.e2e.conftest import DEADLINE, NO_NETS, Cloud, running_cloud

pytestmark = pytest.mark.e2e

PROJECT = "/api/projects/demo"
# Only here does a reference, the deployment's name, come to mean another model; a model id of the preview never does.
DATED = "2023-04-01"
PUBLISHING = ("publishing", "deployment")
UNREADABLE = {"kind": "status", "status": 503}


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[Cloud]:
    """A model `first` in use and a model `second` trained, both through the app."""
    # Submissions are held for as long as one may be on its way.
    changes = NO_NETS | {"language_api": DATED, "language_read_seconds": "3"}
    with running_cloud(tmp_path_factory.mktemp("switch"), host_kind=host_kind, changes=changes) as running:
        upload_corpus(running.stack.azurite.connection_string, "training", single_label=False, count=40)
        running.api.call("PUT", PROJECT, {"kind": "multi_label"})
        for asked in ({"model": "first"}, {"model": "second", "publish": False}):
            assert running.follow(f"{PROJECT}/retrain", asked)["state"] == "succeeded"
        yield running


def test_documents_around_a_publication_are_each_classified_by_the_one_model_their_record_names(
    cloud: Cloud, prefix: str
) -> None:
    sent_before = sum(job["documents"] for job in cloud.jobs("analysis"))
    # In flight: submitted to the service, whose answer cannot be read before the switch is over.
    cloud.inject("get_analysis", UNREADABLE, count=None)
    known = {job["jobId"] for job in cloud.jobs("analysis")}
    in_flight = cloud.upload_some(f"{prefix}in-flight/")

    def submitted() -> list[dict[str, Any]]:
        return [job for job in cloud.jobs("analysis") if job["jobId"] not in known]

    wait_until(
        lambda: sum(job["documents"] for job in submitted()) == len(in_flight), seconds=DEADLINE, what="submissions"
    )
    theirs = "|".join(job["jobId"] for job in submitted())
    cloud.inject("get_analysis", UNREADABLE, count=None, path=theirs)

    cloud.control("PUT", "progression", {"publishing": "after 3 reads"})
    publishing = cloud.api.call("POST", f"{PROJECT}/publish", {"model": "second"})
    wait_until(
        lambda: any(job["status"] != "succeeded" for kind in PUBLISHING for job in cloud.jobs(kind)),
        seconds=DEADLINE,
        what="the publication to be under way",
    )
    meanwhile = cloud.upload_some(f"{prefix}meanwhile/")
    ended = cloud.api.follow(publishing["operation"], seconds=DEADLINE)
    assert (ended["state"], ended["reason"]) == ("succeeded", "second is in use")
    after = cloud.upload_some(f"{prefix}after/")
    cloud.wait_until_settled(f"{prefix}after/")
    cloud.wait_until_settled(f"{prefix}meanwhile/")
    assert cloud.records(in_flight) == []
    cloud.control("DELETE", "faults")
    cloud.wait_until_settled(prefix)

    assert cloud.labels(in_flight) == ["first"] * len(in_flight)
    assert cloud.labels(after) == ["second"] * len(after)
    assert set(cloud.labels(meanwhile)) <= {"first", "second"}
    for record in cloud.records([*in_flight, *meanwhile, *after]):
        batch = cloud.api.call("GET", f"/api/batches/{record.batch.id}")
        assert batch["model"] == json.loads(record.model.model_dump_json())
        assert len(record.batch.jobs) == 1
    # None was sent twice; what is more are the golden documents of the publication's trial, or its probe.
    sent = sum(job["documents"] for job in cloud.jobs("analysis")) - sent_before
    assert sent == len(in_flight) + len(meanwhile) + len(after) + max(1, ended["trial"]["done"])
