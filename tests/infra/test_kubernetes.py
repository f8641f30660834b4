"""The Kubernetes manifests against the code and the templates. The schemas are checked by `make check-infra`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from azurite_process.azurite import Azurite
from functions_host.connections import HOST_STORAGE, IdentityEndpoint, find_endpoint
from functions_host.platform_settings import MACHINE, find_host_id, find_key_store, unknown_disabling
from functions_host.settings import AppSettings
from functions_host.web.key_stores import BlobKeyStore
from functions_host.web.keys import load_keys
from shared.config import load_settings
from shared.language.apis import analyze_requests_per_minute
from tests.infra.bicep import MAIN, ROOT, read_template
from tests.infra.code import binding_settings, functions, settings_fields
from tests.infra.evaluated import evaluated
from tests.infra.pods import (
    API,
    DEPLOYMENTS,
    DOCKERFILE,
    FOLDER,
    MANIFESTS,
    OPERATORS,
    PLACEHOLDER,
    PODS,
    TIMERS,
    VALUES,
    documents,
    environment,
    image_environment,
    running_functions,
)
from tools.package import PACKAGES, choose_python

HOST = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
APP_SETTINGS = evaluated("queue").app_settings
# The function app's, and nobody's in a cluster: identities come otherwise there.
NOT_IN_A_CLUSTER = {
    "AZURE_CLIENT_ID",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "DATA_STORAGE__credential",
}
# Of the container image, of the host outside Azure's compute, and what names the host's storage by identity.
OWN_SETTINGS = {
    "FUNCTIONS_WORKER_RUNTIME",
    "PYTHON_THREADPOOL_THREAD_COUNT",
    "AzureWebJobsStorage__accountName",
    "AzureFunctionsWebHost__hostid",
    "AzureWebJobsSecretStorageType",
}
SHARES = ("LANGUAGE_REQUESTS_PER_MINUTE", "LANGUAGE_AUTHORING_POSTS_PER_MINUTE", "LANGUAGE_AUTHORING_GETS_PER_MINUTE")
QUEUE_FUNCTIONS = {
    name: each.trigger["queueName"].strip("%")
    for name, each in functions().items()
    if each.trigger["type"] == "queueTrigger"
}


def test_kustomize_takes_every_manifest() -> None:
    (kustomization,) = documents(FOLDER / "kustomization.yaml")
    assert set(kustomization["resources"]) == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    namespaces = {each["metadata"].get("namespace") for (kind, _), each in MANIFESTS.items() if kind != "Namespace"}
    assert namespaces == {kustomization["namespace"]}


def test_the_pods_are_hosts_of_one_app() -> None:
    """With ids of their own each would have its own keys, and fire every timer."""
    ids = {find_host_id(ROOT, AppSettings({**environment(each, VALUES), MACHINE: pod})) for each, pod in PODS}
    assert ids == {"pigeonhole"}


def test_every_function_runs_in_exactly_one_deployment() -> None:
    api, workers = (running_functions(environment(each)) for each in DEPLOYMENTS)
    assert workers == set(QUEUE_FUNCTIONS)
    # Uploads come by the events queue, so nothing is left for the blob trigger to do.
    assert api == set(functions()) - workers - {"accept_document"}


def test_timers_run_in_one_deployment() -> None:
    assert TIMERS
    assert [each for each in DEPLOYMENTS if TIMERS & running_functions(environment(each))] == [API]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_the_host_knows_every_setting_that_disables_a_function(deployment: str) -> None:
    assert unknown_disabling(functions(), AppSettings(environment(deployment))) == []


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_keys_are_in_the_storage_that_every_pod_shares(deployment: str) -> None:
    settings = AppSettings(environment(deployment, VALUES))
    assert find_key_store(settings) == "blob"
    endpoint = find_endpoint(settings, HOST_STORAGE, "blob")
    assert isinstance(endpoint, IdentityEndpoint)
    assert endpoint.url == "https://sthost.blob.core.windows.net"


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_what_the_host_writes_is_where_its_user_may(deployment: str) -> None:
    pod = MANIFESTS["Deployment", deployment]["spec"]["template"]["spec"]
    user = re.search(r"^USER (\d+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert user
    assert pod["securityContext"] | {"runAsNonRoot": True, "runAsUser": int(user[1])} == pod["securityContext"]
    found = environment(deployment)
    for name in ("FUNCTIONS_SECRETS_PATH", "HOME"):
        assert Path(found[name]).is_relative_to("/tmp"), name


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_the_host_does_not_take_the_cluster_for_app_service(deployment: str) -> None:
    """Each of these changes the rules that the tests here go by (EnvironmentExtensions.cs)."""
    found = {name.upper() for name in environment(deployment)}
    assert found.isdisjoint({"WEBSITE_INSTANCE_ID", "WEBSITE_SITE_NAME", "CONTAINER_NAME", "POD_NAMESPACE"})


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_the_app_takes_the_settings_of_each_pod(deployment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment(deployment, VALUES)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    assert load_settings().pipeline_max_document_bytes == 4_000_000
    assert binding_settings() <= set(found)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_telemetry_goes_to_application_insights_with_the_apps_identity(deployment: str) -> None:
    found = environment(deployment, VALUES)
    assert found["APPLICATIONINSIGHTS_CONNECTION_STRING"] == VALUES["INSIGHTS_CONNECTION_STRING"]
    form = re.search(r"format\('([^']+)'", APP_SETTINGS["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"])
    assert form
    assert found["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == form[1].format(VALUES["APP_CLIENT_ID"])


def test_a_scaler_follows_every_queue_that_has_a_worker() -> None:
    settings = MANIFESTS["ConfigMap", "pigeonhole-settings"]["data"]
    triggers = MANIFESTS["ScaledObject", "pigeonhole-workers"]["spec"]["triggers"]
    assert {each["metadata"]["queueName"] for each in triggers} == {settings[name] for name in QUEUE_FUNCTIONS.values()}
    queues = HOST["extensions"]["queues"]
    for each in triggers:
        assert each["type"] == "azure-queue"
        assert int(each["metadata"]["queueLength"]) == queues["batchSize"] + queues["newBatchThreshold"]
        assert (
            each["authenticationRef"]["name"]
            == MANIFESTS["TriggerAuthentication", "pigeonhole-queues"]["metadata"]["name"]
        )


def most_pods(deployment: str) -> int:
    """As many as there may be at once, a roll-out's included."""
    spec = MANIFESTS["Deployment", deployment]["spec"]
    scaled = [each for (kind, _), each in MANIFESTS.items() if kind == "ScaledObject"]
    most = {each["spec"]["scaleTargetRef"]["name"]: each["spec"]["maxReplicaCount"] for each in scaled}
    surge = spec["strategy"]["rollingUpdate"]["maxSurge"]
    return int(most.get(deployment) or spec["replicas"]) + int(surge)


