"""The samples of emulators/language/tests/wire/ga_2023, and the call of ours that each belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared.language.apis.analyze_text import AnalyzeText
from shared.language.apis.base import Call
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.values import ModelRef, Page, ProjectKind, TextInput
from tests.unit.language.wire import Network, Sample, load_samples

SAMPLES = load_samples("ga_2023")
JOB = "e7f1b3c2-58d6-4a0b-bd13-6f2c9a4e8d75"
AUTHORING_JOB = "6b0a8e52-3f0c-4d4d-9f0e-2b7f4c3c1a10_638243712000000000"

# Operations the app does not use. A user's own tools may; the emulator answers them.
NOT_OURS = {
    "analyze_cancel",
    "delete_deployment",
    "delete_model",
    "deletion_job_succeeded",
    "export",
    "export_job_succeeded",
    "exported_file_multi",
    "exported_file_single",
    "get_deployment",
    "get_deployment_2025",
    "get_deployment_not_found",
    "get_model",
    "get_model_2022",
    "get_model_not_found",
    "list_languages",
    "list_projects",
    "list_training_config_versions",
    "version_missing",
}
# Asked in a way the app never asks: with statistics, with a page size, or with a file the service refuses.
OTHERS_REQUESTS = {
    "analyze_job_statistics",
    "document_results_first_page",
    "import_multi_2022_hyphens",
    "import_nested_error_documented",
    "import_version_differs",
    "list_deployments_first_page",
}


def api_of(sample: Sample) -> AnalyzeText:
    (version,) = parse_qs(urlsplit(sample.request["path"]).query)["api-version"]
    return AnalyzeText(version)


def call_of(sample: Sample) -> Call[Any]:
    """Our call, with the names, texts and labels of the sample's own request. A sample nobody knows has none."""
    build = next((build for prefix, build in CALLS.items() if sample.name.startswith(prefix)), None)
    assert build is not None, f"{sample.name}: say in this file which call it belongs to, or that it is not ours"
    return build(api_of(sample), sample)


def answer_to(name: str) -> Any:
    return Network(lambda _: SAMPLES[name].answer()).client().send(call_of(SAMPLES[name]))


def _kind(word: str) -> ProjectKind:
    return ProjectKind.SINGLE if "single" in word.lower() else ProjectKind.MULTI


def _project(sample: Sample) -> str:
    """The name in the sample's path."""
    found = re.search(r"/projects/([^/?]+)", sample.request["path"])
    assert found
    return found[1]


def _defined(metadata: dict[str, Any]) -> Project:
    return Project(
        name=metadata["projectName"],
        kind=_kind(metadata["projectKind"]),
        language=metadata["language"],
        container=metadata["storageInputContainerName"],
        multilingual=metadata["multilingual"],
        description=metadata["description"],
    )


def _submit(api: AnalyzeText, sample: Sample) -> Call[str]:
    body = sample.request["body"]
    texts = [TextInput(each["id"], each["text"], each.get("language")) for each in body["analysisInput"]["documents"]]
    (task,) = body["tasks"]
    names = task["parameters"]
    model = ModelRef(
        project=names["projectName"], kind=_kind(task["kind"]), reference=names["deploymentName"], label="model1"
    )
    return api.submit_analyze(texts, model, display_name=body["displayName"])


def _import(api: AnalyzeText, sample: Sample) -> Call[str]:
    body = sample.request["body"]
    classes = [each["category"] for each in body["assets"]["classes"]]
    documents = []
    for each in body["assets"]["documents"]:
        named = [each["class"]] if "class" in each else each["classes"]
        found = tuple(entry["category"] for entry in named)
        documents.append(LabelledDocument(each["location"], each["language"], found, each["dataset"]))
    return api.import_labels(_defined(body["metadata"]), classes, documents)


def _swap(api: AnalyzeText, sample: Sample) -> Call[str]:
    body = sample.request["body"]
    return api.swap(_project(sample), first=body["firstDeploymentName"], second=body["secondDeploymentName"])


def _deploy(api: AnalyzeText, sample: Sample) -> Call[str]:
    label = sample.request["body"]["trainedModelLabel"]
    return api.deploy(_project(sample), deployment="staging", label=label)


def _train(api: AnalyzeText, sample: Sample) -> Call[str]:
    body = sample.request["body"]
    is_manual = body["evaluationOptions"]["kind"] == "manual"
    return api.train(_project(sample), label=body["modelLabel"], manual_split=is_manual)


# What is left of a first page: "the rest of everything, after one".
_REST = Page(skip=1, top=2147483646)

CALLS: dict[str, Callable[[AnalyzeText, Sample], Call[Any]]] = {
    "analyze_submit_": _submit,
    "too_many_requests": _submit,
    "analyze_job_first_page": lambda api, _: api.get_analyze_job(JOB, page=Page(skip=0, top=1)),
    "analyze_job_last_page": lambda api, _: api.get_analyze_job(JOB, page=Page(skip=1, top=1)),
    "analyze_job_": lambda api, _: api.get_analyze_job(JOB),
    "create_project_": lambda api, sample: api.create_project(_defined(sample.request["body"])),
    "update_project": lambda api, sample: api.update_project(_defined(sample.request["body"])),
    "get_project": lambda api, sample: api.get_project(_project(sample)),
    "key_refused": lambda api, sample: api.get_project(_project(sample)),
    "version_unknown": lambda api, sample: api.get_project(_project(sample)),
    "delete_project": lambda api, sample: api.delete_project(_project(sample)),
    "role_missing": lambda api, sample: api.delete_project(_project(sample)),
    "import_job_": lambda api, sample: api.get_import_job(_project(sample), AUTHORING_JOB),
    "import_": _import,
    "train_job_": lambda api, sample: api.get_training_job(_project(sample), AUTHORING_JOB),
    "train": _train,
    "cancel_training": lambda api, sample: api.cancel_training(_project(sample), AUTHORING_JOB),
    "list_trainings": lambda api, sample: api.find_training(_project(sample), label="model1"),
    "list_models": lambda api, sample: api.list_models(_project(sample)),
    "evaluation_": lambda api, sample: api.get_evaluation(_project(sample), label="model1"),
    "document_results_last_page": lambda api, sample: api.get_review(_project(sample), label="model1", page=_REST),
    "document_results_": lambda api, sample: api.get_review(_project(sample), label="model1"),
    "deployment_job_": lambda api, sample: api.get_deployment_job(_project(sample), "staging", AUTHORING_JOB),
    "deploy": _deploy,
    "list_deployments_last_page": lambda api, sample: api.list_deployments(_project(sample), page=_REST),
    "list_deployments": lambda api, sample: api.list_deployments(_project(sample)),
    "swap_job_": lambda api, sample: api.get_swap_job(_project(sample), AUTHORING_JOB),
    "swap_deployments": _swap,
}
