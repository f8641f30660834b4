"""The storage as whoever uploads sees it, on Azurite: nothing is written twice, and refusals say what to do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.blob import BlobServiceClient

from azurite_process.azurite import Azurite
from cli.steps import StepFailedError
from cli.storage import UserStorage, failures_explained


@pytest.fixture
def container(azurite: Azurite) -> str:
    name = f"user-{secrets.token_hex(4)}"
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.create_container(name)
    return name


@pytest.fixture
def storage(azurite: Azurite) -> Iterator[UserStorage]:
    storage = UserStorage(azurite.connection_string)
    yield storage
    storage.close()


def files_in(folder: Path, **texts: str) -> dict[str, Path]:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {f"folder/{name}.txt": folder / name for name in texts}


def test_what_is_there_with_the_same_content_is_left_as_it_is(
    storage: UserStorage, container: str, tmp_path: Path
) -> None:
    first = storage.upload(container, files_in(tmp_path, a="one", b="two"))
    assert first.kept == 0
    second = storage.upload(container, files_in(tmp_path, a="one", b="changed", c="three"))
    assert second.kept == 1
    assert second.etags["folder/a.txt"] == first.etags["folder/a.txt"]
    assert second.etags["folder/b.txt"] != first.etags["folder/b.txt"]
    assert storage.list_names(container, "folder/") == ["folder/a.txt", "folder/b.txt", "folder/c.txt"]


def test_a_blob_that_is_not_there_or_is_no_json_reads_as_nothing(storage: UserStorage, container: str) -> None:
    storage.put(container, "labels.json", b'{"a": 1}')
    storage.put(container, "broken.json", b"{")
    names = ("labels.json", "broken.json", "gone.json")
    assert [storage.read_json(container, name) for name in names] == [{"a": 1}, None, None]


def test_a_missing_container_says_what_makes_it(storage: UserStorage, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match=r"container 'not-there': 404 ContainerNotFound") as caught:
        storage.upload("not-there", files_in(tmp_path, a="one"))
    assert "azd provision" in caught.value.do


def refused(status: int, code: str) -> HttpResponseError:
    error = HttpResponseError(code)
    error.status_code, error.error_code = status, code  # type: ignore[attr-defined]
    return error


REFUSALS: dict[str, tuple[Exception, str]] = {
    "no role yet": (refused(403, "AuthorizationPermissionMismatch"), "Storage Blob Data Contributor"),
    "the firewall": (refused(403, "AuthorizationFailure"), "within the virtual network"),
    "not signed in": (ClientAuthenticationError("DefaultAzureCredential failed\nand more"), "az login"),
    "busy": (refused(503, "ServerBusy"), "try again"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_storage_refuses_says_what_to_do(case: str) -> None:
    error, do = REFUSALS[case]
    with pytest.raises(StepFailedError, match="uploading to x") as caught, failures_explained("uploading to x"):
        raise error
    assert do in caught.value.do
    assert "and more" not in str(caught.value)
