"""A service, or a gateway before it, that echoes the request: neither key nor text gets into what the app keeps."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.redaction import repeats
from tests.faults.disturbed import DisturbedWorld, Wire
from tests.faults.test_fault_matrix import results_of

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
TEXT = "the secret of letter seven about billing"


class EchoedWorld(DisturbedWorld):
    """Its key is one that can be looked for."""

    def language_client(self) -> LanguageClient:
        http = httpx.Client(transport=self.service.transport())
        credential = KeyCredential(KEY)
        endpoint = self.settings.language_endpoint
        return LanguageClient(endpoint, credential, http, sleep=lambda _: None, clock=self.monotonic)


def echo(request: httpx.Request, status: int) -> httpx.Response:
    words = f"key {request.headers['Ocp-Apim-Subscription-Key']!r} text {request.content.decode()}"
    return httpx.Response(status, json={"error": {"code": "Invalid", "message": words, "target": words}})


def refuse_the_document(world: EchoedWorld) -> Callable[[httpx.Request], httpx.Response | None]:
    return lambda request: echo(request, 400) if TEXT.encode() in request.content else None


def refuse_every_post_for_a_while(world: EchoedWorld) -> Callable[[httpx.Request], httpx.Response | None]:
    posts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        posts.append(request.method)
        return echo(request, 400) if request.method == "POST" and posts.count("POST") <= 4 else None

    return answer


def fail(status: int) -> Callable[[EchoedWorld], Callable[[httpx.Request], httpx.Response | None]]:
    def first_three(world: EchoedWorld) -> Callable[[httpx.Request], httpx.Response | None]:
        posts: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response | None:
            posts.append(request.method)
            return echo(request, status) if len(posts) <= 3 else None

        return answer

    return first_three


def change_the_answer(edit: Callable[[dict[str, Any], dict[str, Any]], None]) -> Any:
    def changing(world: EchoedWorld) -> Callable[[httpx.Request], httpx.Response | None]:
        def answer(request: httpx.Request) -> httpx.Response | None:
            job = world.service.jobs.get(request.url.path.rsplit("/", 1)[-1])
            if request.method == "POST" or job is None:
                return None
            body = world.service._get(request).json()
            if body["status"] in ("completed", "succeeded"):
                edit(body, results_of(job, body))
            return httpx.Response(200, content=json.dumps(body))

        return answer

    return changing


ECHOED = {"code": "Odd", "message": f"near {TEXT!r} with {KEY}", "target": TEXT}


def into_a_document_error(_: dict[str, Any], results: dict[str, Any]) -> None:
    results["errors"] = [{"id": each["id"], "error": ECHOED} for each in results["documents"]]
    results["documents"] = []


def into_a_warning(_: dict[str, Any], results: dict[str, Any]) -> None:
    for each in results["documents"]:
        each["warnings"] = [ECHOED]


def into_the_job_s_error(body: dict[str, Any], results: dict[str, Any]) -> None:
    body.update(status="failed", errors=[ECHOED])
    results.update(documents=[], errors=[])


CASES: dict[str, Any] = {
    # who echoes, and how the document ends
    "a document is refused": (refuse_the_document, "refused"),
    "every request is refused for a while": (refuse_every_post_for_a_while, None),
    "the service is down": (fail(503), None),
    "it throttles": (fail(429), None),
    "the key is refused": (fail(401), None),
    "a document's error": (change_the_answer(into_a_document_error), "document_error"),
    "a document's warning": (change_the_answer(into_a_warning), None),
    "the job's error": (change_the_answer(into_the_job_s_error), "job_failed"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_echo_reaches_no_log_no_record_no_history_and_no_answer(case: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echoing, code = CASES[case]
    world = EchoedWorld()
    Wire(world, echoing(world))
    world.upload("letter.txt", TEXT)
    seen: list[str] = []

    def look() -> None:
        """What people may see at any moment: reports, batches, records."""
        seen.append(str(world.services.document_report("letter.txt")))
        seen.append(str(world.services.status()))
        for name in ("state", "failures", "classifications"):
            seen.extend(blob.data.decode() for blob in world.stores[name].blobs.values())

    world.run(between=look)
    look()
    everything = "\n".join({*seen, caplog.text})
    assert world.failure_codes() == ([code] if code else [])
    assert KEY not in everything
    assert TEXT not in everything
    assert not any(repeats(line, [TEXT]) for line in everything.splitlines())
