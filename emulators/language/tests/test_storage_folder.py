"""A local folder in the place of the storage account: its sub-folders are the containers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from language_emulator.errors import ServiceError
from language_emulator.projects.storage import FolderStorage, NoStorage
from language_emulator.testing.corpus import CLASSES, DOCUMENTS, july_labels, labelled_texts
from language_emulator.testing.text_authoring_2021 import error_of
from tests.conftest import Start


@pytest.fixture
def containers(tmp_path: Path) -> Path:
    """One container, `tickets`, with its labelled documents in a sub-folder; a secret beside it."""
    labelled = labelled_texts(40, single_label=True)
    documents = tmp_path / "containers" / "tickets" / "documents"
    documents.mkdir(parents=True)
    (documents / "labels.json").write_text(json.dumps(july_labels(labelled)))
    for number, (text, _) in enumerate(labelled):
        (documents / f"t{number}.txt").write_text(text)
    (tmp_path / "containers" / "loose.txt").write_text("in no container")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "containers"


def test_a_project_over_a_folder_is_trained_and_classifies(start: Start, containers: Path) -> None:
    preview = start(storage=None, storage_folder=containers).preview
    created = preview.create("tickets", "tickets", "single", labelsLocation="documents/labels.json")
    assert created.status_code == 201
    model = preview.published("tickets")
    results = preview.results(model, list(DOCUMENTS.values()), "single")
    assert [document["classes"][0]["category"] for document in results["documents"]] == CLASSES


def test_a_folder_that_is_missing_is_a_container_that_is_missing(start: Start, containers: Path) -> None:
    preview = start(storage=None, storage_folder=containers).preview
    assert "no container" in error_of(preview.create("mail", "mail"), 400)["message"]
    absent = preview.create("mail", "tickets", labelsLocation="absent.json")
    assert error_of(absent, 400)["target"] == "labelsLocation"


@pytest.mark.parametrize("container", ["", ".", "..", "tickets/documents", "loose.txt", "../containers", "nul\0"])
def test_only_a_folder_of_the_folder_is_a_container(containers: Path, container: str) -> None:
    with pytest.raises(ServiceError, match="no container"):
        FolderStorage(containers).check_container(container)


@pytest.mark.parametrize("name", ["../../secret.txt", "../loose.txt", "documents", "absent.txt", "nul\0", ""])
def test_there_is_no_blob_outside_of_the_container(containers: Path, name: str) -> None:
    assert FolderStorage(containers).find("tickets", name) is None


def test_a_link_does_not_lead_out_of_the_container(containers: Path) -> None:
    (containers / "tickets" / "link.txt").symlink_to(containers.parent / "secret.txt")
    (containers / "outside").symlink_to(containers.parent)
    storage = FolderStorage(containers)
    assert storage.find("tickets", "link.txt") is None
    assert storage.find("tickets", "documents/t0.txt") is not None
    with pytest.raises(ServiceError, match="no container"):
        storage.find("outside", "secret.txt")


def test_without_any_storage_the_answer_names_the_flags() -> None:
    with pytest.raises(ServiceError, match="--storage or --storage-folder") as refusal:
        NoStorage().check_container("tickets")
    assert refusal.value.status == 503
