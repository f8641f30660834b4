"""The pods of infra/kubernetes as the Functions host in them sees its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from functions_host.host_config import load_host_config
from functions_host.platform_settings import is_disabled
from functions_host.settings import AppSettings
from tests.infra.bicep import INFRA, ROOT
from tests.infra.code import functions

FOLDER = INFRA / "kubernetes"
DOCKERFILE = FOLDER / "Dockerfile"
API, WORKERS = "pigeonhole-api", "pigeonhole-workers"
DEPLOYMENTS = (API, WORKERS)
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# Not of azd: the image, and what one command reads from Azure (docs/kubernetes.md).
OPERATORS = {"PIGEONHOLE_IMAGE", "INSIGHTS_CONNECTION_STRING"}

# What azd knows after provisioning, as it writes it: text.
VALUES = {
    "APP_CLIENT_ID": "11111111-1111-1111-1111-111111111111",
    "AUTHORING_CLIENT_ID": "22222222-2222-2222-2222-222222222222",
    "HOST_STORAGE_NAME": "sthost",
    "DATA_STORAGE_NAME": "stdata",
    "DOCUMENTS_CONTAINER": "documents",
    "CLASSIFICATIONS_CONTAINER": "classifications",
    "FAILURES_CONTAINER": "failures",
    "PIPELINE_CONTAINER": "pipeline",
    "TRAINING_CONTAINER": "training",
    "LANGUAGE_ENDPOINT": "https://lang.cognitiveservices.azure.com/",
    "MAX_DOCUMENT_BYTES": "4000000",
    "INSIGHTS_CONNECTION_STRING": "InstrumentationKey=0;IngestionEndpoint=https://insights.invalid/",
}
PODS = [
    (API, "pigeonhole-api-7d9f8b6c5-x2k4v"),
    (API, "pigeonhole-api-7d9f8b6c5-q8w9e"),
    (WORKERS, "pigeonhole-workers-5f6d7-abcde"),
]
TIMERS = {name for name, each in functions().items() if each.trigger["type"] == "timerTrigger"}


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


def image_environment() -> dict[str, str]:
    """ENV of the Dockerfile."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in text.splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def environment(deployment: str, values: Mapping[str, str] | None = None) -> dict[str, str]:
    """The image's variables, the ConfigMap's, the container's own: the later wins. `values` fill the placeholders."""
    settings = MANIFESTS["ConfigMap", "pigeonhole-settings"]["data"]
    own = {each["name"]: each["value"] for each in container(deployment)["env"]}
    merged = {**image_environment(), **settings, **own}
    given = values or {}
    return {name: PLACEHOLDER.sub(lambda match: given.get(match[1], match[0]), text) for name, text in merged.items()}


def running_functions(environment: Mapping[str, str]) -> set[str]:
    """The functions that a host starts in this environment, by the host's own rules."""
    settings = AppSettings(environment)
    allowed = load_host_config(ROOT, settings).functions
    return {
        name for name in functions() if (allowed is None or name.lower() in allowed) and not is_disabled(name, settings)
    }
