"""Classifying again what has a record already: counted first, limited, and never without a record meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from azurite_process.processes import wait_until
from language_emulator.testing.corpus import DOCUMENTS, upload_corpus
from local.api import ApiError
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


def test_failed_documents_are_classified_again_once_the_cause_is_mended(cloud: Cloud, prefix: str) -> None:
    marker = "unlucky parcel"
    cloud.inject("submit_analysis", {"kind": "document_error", "marker": marker}, count=None)
    cloud.upload(f"{prefix}bad.txt", f"{marker}: {DOCUMENTS['delivery']}".encode())
    cloud.upload(f"{prefix}good.txt", DOCUMENTS["delivery"].encode())
    cloud.upload(f"{prefix}blank.txt", b"  \n ")
    cloud.wait_until_settled(prefix)
    assert [info.name for info in cloud.container("failures").list(prefix)] == [
        f"{prefix}bad.txt.json",
        f"{prefix}blank.txt.json",
    ]
    cloud.control("DELETE", "faults")
    ended = cloud.follow("/api/reclassify", {"prefix": prefix, "failed": True})
    assert ended["sent"] == 2
    cloud.wait_for_classification(f"{prefix}bad.txt")
    cloud.wait_until_settled(prefix)
    assert cloud.failure(f"{prefix}bad.txt") is None
    assert cloud.failure(f"{prefix}blank.txt") is not None
