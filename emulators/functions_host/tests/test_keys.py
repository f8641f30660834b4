from __future__ import annotations

import stat
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from azurite_process.azurite import Azurite
from functions_host.connections import Connections
from functions_host.settings import AppSettings, SettingError
from functions_host.web.key_stores import BlobKeyStore, FileKeyStore, choose_key_store
from functions_host.web.keys import Access, HostKeys, load_keys
from tests.hosts import read_keys

KEYS = HostKeys(master="m", function="f", blobs_extension="b", of_functions={"one": "own", "two": "other"})


@pytest.mark.parametrize(
    ("level", "key", "opens"),
    [
        ("anonymous", None, True),
        ("anonymous", "wrong", True),
        ("function", None, False),
        ("function", "wrong", False),
        ("function", "f", True),
        ("function", "own", True),
        ("function", "other", False),
        ("function", "b", False),
        ("function", "m", True),
        ("FUNCTION", "f", True),
        ("admin", "f", False),
        ("admin", "own", False),
        ("admin", "b", False),
        ("admin", "m", True),
    ],
)
def test_each_key_opens_what_it_should(level: str, key: str | None, opens: bool) -> None:
    assert KEYS.opens_function(key, "one", level) is opens


def test_a_system_key_opens_webhooks() -> None:
    assert KEYS.access("b") is Access.SYSTEM
    assert KEYS.access("f") < Access.SYSTEM


def test_generated_keys_are_kept_private_and_the_same_for_the_next_run(tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path / "keys.json")
    keys = load_keys(store, ["one"], {})
    assert load_keys(store, ["one"], {}) == keys
    assert len({keys.master, keys.function, keys.blobs_extension, keys.of_functions["one"]}) == 4
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_keys_can_be_given(tmp_path: Path) -> None:
    keys = load_keys(
        FileKeyStore(tmp_path / "keys.json"),
        [],
        {"FUNCTIONS_HOST_MASTER_KEY": "mine", "FUNCTIONS_HOST_BLOBS_KEY": "hook"},
    )
    assert (keys.master, keys.blobs_extension) == ("mine", "hook")


def test_hosts_of_one_id_share_the_keys_in_their_storage(azurite: Azurite) -> None:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        names = ["one", "Two"]
        first = load_keys(BlobKeyStore(service, "shared"), names, {})
        assert load_keys(BlobKeyStore(service, "shared"), names, {}) == first
        assert load_keys(BlobKeyStore(service, "other"), names, {}) != first
        # In the real host's form, so that one way of reading them serves both.
        assert read_keys(service, "shared") == {
            "master": first.master,
            "default": first.function,
            "blobs_extension": first.blobs_extension,
        }


def test_of_two_hosts_that_make_keys_at_once_both_have_those_of_the_first(azurite: Azurite) -> None:
    class Late(BlobKeyStore):
        """Looks before the other has written, and writes after it."""

        has_looked = False

        def read(self) -> dict[str, str]:
            is_first, self.has_looked = not self.has_looked, True
            return {} if is_first else super().read()

    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        first = load_keys(BlobKeyStore(service, "at-once"), ["one"], {})
        assert load_keys(Late(service, "at-once"), ["one"], {}) == first


def test_keys_are_in_storage_only_when_the_settings_say_so(azurite: Azurite, tmp_path: Path) -> None:
    settings = {"AzureWebJobsStorage": azurite.connection_string}

    def store(**more: str) -> object:
        chosen = AppSettings({**settings, **more})
        return choose_key_store(tmp_path, chosen, "id", Connections(chosen))

    assert isinstance(store(), FileKeyStore)
    assert isinstance(store(AzureWebJobsSecretStorageType="files"), FileKeyStore)
    assert isinstance(store(AzureWebJobsSecretStorageType="blob"), BlobKeyStore)
    with pytest.raises(SettingError, match="kubernetes"):
        store(AzureWebJobsSecretStorageType="kubernetes")


def test_a_secrets_path_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = AppSettings({"FUNCTIONS_SECRETS_PATH": str(tmp_path / "file")})
    with pytest.raises(SettingError, match="FUNCTIONS_SECRETS_PATH"):
        choose_key_store(tmp_path, settings, "id", Connections(settings))
    settings = AppSettings({"FUNCTIONS_SECRETS_PATH": str(tmp_path / "secrets")})
    choose_key_store(tmp_path, settings, "id", Connections(settings))
    assert (tmp_path / "secrets" / "Sentinels").is_dir()
