"""The GA API as a client speaks it: plain requests, and no code shared with the emulator."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any

import httpx

from language_emulator.testing.corpus import CLASSES, labelled_texts
from language_emulator.testing.polling import poll_job

AUTHORING = "/language/authoring/analyze-text/projects"
ANALYZE = "/language/analyze-text/jobs"
VERSION = "2023-04-01"
KINDS = {"single": "CustomSingleLabelClassification", "multi": "CustomMultiLabelClassification"}


class GeneralAvailability:
    """Its methods return responses as they came; those named after a state wait for it."""

    def __init__(self, url: str, key: str, version: str = VERSION, verify: str | None = None) -> None:
        self.version = version
        # Over plain http there is nothing to verify; loading the machine's certificates takes longer than a test.
        trusted = ssl.create_default_context(cafile=verify) if verify else False
        headers = {"Ocp-Apim-Subscription-Key": key}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60, verify=trusted)

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """`path` is below the authoring base; a whole address goes as it is."""
        if path.startswith("http"):
            return self.http.request(method, path, json=body)
        query = {"api-version": self.version} | query
        return self.http.request(method, f"{AUTHORING}{path}", json=body, params=query)

    def create(self, name: str, container: str, kind: str = "multi", **changes: Any) -> httpx.Response:
        return self.send("PATCH", f"/{name}", metadata(name, container, kind) | changes)

    def finish(self, started: httpx.Response, header: str = "operation-location") -> dict[str, Any]:
        """Poll the job a 202 names until it has ended."""
        assert started.status_code == 202, started.text
        url = started.headers[header]
        return poll_job(lambda: self.http.get(url).raise_for_status().json(), {"notStarted", "running"})

    def imported(self, name: str, container: str, kind: str = "multi", count: int = 40) -> dict[str, Any]:
        file = project_file(name, container, kind, version=self.version, count=count)
        return self.finish(self.send("POST", f"/{name}/:import", file))

    def train(self, project: str, model: str = "model1", **changes: Any) -> httpx.Response:
        body = {"modelLabel": model, "trainingConfigVersion": "2022-05-01"}
        return self.send("POST", f"/{project}/:train", body | changes)

    def deploy(self, project: str, deployment: str = "production", model: str = "model1") -> httpx.Response:
        return self.send("PUT", f"/{project}/deployments/{deployment}", {"trainedModelLabel": model})

    def exported(self, project: str) -> dict[str, Any]:
        """The ended job of an export, which names the file."""
        return self.finish(self.send("POST", f"/{project}/:export", stringIndexType="Utf16CodeUnit"))

    def tested(self, project: str, model: str = "model1") -> list[dict[str, Any]]:
        """What became of a model's test documents: the first page."""
        path = f"/{project}/models/{model}/evaluation/result"
        response = self.send("GET", path, stringIndexType="Utf16CodeUnit").raise_for_status()
        results: list[dict[str, Any]] = response.json()["value"]
        return results

    def deployed(self, name: str, container: str, kind: str = "multi", count: int = 40) -> None:
        """Import, train and deploy as `production`."""
        assert self.imported(name, container, kind, count)["status"] == "succeeded"
        assert self.finish(self.train(name))["status"] == "succeeded"
        assert self.finish(self.deploy(name))["status"] == "succeeded"

    def submit(self, body: Any, **query: Any) -> httpx.Response:
        return self.http.post(ANALYZE, json=body, params={"api-version": self.version} | query)

    def analyze(self, project: str, texts: Sequence[str], kind: str = "multi", deployment: str = "production") -> Any:
        return self.submit(analysis(project, texts, kind, deployment))

    def read(self, submitted: httpx.Response, **query: Any) -> dict[str, Any]:
        assert submitted.status_code == 202, submitted.text
        location = httpx.URL(submitted.headers["operation-location"]).copy_merge_params(query)
        body: dict[str, Any] = self.http.get(location).raise_for_status().json()
        return body

    def control(self, method: str, what: str, body: Any = None) -> Any:
        response = self.http.request(method, f"/_emulator/{what}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def inject(self, operation: str, action: dict[str, Any], **rule: Any) -> None:
        self.control("PUT", "faults", {"faults": [{"operation": operation, "action": action, **rule}]})


def metadata(name: str, container: str, kind: str) -> dict[str, Any]:
    return {
        "projectKind": KINDS[kind],
        "storageInputContainerName": container,
        "projectName": name,
        "language": "en-us",
        "multilingual": False,
        "description": "",
    }


def project_file(
    name: str, container: str, kind: str, *, version: str = VERSION, count: int = 40, dataset: bool = False
) -> dict[str, Any]:
    """The labels of the corpus in the GA form; with `dataset` every fifth document is for testing."""
    documents = []
    for number, (_, classes) in enumerate(labelled_texts(count, single_label=kind == "single")):
        given = [{"category": name} for name in classes]
        document: dict[str, Any] = {"location": f"t{number}.txt", "language": "en-us"}
        document |= {"class": given[0]} if kind == "single" else {"classes": given}
        if dataset:
            document["dataset"] = "Test" if number % 5 == 0 else "Train"
        documents.append(document)
    return {
        "projectFileVersion": version,
        "stringIndexType": "Utf16CodeUnit",
        "metadata": metadata(name, container, kind),
        "assets": {
            "projectKind": KINDS[kind],
            "classes": [{"category": name} for name in CLASSES],
            "documents": documents,
        },
    }


def analysis(
    project: str, texts: Sequence[str], kind: str = "multi", deployment: str = "production", tasks: int = 1
) -> dict[str, Any]:
    parameters = {"projectName": project, "deploymentName": deployment}
    documents = [{"id": str(number), "language": "en", "text": text} for number, text in enumerate(texts, start=1)]
    return {
        "displayName": "batch 1",
        "analysisInput": {"documents": documents},
        "tasks": [{"kind": KINDS[kind], "taskName": str(index), "parameters": parameters} for index in range(tasks)],
    }
