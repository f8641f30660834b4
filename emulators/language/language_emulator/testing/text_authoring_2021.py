"""The 2021 preview as a client speaks it: plain requests, and no code shared with the emulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from language_emulator.testing.polling import poll_job

AUTHORING = "/language/text/authoring/v1.0-preview.2"
ANALYZE = "/text/analytics/v3.1-preview.ct.1/analyze"
TASKS = {"single": "customClassificationTasks", "multi": "customMultiClassificationTasks"}
MODEL_TYPES = {"single": "SingleClassification", "multi": "MultiClassification"}


class Preview:
    """Its methods return responses as they came; those named after a state wait for it."""

    def __init__(self, url: str, key: str) -> None:
        # Over plain http there is nothing to verify; loading the machine's certificates takes longer than a test.
        headers = {"Ocp-Apim-Subscription-Key": key}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60, verify=False)  # noqa: S501

    def create(self, name: str, container: str, kind: str = "multi", **changes: Any) -> httpx.Response:
        body = {
            "name": name,
            "modelType": MODEL_TYPES[kind],
            "multiLingual": False,
            "description": "",
            "culture": "en-us",
            "storageInputContainerName": container,
            "labelsLocation": "labels.json",
        }
        return self.http.post(f"{AUTHORING}/projects", json=body | changes)

    def project(self, name: str, part: str = "", **query: str) -> httpx.Response:
        return self.http.get(f"{AUTHORING}/projects/{name}{part}", params=query)

    def train(self, project: str, model: str = "model1") -> httpx.Response:
        return self.http.post(f"{AUTHORING}/projects/{project}/train", json=_tasks(model))

    def publish(self, project: str, model: str = "model1") -> httpx.Response:
        return self.http.post(f"{AUTHORING}/projects/{project}/publish", json=_tasks(model))

    def finish(self, started: httpx.Response) -> dict[str, Any]:
        """Poll the job a 202 names until it has ended."""
        assert started.status_code == 202, started.text
        url = started.headers["location"]
        return poll_job(lambda: self.http.get(url).raise_for_status().json(), {"notStarted", "inProgress"})

    def trained(self, project: str, model: str = "model1") -> dict[str, Any]:
        return self.finish(self.train(project, model))

    def published(self, project: str, model: str = "model1") -> str:
        """Train and publish; the model id."""
        assert self.trained(project, model)["status"] == "succeeded"
        return str(self.finish(self.publish(project, model))["tasks"][0]["modelId"])

    def analyze(self, model_id: str, texts: Sequence[str], kind: str = "multi") -> httpx.Response:
        documents = [{"id": str(number), "text": text} for number, text in enumerate(texts, start=1)]
        return self.submit(analysis(model_id, documents, kind))

    def submit(self, body: Any) -> httpx.Response:
        return self.http.post(ANALYZE, json=body)

    def read(self, submitted: httpx.Response, **query: int) -> dict[str, Any]:
        assert submitted.status_code == 202, submitted.text
        response = self.http.get(submitted.headers["operation-location"], params=query)
        body: dict[str, Any] = response.raise_for_status().json()
        return body

    def results(self, model_id: str, texts: Sequence[str], kind: str = "multi") -> dict[str, Any]:
        """Submit, read once, and take the one task's results."""
        job = self.read(self.analyze(model_id, texts, kind), top=50)
        assert job["status"] == "completed", job
        results: dict[str, Any] = job["tasks"]["tasks"][TASKS[kind]][0]["results"]
        return results

    def inject(self, operation: str, action: dict[str, Any], **rule: Any) -> None:
        self.control("PUT", "faults", {"faults": [{"operation": operation, "action": action, **rule}]})

    def control(self, method: str, what: str, body: Any = None) -> Any:
        response = self.http.request(method, f"/_emulator/{what}", json=body)
        assert response.status_code == 200, response.text
        return response.json()


def analysis(model_id: str, documents: Sequence[dict[str, str]], kind: str = "multi") -> dict[str, Any]:
    parameters = {"modelId": model_id, "stringIndexType": "TextElements_v8"}
    return {
        "displayName": "batch 1",
        "analysisInput": {"documents": list(documents)},
        "tasks": {TASKS[kind]: [{"parameters": parameters}]},
    }


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    return error


def _tasks(model: str) -> dict[str, Any]:
    return {"tasks": [{"trainingModelName": model}]}
