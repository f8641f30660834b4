"""A session with Microsoft's authoring client, run in an environment of its own (it needs another runtime SDK).

Called as `python authoring_sdk_session.py ENDPOINT KEY CONTAINER PROJECT_FILE KIND`; prints what it saw as JSON.
Imports nothing of this repository: that environment does not have it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from azure.ai.textanalytics.authoring import TextAuthoringClient, TextAuthoringProjectClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError

PROJECT = "authored"
POLL = 0.05


def main() -> None:
    endpoint, key, container, project_file, kind = sys.argv[1:]
    file = json.loads(Path(project_file).read_text(encoding="utf-8"))
    credential = AzureKeyCredential(key)
    with (
        TextAuthoringClient(endpoint, credential, polling_interval=POLL) as client,
        TextAuthoringProjectClient(endpoint, credential, project_name=PROJECT, polling_interval=POLL) as project,
    ):
        print(json.dumps(run_session(client, project, container, file, kind)))


def run_session(
    client: TextAuthoringClient, project: TextAuthoringProjectClient, container: str, file: dict[str, Any], kind: str
) -> dict[str, Any]:
    """Create, import, train, evaluate, deploy, swap, export, list and delete."""
    created = client.create_project(PROJECT, _project(container, kind))
    project.project.begin_import(body=file).result()
    return {
        "created_kind": str(created["projectKind"]),
        **_train(project),
        **_evaluate(project),
        **_deploy(project),
        **_look_around(client, project, kind),
        "after_deletion": _delete(client),
    }


def _train(project: TextAuthoringProjectClient) -> dict[str, Any]:
    training = project.project.begin_train(body=_training("first")).result()
    project.project.begin_train(body=_training("second")).result()
    return {
        "training_status": training.training_status.status.value,
        "evaluation_percent": training.evaluation_status.percent_complete,
        "trainings": len(list(project.project.list_training_jobs())),
        "models": sorted(model.label for model in project.project.list_trained_models()),
    }


def _evaluate(project: TextAuthoringProjectClient) -> dict[str, Any]:
    summary = project.trained_model.get_model_evaluation_summary("first")
    results = list(
        project.trained_model.list_model_evaluation_results("first", string_index_type="Utf16CodeUnit", maxpagesize=3)
    )
    project.trained_model.delete_trained_model("first")
    return {
        "summary_type": type(summary).__name__,
        "result_types": sorted({type(result).__name__ for result in results}),
        "results": len(results),
    }


def _deploy(project: TextAuthoringProjectClient) -> dict[str, Any]:
    for name in ("production", "staging"):
        project.deployment.begin_deploy_project(name, body={"trainedModelLabel": "second"}).result()
    swap = {"firstDeploymentName": "production", "secondDeploymentName": "staging"}
    project.project.begin_swap_deployments(body=swap).result()
    deployments = sorted(entry.deployment_name for entry in project.project.list_deployments())
    expires = project.deployment.get_deployment("production").deployment_expired_on
    project.deployment.begin_delete_deployment("staging").result()
    return {
        "deployments": deployments,
        "expires": expires.isoformat(),
        "deployments_left": [entry.deployment_name for entry in project.project.list_deployments()],
    }


def _look_around(client: TextAuthoringClient, project: TextAuthoringProjectClient, kind: str) -> dict[str, Any]:
    project.project.begin_export(string_index_type="Utf16CodeUnit").result()
    versions = client.list_training_config_versions(project_kind=kind)
    return {
        "languages": len(list(client.list_supported_languages(project_kind=kind))),
        "config_versions": [entry.training_config_version for entry in versions],
        "projects": [entry.project_name for entry in client.list_projects(maxpagesize=1)],
    }


def _delete(client: TextAuthoringClient) -> int:
    """The status of a reading afterwards."""
    client.begin_delete_project(PROJECT).result()
    try:
        client.get_project(PROJECT)
    except HttpResponseError as error:
        return int(error.status_code or 0)
    return 200


def _project(container: str, kind: str) -> dict[str, Any]:
    return {
        "projectKind": kind,
        "storageInputContainerName": container,
        "projectName": PROJECT,
        "language": "en-us",
        "multilingual": False,
    }


def _training(label: str) -> dict[str, Any]:
    return {"modelLabel": label, "trainingConfigVersion": "2022-05-01"}


if __name__ == "__main__":
    main()
