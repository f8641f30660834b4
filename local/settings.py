"""The app settings of a local run: the shipped example file with this run's addresses."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "local.settings.example.json"


def app_settings(
    *, data_storage: str, language_endpoint: str, language_key: str, project: str = "demo", **others: str
) -> dict[str, str]:
    """Every setting of local.settings.example.json, with the given ones replaced. Names in `others` are lower-case."""
    values: dict[str, str] = json.loads(EXAMPLE.read_text(encoding="utf-8"))["Values"]
    given = {
        "AzureWebJobsStorage": data_storage,
        "DATA_STORAGE": data_storage,
        "LANGUAGE_ENDPOINT": language_endpoint,
        "LANGUAGE_KEY": language_key,
        "LANGUAGE_PROJECT": project,
    }
    return values | given | {name.upper(): value for name, value in others.items()}
