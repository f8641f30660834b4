from __future__ import annotations

import json
from pathlib import Path

import pytest

from functions_host.connections import (
    ConnectionString,
    Endpoint,
    IdentityEndpoint,
    find_endpoint,
    has_own_queue_service,
)
from functions_host.platform_settings import (
    HOST_ID,
    MACHINE,
    find_host_id,
    find_key_store,
    is_disabled,
    thread_count,
    unknown_disabling,
    warn_of_worker_processes,
)
from functions_host.settings import AppSettings, SettingError, load_settings

IDENTITY = {
    "Data__blobServiceUri": "https://b",
    "Data__queueServiceUri": "https://q",
    "Data__clientId": "c",
    "Data__credential": "managedidentity",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="nothing to replace"),
        pytest.param("%NAME%", "documents", id="whole text"),
        pytest.param("a/%NAME%-%OTHER%/{name}", "a/documents-x/{name}", id="several, inside"),
        pytest.param("%name%", "documents", id="names ignore case"),
    ],
)
def test_percent_names_are_replaced_by_settings(text: str, expected: str) -> None:
    assert AppSettings({"NAME": "documents", "OTHER": "x"}).resolve(text) == expected


@pytest.mark.parametrize(
    "text",
    [pytest.param("%MISSING%", id="unknown"), pytest.param("50% of", id="unclosed"), pytest.param("%%", id="empty")],
)
def test_a_name_that_does_not_resolve_stops_the_start(text: str) -> None:
    with pytest.raises(SettingError):
        AppSettings({"NAME": "documents"}).resolve(text)


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"IsEncrypted": False, "Values": {"A": "file", "B": "file", "NUMBER": 5, "FLAG": True}}))
    settings = load_settings({"B": "environment"}, path)
    assert [settings.find(name) for name in "AB"] == ["file", "environment"]
    assert settings.environment == {"A": "file", "B": "environment", "NUMBER": "5", "FLAG": "true"}


def test_an_encrypted_settings_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text('{"IsEncrypted": true, "Values": {}}')
    with pytest.raises(SettingError, match="decrypt"):
        load_settings({}, path)


@pytest.mark.parametrize(
    ("values", "connection", "expected"),
    [
        pytest.param({"Data": "one", "AzureWebJobsData": "two"}, "Data", ConnectionString("one"), id="the exact name"),
        pytest.param({"AzureWebJobsData": "two", **IDENTITY}, "Data", ConnectionString("two"), id="with the prefix"),
        pytest.param({"AzureWebJobsStorage": "host"}, "", ConnectionString("host"), id="none means the host's"),
        pytest.param({"AzureWebJobsStorage": "host"}, "Storage", ConnectionString("host"), id="by its short name"),
        pytest.param(IDENTITY, "Data", IdentityEndpoint("https://b", "c", True), id="identity"),
        pytest.param({"Data:blobServiceUri": "https://b"}, "Data", IdentityEndpoint("https://b"), id="colon form"),
        pytest.param({"Data__serviceUri": "https://s"}, "Data", IdentityEndpoint("https://s"), id="single service"),
        pytest.param(
            {"AzureWebJobsStorage__accountName": "acc"},
            "",
            IdentityEndpoint("https://acc.blob.core.windows.net"),
            id="account",
        ),
    ],
)
def test_a_connection_is_found_by_the_hosts_rules(values: dict[str, str], connection: str, expected: Endpoint) -> None:
    assert find_endpoint(AppSettings(values), connection, "blob") == expected


def test_a_connection_without_settings_names_what_was_looked_for() -> None:
    with pytest.raises(SettingError, match=r"Data or AzureWebJobsData, or Data__queueServiceUri"):
        find_endpoint(AppSettings({"Data__blobServiceUri": "https://b"}), "Data", "queue")


