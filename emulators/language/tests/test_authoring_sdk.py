"""Microsoft's authoring client drives the emulator's GA authoring API.

It cannot share an environment with azure-ai-textanalytics 5, so this runs in its own when AUTHORING_SDK_PYTHON
names that environment's Python (`azure-ai-textanalytics-authoring==1.0.0b1` and nothing of this repository).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from language_emulator.testing.analyze_text import project_file
from tests.conftest import KEY, Start

SESSION = Path(__file__).with_name("authoring_sdk_session.py")
PYTHON = os.environ.get("AUTHORING_SDK_PYTHON", "")


@pytest.mark.skipif(not PYTHON, reason="AUTHORING_SDK_PYTHON names no environment with the authoring client")
@pytest.mark.parametrize(
    ("short", "kind", "container"),
    [("single", "CustomSingleLabelClassification", "mail"), ("multi", "CustomMultiLabelClassification", "tickets")],
)
def test_a_whole_session_with_the_authoring_client(
    short: str, kind: str, container: str, start: Start, tmp_path: Path
) -> None:
    emulated = start()
    file = project_file("authored", container, short, version="2025-05-15-preview")
    file["metadata"]["projectKind"] = file["assets"]["projectKind"] = kind
    (tmp_path / "project.json").write_text(json.dumps(file))
    argv = [PYTHON, str(SESSION), emulated.url, KEY, container, str(tmp_path / "project.json"), kind]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "created_kind": kind,
        "training_status": "succeeded",
        "evaluation_percent": 100,
        "trainings": 2,
        "models": ["first", "second"],
        "summary_type": f"{kind}EvalSummary",
        "result_types": [f"{kind}DocumentEvalResult"],
        "results": 8,
        "deployments": ["production", "staging"],
        "expires": "2027-06-29",
        "deployments_left": ["production"],
        "languages": 93,
        "config_versions": ["2022-05-01"],
        "projects": ["authored"],
        "after_deletion": 404,
    }
