"""The fake Language service in the shapes of the generally available API; held to the same contract suite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from tests.fake_language import FakeJob, FakeLanguageService, language_error

ANALYZE = "/language/analyze-text/jobs"


@dataclass
class FakeGaLanguageService(FakeLanguageService):
    """`models` are deployment names here."""

    api_version: str = "2023-04-01"
    analyze_path: str = ANALYZE

    def _submit(self, body: dict[str, Any]) -> httpx.Response:
        task = body["tasks"][0]
        deployment = task["parameters"]["deploymentName"]
        if deployment not in self.models:
            return language_error(404, "NotFound", "the deployment does not exist")
        job_id = self._accept(body["analysisInput"]["documents"], deployment, task["kind"])
        self.jobs[job_id].display_name = body["displayName"]
        location = f"{self.endpoint}{ANALYZE}/{job_id}?api-version={self.api_version}"
        return httpx.Response(202, headers={"operation-location": location})

    def _skip(self, request: httpx.Request) -> int:
        return int(request.url.params.get("skip", 0))

    def _page_size(self, request: httpx.Request) -> int:
        return min(self.longest_page, int(request.url.params.get("top", self.page_size)))

    def _state(self, job_id: str, job: FakeJob, *, skip: int, size: int) -> dict[str, Any]:
        done = job.reads > self.reads_before_done
        status = "succeeded" if done else "running"
        item: dict[str, Any] = {
            "kind": f"{job.task}LROResults",
            "taskName": "classify",
            "lastUpdateDateTime": job.created.isoformat(),
            "status": status,
        }
        body: dict[str, Any] = {
            "jobId": job_id,
            "displayName": job.display_name,
            "createdDateTime": job.created.isoformat(),
            "lastUpdatedDateTime": job.created.isoformat(),
            "expirationDateTime": (job.created + timedelta(hours=24)).isoformat(),
            "status": status,
            "errors": [],
            "tasks": {"completed": int(done), "failed": 0, "inProgress": int(not done), "total": 1, "items": [item]},
        }
        if done:
            page = job.documents[skip : skip + size]
            item["results"] = {
                "projectName": "letters",
                "deploymentName": job.model_id,
                "documents": [self._classify(each) for each in page],
                "errors": [],
            }
            if skip + size < len(job.documents):
                query = f"api-version={self.api_version}&top={size}&skip={skip + size}"
                body["nextLink"] = f"{self.endpoint}{ANALYZE}/{job_id}?{query}"
        return body

    def _classify(self, document: dict[str, str]) -> dict[str, Any]:
        found = super()._classify(document)
        return {"id": found["id"], "class": found["classes"], "warnings": []}
