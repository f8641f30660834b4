"""Settings: complete or refused with everything that is wrong, and no secret in sight."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.config import CredentialKind, Settings, load_settings
from shared.errors import SettingsError
from shared.language.apis import API_VERSIONS
from tests.fakes import app_settings

NEEDED = {
    "DATA_STORAGE": "UseDevelopmentStorage=true",
    "DOCUMENTS_CONTAINER": "documents",
    "COLLECT_QUEUE": "collect",
    "BATCHES_QUEUE": "batches",
    "OPERATIONS_QUEUE": "operations",
    "EVENTS_QUEUE": "events",
    "LANGUAGE_ENDPOINT": "https://letters.cognitiveservices.azure.com/",
    "LANGUAGE_KEY": "the-secret-key",
    "LANGUAGE_PROJECT": "letters",
    "RECONCILE_SCHEDULE": "0 */5 * * * *",
    "SWEEP_SCHEDULE": "0 */5 * * * *",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problem(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> str:
    for name, value in changes.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_the_needed_settings_are_enough(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.documents_container == "documents"
    assert settings.language_endpoint == "https://letters.cognitiveservices.azure.com"


def test_every_missing_name_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    told = problem(monkeypatch)
    missing = {line.split()[0] for line in told.splitlines()[1:]}
    assert missing == set(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
def test_a_single_missing_name_is_told(environment: pytest.MonkeyPatch, name: str) -> None:
    told = problem(environment, **{name: None})
    assert [line.split()[:3] for line in told.splitlines()[1:]] == [[name, "is", "missing"]]


def test_an_empty_value_counts_as_missing(environment: pytest.MonkeyPatch) -> None:
    assert "BATCHES_QUEUE is missing" in problem(environment, BATCHES_QUEUE="")


def test_what_is_wrong_and_what_is_missing_are_told_together(environment: pytest.MonkeyPatch) -> None:
    told = problem(environment, BATCHES_QUEUE="No Good", LANGUAGE_KEY=None, SWEEP_SCHEDULE=None)
    assert {line.split()[0] for line in told.splitlines()[1:]} == {"BATCHES_QUEUE", "LANGUAGE_KEY", "SWEEP_SCHEDULE"}


def test_no_value_is_ever_told(environment: pytest.MonkeyPatch) -> None:
    told = problem(
        environment,
        LANGUAGE_KEY="the-secret-key",
        DATA_STORAGE="AccountKey=the-secret-key",
        LANGUAGE_ENDPOINT="https://user:the-secret-key@letters.example",
        BATCHES_QUEUE="the-secret-key!",
        PIPELINE_THREADS="the-secret-key",
    )
    assert "the-secret-key" not in told


def test_secrets_are_not_shown_by_the_settings_themselves() -> None:
    settings = app_settings(language_key="the-secret-key", data_storage="AccountKey=the-secret-key")
    assert "the-secret-key" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_unknown_api_version_lists_the_known_ones(environment: pytest.MonkeyPatch) -> None:
    told = problem(environment, LANGUAGE_API="2019-01-01")
    assert "2019-01-01" in told
    assert all(version in told for version in API_VERSIONS)


@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_every_known_api_version_is_accepted(environment: pytest.MonkeyPatch, api_version: str) -> None:
    environment.setenv("LANGUAGE_API", api_version)
    assert load_settings().language_api == api_version


OWN = ("documents", "classifications", "failures", "pipeline", "azure-webjobs-secrets")


@pytest.mark.parametrize("name", OWN)
def test_no_container_of_the_app_or_the_host_is_for_training(environment: pytest.MonkeyPatch, name: str) -> None:
    assert f"TRAINING_CONTAINERS may not name '{name}'" in problem(environment, TRAINING_CONTAINERS=f"mail, {name}")
    assert f"TRAINING_CONTAINER may not name '{name}'" in problem(environment, TRAINING_CONTAINER=name)


def test_projects_may_have_the_training_container_and_those_that_the_setting_adds(
    environment: pytest.MonkeyPatch,
) -> None:
    assert load_settings().containers_for_training == ("training",)
    environment.setenv("TRAINING_CONTAINERS", "mail, chats")
    assert load_settings().containers_for_training == ("training", "mail", "chats")


ENDPOINTS = {
    "https://letters.cognitiveservices.azure.com": "https://letters.cognitiveservices.azure.com",
    "https://letters.cognitiveservices.azure.com/": "https://letters.cognitiveservices.azure.com",
    "https://10.0.0.4": "https://10.0.0.4",
    "http://127.0.0.1:7072": "http://127.0.0.1:7072",
    "http://localhost:7072/": "http://localhost:7072",
    "http://[::1]:7072": "http://[::1]:7072",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_endpoint_is_https_or_on_this_machine(endpoint: str) -> None:
    assert app_settings(language_endpoint=endpoint).language_endpoint == ENDPOINTS[endpoint]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://letters.cognitiveservices.azure.com",
        "http://localhost.elsewhere.example",
        "http://127.0.0.1.elsewhere.example",
        "http://10.0.0.4",
        "https://user@letters.example",
        "https://user:password@letters.example",
        "https://@letters.example",
        "http://127.0.0.1@elsewhere.example",
        "letters.cognitiveservices.azure.com",
        "ftp://letters.example",
        "https://",
        "https:///letters.example",
        "https://letters.example/language",
        "https://letters.example?x=1",
        "https://letters.example/#x",
        "",
    ],
)
def test_any_other_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="language_endpoint"):
        app_settings(language_endpoint=endpoint)


def test_an_identity_needs_no_key(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("LANGUAGE_KEY")
    environment.setenv("LANGUAGE_CREDENTIAL", "identity")
    assert load_settings().language_credential is CredentialKind.IDENTITY


def test_storage_by_identity_needs_both_addresses(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATA_STORAGE__blobServiceUri", "https://letters.blob.core.windows.net")
    assert "DATA_STORAGE__queueServiceUri" in problem(environment, DATA_STORAGE=None)
    environment.setenv("DATA_STORAGE__queueServiceUri", "https://letters.queue.core.windows.net")
    assert load_settings().data_storage is None


def test_a_fallback_model_needs_its_kind(environment: pytest.MonkeyPatch) -> None:
    assert "LANGUAGE_PROJECT_KIND is missing" in problem(environment, LANGUAGE_MODEL="model-1")


def test_the_poll_schedule_is_a_list_of_seconds(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PIPELINE_POLL_SECONDS", "1, 2.5,60")
    assert load_settings().pipeline_poll_seconds == (1.0, 2.5, 60.0)


@pytest.mark.parametrize("value", ["", "1,,2", "0", "-1", "1,soon"])
def test_a_poll_schedule_without_sense_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="pipeline_poll_seconds"):
        app_settings(pipeline_poll_seconds=value)


LIMITS = {
    "a linger under a second": ("pipeline_linger_seconds", 0.9),
    "a collector that hides documents as long as the host's lock": ("pipeline_collect_visibility_seconds", 600),
    "a collector that hides nothing": ("pipeline_collect_visibility_seconds", 0),
    "no thread": ("pipeline_threads", 0),
    "a negative grace": ("pipeline_grace_minutes", -1),
    "fewer golden documents than none": ("golden_percent", -1),
    "more golden documents than ones to train on": ("golden_percent", 51),
    "a negative limit of requests": ("language_requests_per_minute", -1),
    "an upper-case container": ("documents_container", "Documents"),
    "a container of two letters": ("documents_container", "ab"),
    "a queue with a doubled hyphen": ("batches_queue", "a--b"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_values_outside_their_limits_are_refused(case: str) -> None:
    name, value = LIMITS[case]
    with pytest.raises(ValidationError, match=name):
        app_settings(**{name: value})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        app_settings().documents_container = "others"  # type: ignore[misc]


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_encodings_of_documents_are_names_in_the_order_to_try_them(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DOCUMENT_ENCODINGS", "shift_jis, windows-1250 ,")
    assert load_settings().document_encodings == ("shift_jis", "windows-1250")


def test_unknown_encodings_of_documents_are_all_named(environment: pytest.MonkeyPatch) -> None:
    said = problem(environment, DOCUMENT_ENCODINGS="klingon,utf-8,base64")
    assert "DOCUMENT_ENCODINGS names no known encoding: klingon, base64" in said


@pytest.mark.parametrize("name", ["CLASSIFICATIONS_CONTAINER", "FAILURES_CONTAINER", "PIPELINE_CONTAINER"])
def test_the_app_writes_into_no_container_that_it_watches(environment: pytest.MonkeyPatch, name: str) -> None:
    """Or what it writes would come back as an event."""
    assert f"{name} may not name 'documents', which is DOCUMENTS_CONTAINER" in problem(
        environment, **{name: "documents"}
    )


def test_records_of_two_kinds_never_share_a_container(environment: pytest.MonkeyPatch) -> None:
    told = problem(environment, CLASSIFICATIONS_CONTAINER="records", FAILURES_CONTAINER="records")
    assert "FAILURES_CONTAINER may not name 'records', which is CLASSIFICATIONS_CONTAINER" in told