def test_development_storage_is_spelled_out() -> None:
    endpoint = find_endpoint(AppSettings({"AzureWebJobsStorage": "UseDevelopmentStorage=true"}), "", "queue")
    assert isinstance(endpoint, ConnectionString)
    assert "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1" in endpoint.value


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"Data": "one"}, True, id="connection string"),
        pytest.param(IDENTITY, True, id="both services"),
        pytest.param({"Data__accountName": "acc"}, True, id="account name"),
        pytest.param({"Data__serviceUri": "https://s"}, False, id="one service"),
        pytest.param({"Data__blobServiceUri": "https://b"}, False, id="blobs only"),
    ],
)
def test_blob_poison_stays_in_the_data_account_when_that_has_queues(values: dict[str, str], expected: bool) -> None:
    assert has_own_queue_service(AppSettings(values), "Data") is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"AzureWebJobs.sweep.Disabled": "true"}, True, id="dots"),
        pytest.param({"AzureWebJobs_sweep_Disabled": "1"}, True, id="underscores"),
        pytest.param({"AzureWebJobs.sweep.Disabled": "false"}, False, id="false"),
        pytest.param({"AzureWebJobs__sweep__Disabled": "true"}, False, id="double underscores"),
        pytest.param({"AzureWebJobs.sweep.Disabled": "yes"}, False, id="another word"),
        pytest.param({}, False, id="not set"),
    ],
)
def test_a_function_can_be_disabled_by_a_setting(values: dict[str, str], expected: bool) -> None:
    assert is_disabled("sweep", AppSettings(values)) is expected


def test_a_setting_that_only_looks_as_if_it_disabled_a_function_is_told() -> None:
    settings = {
        "AzureWebJobs.sweep.Disabled": "true",
        "azurewebjobs_sweep_disabled": "true",
        "AzureWebJobs__sweep__Disabled": "true",
        "AzureWebJobs.swep.Disabled": "true",
        "AzureWebJobsStorage": "x",
    }
    assert unknown_disabling(["sweep"], AppSettings(settings)) == [
        "AzureWebJobs.swep.Disabled",
        "AzureWebJobs__sweep__Disabled",
    ]


def test_the_host_id_is_as_given(tmp_path: Path) -> None:
    assert find_host_id(tmp_path, AppSettings({HOST_ID: "mine-2"})) == "mine-2"


@pytest.mark.parametrize("given", ["", "Mine", "a_b", "-a", "a-", "a--b", "a" * 33])
def test_a_host_id_that_cannot_name_a_queue_stops_the_start(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingError, match="small letters, digits and single dashes"):
        find_host_id(tmp_path, AppSettings({HOST_ID: given}))


def test_without_one_every_machine_and_folder_is_a_host_of_its_own(tmp_path: Path) -> None:
    pod = AppSettings({MACHINE: "Pigeonhole-api-7d9f8-x2k4v"})
    generated = find_host_id(tmp_path, pod)
    assert generated.startswith("pigeonholeapi7d9f8x2k4v-")
    assert generated == find_host_id(tmp_path, pod)
    assert generated != find_host_id(tmp_path / "other", pod)
    assert generated != find_host_id(tmp_path, AppSettings({MACHINE: "pigeonhole-api-7d9f8-q8w9e"}))
    assert len(find_host_id(tmp_path, AppSettings({MACHINE: "m" * 60}))) == 32


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, None, id="no storage"),
        pytest.param({"AzureWebJobsStorage": "x"}, "blob", id="storage"),
        pytest.param({"AzureWebJobsStorage__accountName": "x"}, "blob", id="storage by identity"),
        pytest.param({"AzureWebJobsSecretStorageType": "Files", "AzureWebJobsStorage": "x"}, "files", id="files"),
        pytest.param({"AzureWebJobsSecretStorageType": "kubernetes"}, "kubernetes", id="kubernetes"),
        pytest.param({"AzureWebJobsSecretStorageType": "blob"}, None, id="blobs without storage"),
    ],
)
def test_the_place_of_the_keys_is_the_real_hosts(values: dict[str, str], expected: str | None) -> None:
    assert find_key_store(AppSettings(values)) == expected


@pytest.mark.parametrize(("value", "expected"), [("16", 16), ("0", None), ("many", None), ("", None)])
def test_a_thread_count_that_is_no_number_is_left_to_python(value: str, expected: int | None) -> None:
    assert thread_count(AppSettings({"PYTHON_THREADPOOL_THREAD_COUNT": value})) == expected


@pytest.mark.parametrize(("value", "warned"), [("4", True), ("1", False), (None, False)])
def test_more_worker_processes_than_one_are_not_pretended(
    caplog: pytest.LogCaptureFixture, value: str | None, warned: bool
) -> None:
    warn_of_worker_processes(AppSettings({} if value is None else {"FUNCTIONS_WORKER_PROCESS_COUNT": value}))
    assert ("FUNCTIONS_WORKER_PROCESS_COUNT=4 is ignored" in caplog.text) == warned
