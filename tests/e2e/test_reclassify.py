"""Classifying again what has a record already: counted first, limited, and never without a record meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from azurite_process.processes import wait_until
from cli.api import ApiError
from language_emulator.testing.corpus import DOCUMENTS, upload_corpus
from tests.e2e.conftest import DEADLINE, NO_NETS, Cloud, running_cloud

pytestmark = pytest.mark.e2e

PROJECT = "/api/projects/demo"
LIMIT = 8


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[Cloud]:
    """A model `first` trained and a model `second` in use, both through the app."""
    folder = tmp_path_factory.mktemp("reclassify")
    with running_cloud(folder, host_kind=host_kind, changes=NO_NETS | {"reclassify_limit": str(LIMIT)}) as running:
        upload_corpus(running.stack.azurite.connection_string, "training", single_label=False, count=40)
        running.api.call("PUT", PROJECT, {"kind": "multi_label"})
        for model in ("first", "second"):
            assert running.follow(f"{PROJECT}/retrain", {"model": model, "force": True})["state"] == "succeeded"
        yield running


def test_a_dry_run_counts_and_sends_nothing(cloud: Cloud, prefix: str) -> None:
    cloud.upload_some(prefix)
    cloud.wait_until_settled(prefix)
    submitted = cloud.requests("submit_analysis")
    assert cloud.api.call("POST", "/api/reclassify", {"prefix": prefix, "dry_run": True})["documents"] == 5
    assert cloud.api.call("POST", "/api/reclassify", {"prefix": f"{prefix}0", "dry_run": True})["documents"] == 1
    by_others = {"prefix": prefix, "dry_run": True, "older_than_model": "never"}
    assert cloud.api.call("POST", "/api/reclassify", by_others)["documents"] == 5
    by_the_active = {"prefix": prefix, "dry_run": True, "older_than_model": True}
    assert cloud.api.call("POST", "/api/reclassify", by_the_active)["documents"] == 0
    assert cloud.requests("submit_analysis") == submitted


def test_more_than_the_limit_is_refused_unless_confirmed_and_old_records_stay_until_replaced(
    cloud: Cloud, prefix: str
) -> None:
    names = cloud.upload_some(prefix, LIMIT + 1)
    cloud.wait_until_settled(prefix)
    first = {record.document.name: record.batch.jobs for record in cloud.records(names)}
    with pytest.raises(ApiError, match=f"409 Confirmation needed: {LIMIT + 1} documents"):
        cloud.api.call("POST", "/api/reclassify", {"prefix": prefix})
    ended = cloud.follow("/api/reclassify", {"prefix": prefix, "confirm": True})
    assert (ended["state"], ended["sent"], ended["percent"]) == ("succeeded", LIMIT + 1, 100)

    def are_all_new() -> bool:
        found = cloud.records(names)
        assert len(found) == len(names), "the old classification must stay until the new one replaces it"
        return all(record.batch.jobs != first[record.document.name] for record in found)

    wait_until(are_all_new, seconds=DEADLINE, what="the new classifications", poll_seconds=0.3)


def test_only_records_of_older_models_are_classified_again(cloud: Cloud, prefix: str) -> None:
    publish(cloud, "first")
    old = cloud.upload_some(f"{prefix}old/", 3)
    cloud.wait_until_settled(prefix)
    publish(cloud, "second")
    new = cloud.upload_some(f"{prefix}new/", 3)
    cloud.wait_until_settled(prefix)
    untouched = [record.batch.id for record in cloud.records(new)]
    ended = cloud.follow("/api/reclassify", {"prefix": prefix, "older_than_model": True})
    assert (ended["total"], ended["sent"]) == (len(old), len(old))
    wait_until(lambda: set(cloud.labels(old)) == {"second"}, seconds=DEADLINE, what="the new classifications")
    assert [record.batch.id for record in cloud.records(new)] == untouched


def publish(cloud: Cloud, label: str) -> None:
    assert cloud.follow(f"{PROJECT}/publish", {"model": label})["state"] == "succeeded"


def test_failed_documents_are_redriven_once_the_cause_is_mended_and_redriving_twice_adds_nothing(
    cloud: Cloud, prefix: str
) -> None:
    marker = "unlucky parcel"
    cloud.inject("submit_analysis", {"kind": "document_error", "marker": marker}, count=None)
    bad = [f"{prefix}bad{number}.txt" for number in range(3)]
    for name in bad:
        cloud.upload(name, f"{marker}: {DOCUMENTS['delivery']}".encode())
    cloud.upload(f"{prefix}good.txt", DOCUMENTS["delivery"].encode())
    cloud.upload(f"{prefix}blank.txt", b"  \n ")
    cloud.wait_until_settled(prefix)
    assert [info.name for info in cloud.container("failures").list(prefix)] == [
        *(f"{name}.json" for name in bad),
        f"{prefix}blank.txt.json",
    ]
    cloud.control("DELETE", "faults")
    request = {"prefix": prefix, "reason": "document_error"}
    assert cloud.api.call("POST", "/api/failures/redrive", request | {"dry_run": True})["documents"] == len(bad)
    ended = cloud.follow("/api/failures/redrive", request)
    assert (ended["sent"], ended["skipped"]) == (len(bad), 0)
    for name in bad:
        cloud.wait_for_classification(name)
    cloud.wait_until_settled(prefix)
    assert [info.name for info in cloud.container("failures").list(prefix)] == [f"{prefix}blank.txt.json"]
    jobs = [record.batch.jobs for record in cloud.records(bad)]
    submitted = cloud.requests("submit_analysis")
    ended = cloud.follow("/api/failures/redrive", request)
    assert (ended["total"], ended["sent"]) == (0, 0)
    assert cloud.requests("submit_analysis") == submitted
    assert [record.batch.jobs for record in cloud.records(bad)] == jobs


def test_a_dead_letter_is_put_back_and_its_document_classified(cloud: Cloud, prefix: str) -> None:
    name = f"{prefix}late.txt"
    services = cloud.stack.services
    cloud.upload(name, DOCUMENTS["delivery"].encode())
    first = cloud.wait_for_classification(name)
    cloud.container("classifications").delete(f"{name}.json")
    body = json.dumps({"ContainerName": "documents", "BlobName": name})
    services.dead_letters.keep(
        queue="webjobs-blobtrigger-poison", message_id=prefix.strip("/"), body=body, reason="seen five times"
    )
    ended = cloud.follow("/api/dead-letters/redrive", {"queue": "webjobs-blobtrigger-poison"})
    assert (ended["sent"], ended["skipped"]) == (1, 0)
    assert cloud.wait_for_classification(name).batch.jobs != first.batch.jobs
    assert cloud.follow("/api/dead-letters/redrive", {"queue": "webjobs-blobtrigger-poison"})["total"] == 0
