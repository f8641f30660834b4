"""A Language service in memory, 2021 preview, as an httpx transport: submit and read analyze jobs.

Held to tests/contract/.

It "classifies" by the marker words in a text, counts submissions by text, and can be told to misbehave.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.fakes import Hook, no_hook

ANALYZE = "/text/analytics/v3.1-preview.ct.1/analyze"


@dataclass
class FakeJob:
    documents: list[dict[str, str]]
    model_id: str
    task: str
    created: datetime
    reads: int = 0
    display_name: str = ""


@dataclass
class FakeLanguageService:
    """`reads_before_done`: how many GETs see a job running. `answer` may replace any answer: return None to go on."""

    clock: Callable[[], datetime]
    hook: Hook = no_hook
    reads_before_done: int = 1
    page_size: int = 20
    longest_page: int = 50
    endpoint: str = "http://127.0.0.1:9"
    analyze_path: str = ANALYZE
    models: set[str] = field(default_factory=lambda: {"model-1"})
    answer: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    jobs: dict[str, FakeJob] = field(default_factory=dict)
    submissions: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        operation = "submit" if request.method == "POST" else "get"
        return self.hook(f"language.{operation}", lambda: self._answer(request, operation))

    def _answer(self, request: httpx.Request, operation: str) -> httpx.Response:
        self.requests[operation] += 1
        replaced = self.answer(request)
        if replaced is not None:
            return replaced
        if request.url.path == self.analyze_path and request.method == "POST":
            return self._submit(json.loads(request.content))
        return self._get(request)

    def _submit(self, body: dict[str, Any]) -> httpx.Response:
        task, entries = next(iter(body["tasks"].items()))
        model_id = entries[0]["parameters"]["modelId"]
        if model_id not in self.models:
            return language_error(404, "NotFound", "the model does not exist")
        job_id = self._accept(body["analysisInput"]["documents"], model_id, task)
        self.jobs[job_id].display_name = body["displayName"]
        return httpx.Response(202, headers={"operation-location": f"{self.endpoint}{ANALYZE}/jobs/{job_id}"})

    def _accept(self, documents: list[dict[str, str]], model_id: str, task: str) -> str:
        for document in documents:
            self.submissions[document["text"]] += 1
        job_id = f"job-{next(self._numbers)}"
        self.jobs[job_id] = FakeJob(documents, model_id, task, self.clock())
        return job_id

    def _skip(self, request: httpx.Request) -> int:
        return int(request.url.params.get("$skip", 0))

    def _get(self, request: httpx.Request) -> httpx.Response:
        job_id = request.url.path.rsplit("/", 1)[-1]
        job = self.jobs.get(job_id)
        if job is None or self.clock() >= job.created + timedelta(hours=24):
            return language_error(404, "NotFound", "the job does not exist")
        job.reads += 1
        return httpx.Response(
            200, json=self._state(job_id, job, skip=self._skip(request), size=self._page_size(request))
        )

    def _page_size(self, request: httpx.Request) -> int:
        return min(self.longest_page, int(request.url.params.get("$top", self.page_size)))

    def _state(self, job_id: str, job: FakeJob, *, skip: int, size: int) -> dict[str, Any]:
        done = job.reads > self.reads_before_done
        body: dict[str, Any] = {
            "jobId": job_id,
            "displayName": job.display_name,
            "createdDateTime": job.created.isoformat(),
            "lastUpdateDateTime": job.created.isoformat(),
            "expirationDateTime": (job.created + timedelta(hours=24)).isoformat(),
            "status": "completed" if done else "running",
            "errors": [],
            "tasks": {"completed": int(done), "failed": 0, "inProgress": int(not done), "total": 1},
        }
        if done:
            page = job.documents[skip : skip + size]
            body["tasks"][job.task] = [
                {"results": {"documents": [self._classify(each) for each in page], "errors": []}}
            ]
            if skip + size < len(job.documents):
                link = f"{self.endpoint}{ANALYZE}/jobs/{job_id}?$top={size}&$skip={skip + size}"
                body["@nextLink"] = link
        return body

    def _classify(self, document: dict[str, str]) -> dict[str, Any]:
        classes = [word for word in ("billing", "shipping") if word in document["text"]]
        return {
            "id": document["id"],
            "classes": [{"category": name, "confidenceScore": 0.9} for name in classes],
            "warnings": [],
        }


def language_error(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}})
