"""Wire samples: read, and held against an answer of the emulator."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

from tests.shapes import differences

FOLDER = Path(__file__).parent / "wire"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_\d{18})?")


def load_samples(version: str) -> dict[str, dict[str, Any]]:
    """By name. Those ending in `_documented` are forms the docs show and the emulator does not send."""
    paths = sorted((FOLDER / version).glob("*.json"))
    samples = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return {name: sample for name, sample in samples.items() if not name.endswith("_documented")}


def assert_same_form(sample: dict[str, Any], response: httpx.Response) -> None:
    """Equal status, headers, keys, types and words; the values may differ."""
    expected = sample["response"]
    assert response.status_code == expected["status"], response.text
    assert _headers(response.headers, expected["headers"]) == _headers(expected["headers"], expected["headers"])
    if "body" not in expected:
        assert response.content == b""
        return
    assert list(differences(expected["body"], response.json())) == []
    assert _words(response.json()) == _words(expected["body"])


def _headers(headers: Any, wanted: dict[str, str]) -> dict[str, str]:
    """The wanted headers, guids and hosts apart."""
    return {name: _path(headers.get(name, "missing")) for name in wanted}


def _path(value: str) -> str:
    return re.sub(r"https?://[^/]+", "", GUID.sub("<guid>", value))


def _words(body: dict[str, Any]) -> dict[str, Any]:
    """What a client decides by: status words, kinds, error codes, targets, counters and the next page."""
    error = body.get("error") or {}
    counters = body["tasks"] if isinstance(body.get("tasks"), dict) else body
    return {
        "status": body.get("status"),
        "kind": body.get("projectKind"),
        "code": error.get("code"),
        "inner": error.get("innererror", {}).get("code"),
        "target": error.get("target"),
        "counters": {key: counters.get(key) for key in ("completed", "failed", "inProgress", "total")},
        "next": {key: _path(body[key] or "end") for key in ("@nextLink", "nextLink") if key in body},
    }
