"""Where the host keeps its keys: a file of its own, or the host's storage, as the real one does."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from functions_host.connections import HOST_STORAGE, Connections
from functions_host.platform_settings import find_key_store
from functions_host.settings import AppSettings, SettingError
from functions_host.web.keys import BLOBS_EXTENSION, KeyStore

CONTAINER = "azure-webjobs-secrets"
_OF_FUNCTION = "function:"


def choose_key_store(data_folder: Path, settings: AppSettings, host_id: str, connections: Connections) -> KeyStore:
    """The data folder, unless the settings ask for the host's storage in so many words: an app of HTTP functions needs
    no storage here. Raises SettingError on a place that only the real host has, or that cannot be written."""
    place = find_key_store(settings)
    if place in ("keyvault", "kubernetes"):
        raise SettingError(f"AzureWebJobsSecretStorageType is {place!r}: this stand-in keeps keys in blobs or files")
    _make_sentinels(settings)
    if place == "blob" and settings.find("AzureWebJobsSecretStorageType"):
        return BlobKeyStore(connections.blobs(HOST_STORAGE), host_id)
    return FileKeyStore(data_folder / "keys.json")


def _make_sentinels(settings: AppSettings) -> None:
    """The real host makes this folder for its keys wherever they are, and answers 500 where it cannot
    (BaseSecretsRepository.cs; without the setting it is beside the host's own files)."""
    given = settings.find("FUNCTIONS_SECRETS_PATH")
    if not given:
        return
    try:
        (Path(given) / "Sentinels").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"FUNCTIONS_SECRETS_PATH cannot be written: {error}") from error


class FileKeyStore:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, str]:
        content: dict[str, str] = json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else {}
        return content

    def write(self, keys: Mapping[str, str]) -> dict[str, str]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            # One that was there before keeps its mode.
            self._path.chmod(0o600)
            file.write(json.dumps(keys, indent=2))
        return dict(keys)


class BlobKeyStore:
    """`azure-webjobs-secrets/<hostId>/host.json`, and `<function>.json` for the keys of one function
    (azure-functions-host, BlobStorageSecretsRepository.cs): every host of that id has the same."""

    def __init__(self, service: BlobServiceClient, host_id: str) -> None:
        self._container = service.get_container_client(CONTAINER)
        self._host_id = host_id

    def read(self) -> dict[str, str]:
        """Raises AzureError."""
        try:
            names = list(self._container.list_blob_names(name_starts_with=f"{self._host_id}/"))
        except ResourceNotFoundError:
            return {}
        return {key: value for name in names for key, value in self._read(name).items()}

    def write(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Raises AzureError. What is there already stays."""
        with contextlib.suppress(ResourceExistsError):
            self._container.create_container()
        for name, content in _to_blobs(keys).items():
            with contextlib.suppress(ResourceExistsError):
                self._container.upload_blob(f"{self._host_id}/{name}", json.dumps(content, indent=2))
        return {**keys, **self.read()}

    def _read(self, name: str) -> dict[str, str]:
        content = json.loads(self._container.download_blob(name).readall())
        if not name.endswith("/host.json"):
            function = name.rpartition("/")[2].removesuffix(".json")
            return {f"{_OF_FUNCTION}{function}": _named(content["keys"])["default"]}
        keys = {"master": str(content["masterKey"]["value"]), "function": _named(content["functionKeys"])["default"]}
        system = _named(content["systemKeys"])
        return keys | ({BLOBS_EXTENSION: system[BLOBS_EXTENSION]} if BLOBS_EXTENSION in system else {})


def _to_blobs(keys: Mapping[str, str]) -> dict[str, Any]:
    host = {
        "masterKey": _key("master", keys["master"]),
        "functionKeys": [_key("default", keys["function"])],
        "systemKeys": [_key(BLOBS_EXTENSION, keys[BLOBS_EXTENSION])],
    }
    of_functions = {
        f"{name.removeprefix(_OF_FUNCTION)}.json": {"keys": [_key("default", value)]}
        for name, value in keys.items()
        if name.startswith(_OF_FUNCTION)
    }
    return {"host.json": host, **of_functions}


def _key(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "encrypted": False}


def _named(keys: list[dict[str, Any]]) -> dict[str, str]:
    return {str(key["name"]): str(key["value"]) for key in keys}
