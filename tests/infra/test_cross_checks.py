"""The code and the templates, both ways: settings, containers, queues, functions, log lines."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import TypeAdapter

from shared.batches.batch import Batch, BatchFacts, plan_batch
from shared.config import CredentialKind, Settings, load_settings
from shared.documents.dead_letters import BLOB_TRIGGER_QUEUE
from shared.durable.dead_letters import DeadLetters
from shared.durable.store import RecordStore
from tests.fakes import START, FakeBlobStore, VirtualClock
from tests.infra.bicep import INFRA, ROOT
from tests.infra.code import binding_settings, functions, log_events, settings_fields
from tests.infra.deployed import MAIN_TEMPLATE, deployed_settings
from tests.infra.evaluated import evaluated
from tests.services_on_fakes import PipelineOnFakes

# Read by the host, its worker, azure-identity and glibc, not by Settings.
HOST_SETTINGS = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID",
    "AZUREWEBJOBSSTORAGE__ACCOUNTNAME",
    "AZUREWEBJOBSSTORAGE__CLIENTID",
    "AZUREWEBJOBSSTORAGE__CREDENTIAL",
    "DATA_STORAGE__CREDENTIAL",
    "MALLOC_ARENA_MAX",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}
# Containers the app itself never opens, and who does.
OTHERS_CONTAINERS = {"deadLetters": "Event Grid"}

DEFAULT = evaluated("webhook")
APP_SETTINGS = DEFAULT.app_settings
ALERTS = (INFRA / "app" / "alerts.bicep").read_text(encoding="utf-8")
SUBSCRIPTION = "Microsoft.EventGrid/systemTopics/eventSubscriptions"


def upper(names: object) -> set[str]:
    return {str(name).upper() for name in names}  # type: ignore[attr-defined]


def test_every_setting_of_a_binding_is_deployed_and_in_the_local_example() -> None:
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    assert binding_settings() <= set(APP_SETTINGS)
    assert binding_settings() <= set(example)


def test_every_setting_without_a_default_is_deployed() -> None:
    required = {name for name, each in settings_fields().items() if each.is_required()}
    assert required <= upper(APP_SETTINGS)


def test_every_deployed_setting_is_read_by_the_app() -> None:
    known = set(settings_fields()) | HOST_SETTINGS
    assert upper(APP_SETTINGS) - known == set()


def test_every_connection_of_a_binding_has_identity_settings() -> None:
    connections = {each["connection"] for one in functions().values() for each in one.bindings if "connection" in each}
    assert connections == {"DATA_STORAGE"}
    for suffix in ("blobServiceUri", "queueServiceUri", "credential", "clientId"):
        assert f"DATA_STORAGE__{suffix}" in APP_SETTINGS
    for suffix in ("accountName", "credential", "clientId"):
        assert f"AzureWebJobsStorage__{suffix}" in APP_SETTINGS


@pytest.mark.parametrize("kind", ["containers", "queues"])
def test_containers_and_queues_exist_and_their_names_reach_the_app(kind: str) -> None:
    defaults = MAIN_TEMPLATE.parameters[kind].default
    defaults = MAIN_TEMPLATE.parameters[kind].default
    service = {"containers": "blobServices/containers", "queues": "queueServices/queues"}[kind]
    created = DEFAULT.names(f"Microsoft.Storage/storageAccounts/{service}", "stdata")
    assert created == set(defaults.values())
    others = {defaults[name] for name in OTHERS_CONTAINERS} if kind == "containers" else set()
    suffix = f"_{kind.removesuffix('s').upper()}"
    assert {value for name, value in APP_SETTINGS.items() if name.endswith(suffix)} | others == created


@pytest.mark.parametrize("kind", ["containers", "queues"])
def test_names_in_the_templates_are_the_ones_of_the_code(kind: str) -> None:
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    for name, each in settings_fields().items():
        if name.endswith(f"_{kind.removesuffix('s').upper()}"):
            assert APP_SETTINGS[name] == example.get(name, each.default), name


@pytest.mark.parametrize("parameters", ["webhook", "queue", "private", "preview", "free"])
def test_the_deployed_settings_make_a_valid_app(parameters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in deployed_settings(parameters).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.language_api == ("2021-preview" if parameters == "preview" else "2023-04-01")
    assert settings.data_storage is None
    assert settings.language_credential is CredentialKind.IDENTITY
    assert settings.pipeline_max_document_bytes == Settings.model_fields["pipeline_max_document_bytes"].default


def test_the_webhook_names_the_blob_trigger() -> None:
    url = evaluated("event-webhook").one(SUBSCRIPTION)["properties"]["destination"]["properties"]["endpointUrl"]
    (name,) = re.findall(r"functionName=Host\.Functions\.(\w+)&", url)
    trigger = functions()[name].trigger
    assert trigger["type"] == "blobTrigger"
    assert trigger["source"] == "EventGrid"
    assert trigger["path"].startswith("%DOCUMENTS_CONTAINER%/")


def test_the_queue_of_events_has_its_trigger() -> None:
    assert functions()["accept_event"].trigger["queueName"] == "%EVENTS_QUEUE%"


def test_both_subscriptions_filter_the_same_uploads() -> None:
    queue, webhook = (evaluated(name).one(SUBSCRIPTION)["properties"]["filter"] for name in ("queue", "event-webhook"))
    (size,) = [each for each in webhook["advancedFilters"] if each not in queue["advancedFilters"]]
    assert size == {
        "operatorType": "NumberLessThan",
        "key": "data.contentLength",
        "value": int(APP_SETTINGS["PIPELINE_MAX_DOCUMENT_BYTES"]) + 1,
    }
    webhook["advancedFilters"].remove(size)
    assert queue == webhook


def test_events_go_by_one_way_only() -> None:
    assert (
        evaluated("queue").one(SUBSCRIPTION)["properties"]["deliveryWithResourceIdentity"]["destination"]["properties"][
            "queueName"
        ]
        == APP_SETTINGS["EVENTS_QUEUE"]
    )
    assert DEFAULT.of_type(SUBSCRIPTION) == []


def test_the_blob_trigger_watches_the_documents_container_only() -> None:
    """So nothing that the app writes comes back as an event; no setting may make one container of two (test_config)."""
    watched = [each.trigger["path"] for each in functions().values() if each.trigger["type"] == "blobTrigger"]
    assert watched == ["%DOCUMENTS_CONTAINER%/{name}"]


def test_no_function_is_triggered_by_a_poison_queue() -> None:
    """The host would never deliver from it what it cannot decode: the sweep takes from it instead."""
    queues = [str(each.trigger.get("queueName", "")) for each in functions().values()]
    assert [queue for queue in queues if queue.endswith("-poison")] == []


def test_what_the_host_abandons_of_every_triggered_queue_is_handled() -> None:
    handled = {each.name for each in PipelineOnFakes().services.sweep.abandoned}
    triggered = {str(each.trigger["queueName"]) for each in functions().values() if "queueName" in each.trigger}
    assert {f"%{name.upper()}_QUEUE%" for name in handled - {BLOB_TRIGGER_QUEUE}} == triggered
    assert BLOB_TRIGGER_QUEUE in handled


def test_every_log_line_an_alert_looks_for_is_written_by_the_code() -> None:
    looked_for = set(re.findall(r'Message startswith "(\w+)"', ALERTS))
    assert looked_for <= log_events()
    alerted = {
        "pipeline_metrics",
        "events_waiting",
        "document_failed",
        "document_accepted",
        "step_deferred",
        "deployment_expires",
        "training_config_expires",
        "dead_letter_kept",
        "state_unreadable",
    }
    assert looked_for == alerted


def expiry_prefix(rule: str) -> str:
    """Prefix in the pipeline container of what this rule deletes."""
    policy = DEFAULT.one("Microsoft.Storage/storageAccounts/managementPolicies")["properties"]["policy"]
    (found,) = [each["definition"] for each in policy["rules"] if each["name"] == f"expire-{rule}"]
    (prefix,) = found["filters"]["prefixMatch"]
    container, _, rest = prefix.partition("/")
    assert container == APP_SETTINGS["PIPELINE_CONTAINER"]
    return str(rest)


def test_closed_batches_expire_and_open_ones_stay() -> None:
    state = FakeBlobStore("pipeline", VirtualClock())
    batches = RecordStore(state, "batches", record=TypeAdapter(Batch), facts=BatchFacts)
    stored = batches.create(plan_batch([], START))
    assert stored is not None
    (opened,) = [each.name for each in state.list()]
    batches.close(stored)
    (closed,) = [each.name for each in state.list()]
    prefix = expiry_prefix("batches")
    assert closed.startswith(prefix)
    assert not opened.startswith(prefix)


def test_dead_letters_expire() -> None:
    state = FakeBlobStore("pipeline", VirtualClock())
    name = DeadLetters(state).keep(queue="batches", message_id="1", body="", reason="a test")
    assert name.startswith(expiry_prefix("dead-letters"))


def test_handlers_have_a_thread_for_everything_the_host_runs_at_once() -> None:
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]
    at_once = max(
        host["queues"]["batchSize"] + host["queues"]["newBatchThreshold"], host["blobs"]["maxDegreeOfParallelism"]
    )
    assert int(APP_SETTINGS["PYTHON_THREADPOOL_THREAD_COUNT"]) >= at_once