def test_all_pods_together_stay_within_the_limits_of_the_service() -> None:
    version = MANIFESTS["ConfigMap", "pigeonhole-settings"]["data"]["LANGUAGE_API"]
    defaults = {name: settings_fields()[name].default for name in SHARES}
    allowed = {**defaults, "LANGUAGE_REQUESTS_PER_MINUTE": analyze_requests_per_minute(version)}
    for name in SHARES:
        shares = {each: int(environment(each)[name]) for each in DEPLOYMENTS}
        assert all(shares.values()), f"{name}: 0 is no limit"
        assert sum(most_pods(each) * share for each, share in shares.items()) <= allowed[name], name


def test_the_settings_are_those_of_the_templates() -> None:
    settings = MANIFESTS["ConfigMap", "pigeonhole-settings"]["data"]
    assert set(settings) == set(APP_SETTINGS) - NOT_IN_A_CLUSTER - set(SHARES) | OWN_SETTINGS
    assert all(isinstance(each, str) for each in settings.values())
    for name, value in APP_SETTINGS.items():
        if name in settings and not value.startswith("[") and not settings[name].startswith("${"):
            assert settings[name] == value, name


def test_placeholders_are_outputs_of_the_templates() -> None:
    named = {found for path in FOLDER.glob("*.yaml") for found in PLACEHOLDER.findall(path.read_text())} - OPERATORS
    assert named <= set(read_template(MAIN).outputs)
    assert named == set(VALUES) - OPERATORS


def test_every_output_that_a_placeholder_names_is_text() -> None:
    """azd writes a number as Go prints it: 4000000 as 4e+06."""
    types = dict(re.findall(r"^output (\w+) (\w+) =", MAIN.read_text(encoding="utf-8"), re.MULTILINE))
    assert {name: types[name] for name in set(VALUES) - OPERATORS if types[name] != "string"} == {}


def test_the_service_account_is_the_one_that_is_federated() -> None:
    parameters = read_template(MAIN).parameters
    account = MANIFESTS["ServiceAccount", "pigeonhole"]["metadata"]
    subject = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    assert parameters["kubernetes"].default["subject"] == subject
    for name in ("pigeonhole-api", "pigeonhole-workers"):
        template = MANIFESTS["Deployment", name]["spec"]["template"]
        assert template["spec"]["serviceAccountName"] == account["name"]
        assert template["metadata"]["labels"]["azure.workload.identity/use"] == "true"


def test_a_running_invocation_may_finish_before_its_pod_ends() -> None:
    hours, minutes, seconds = map(int, HOST["functionTimeout"].split(":"))
    for name in ("pigeonhole-api", "pigeonhole-workers"):
        grace = MANIFESTS["Deployment", name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert grace > hours * 3600 + minutes * 60 + seconds


def test_the_image_is_built_from_the_staged_package_only() -> None:
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    app = image_environment()["AzureWebJobsScriptRoot"]
    assert [line for line in lines if line.startswith(("COPY", "ADD"))] == [f"COPY . {app}/"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^\tdocker build .*-f infra/kubernetes/Dockerfile .* build/package$", makefile, re.MULTILINE)
    assert not [line for line in lines if "pip " in line]


def test_the_image_has_the_packages_on_the_path_and_the_python_they_are_for() -> None:
    found = image_environment()
    assert found["PYTHONPATH"] == f"{found['AzureWebJobsScriptRoot']}/{PACKAGES.as_posix()}"
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    assert f"ARG PYTHON_VERSION={choose_python(environment={})}" in lines
    assert "FROM mcr.microsoft.com/azure-functions/python:4-python${PYTHON_VERSION}" in lines


def test_the_manual_reads_the_keys_that_the_host_writes(azurite: Azurite) -> None:
    (command,) = re.findall(r"python3 -c '([^']+)'", (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8"))
    with BlobServiceClient.from_connection_string(azurite.connection_string) as storage:
        keys = load_keys(BlobKeyStore(storage, "manual"), ["get_health"], {})
        stored = storage.get_blob_client("azure-webjobs-secrets", "manual/host.json").download_blob().readall()
    run = subprocess.run([sys.executable, "-c", command], input=stored, capture_output=True, check=True)
    assert run.stdout.decode().split() == ["KEY=" + keys.function, "MASTER_KEY=" + keys.master]
