"""The Kubernetes manifests against the code and the templates. The schemas are checked by `make check-infra`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.infra.bicep import INFRA, MAIN, ROOT, read_template
from tests.infra.code import functions
from tests.infra.evaluated import evaluated

FOLDER = INFRA / "kubernetes"
HOST = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
APP_SETTINGS = evaluated("queue").app_settings
# The function app's, and nobody's in a cluster: telemetry and identities come otherwise.
NOT_IN_A_CLUSTER = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "DATA_STORAGE__credential",
}
# Of the container image, and the two that name the host's storage by identity.
OWN_SETTINGS = {"FUNCTIONS_WORKER_RUNTIME", "PYTHON_THREADPOOL_THREAD_COUNT", "AzureWebJobsStorage__accountName"}


def documents(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


MANIFESTS = {
    (each["kind"], each["metadata"]["name"]): each
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for each in documents(path)
}


def container(deployment: str) -> dict[str, Any]:
    (found,) = MANIFESTS["Deployment", deployment]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(deployment: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(deployment)["env"]}


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


def test_every_function_runs_in_exactly_one_deployment() -> None:
    workers = [value for name, value in environment("pigeonhole-workers").items() if "__functions__" in name]
    assert sorted(workers) == sorted(QUEUE_FUNCTIONS)
    disabled = {name.split("__")[1] for name in environment("pigeonhole-api") if name.endswith("__Disabled")}
    assert disabled == set(QUEUE_FUNCTIONS) | {"accept_document"}
    assert disabled <= set(functions())


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


def test_the_most_workers_together_stay_within_the_limit_of_the_service() -> None:
    most = MANIFESTS["ScaledObject", "pigeonhole-workers"]["spec"]["maxReplicaCount"]
    each = int(MANIFESTS["ConfigMap", "pigeonhole-settings"]["data"]["LANGUAGE_REQUESTS_PER_MINUTE"])
    assert most * each <= 1000


def test_the_settings_are_those_of_the_templates() -> None:
    settings = MANIFESTS["ConfigMap", "pigeonhole-settings"]["data"]
    assert set(settings) == set(APP_SETTINGS) - NOT_IN_A_CLUSTER | OWN_SETTINGS
    assert all(isinstance(each, str) for each in settings.values())
    for name, value in APP_SETTINGS.items():
        if name in settings and not value.startswith("[") and not settings[name].startswith("${"):
            assert settings[name] == value, name


def test_placeholders_are_outputs_of_the_templates() -> None:
    named = {found for path in FOLDER.glob("*.yaml") for found in re.findall(r"\$\{(\w+)\}", path.read_text())}
    assert named - {"PIGEONHOLE_IMAGE"} <= set(read_template(MAIN).outputs)


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
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    sources = [line.split()[1] for line in lines if line.startswith("COPY")]
    assert sources
    assert all(source.startswith("build/package/") for source in sources)
    python = read_template(MAIN).parameters["pythonVersion"].default
    assert f"FROM mcr.microsoft.com/azure-functions/python:4-python{python}" in lines
