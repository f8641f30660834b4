"""The app settings of a deployment that leaves every parameter at its default."""

from __future__ import annotations

import re
from typing import Any

from tests.infra.bicep import INFRA, MAIN, merged, read_template

MAIN_TEMPLATE = read_template(MAIN)
APP_SETTINGS = merged(read_template(INFRA / "app" / "app-settings.bicep").outputs["settings"])
HOST_APP_SETTINGS = merged(read_template(INFRA / "app" / "function-app.bicep").resources["settings"].body["properties"])

# What only a deployment knows.
OUTPUTS = {
    "blobEndpoint": "https://stdata.blob.core.windows.net/",
    "queueEndpoint": "https://stdata.queue.core.windows.net/",
    "languageEndpoint": "https://lang.cognitiveservices.azure.com/",
    "appClientId": "11111111-1111-1111-1111-111111111111",
    "authoringClientId": "22222222-2222-2222-2222-222222222222",
}


def text_of(found: Any) -> str:
    """An expression's source, or a literal as it would be in a setting."""
    return str(getattr(found, "text", found))


def deployed_settings(**outputs: str) -> dict[str, str]:
    """The environment of the deployed app, as far as the app reads it. `outputs` replace those of OUTPUTS."""
    return {name: _value(text_of(found), OUTPUTS | outputs) for name, found in APP_SETTINGS.items()}


def _value(expression: str, outputs: dict[str, str]) -> str:
    holder, _, key = expression.partition(".")
    if holder in ("containers", "queues"):
        return str(MAIN_TEMPLATE.parameters[holder].default[key])
    name = re.sub(r"^string\((\w+)\)$", r"\1", expression)
    if name in MAIN_TEMPLATE.parameters:
        return str(MAIN_TEMPLATE.parameters[name].default)
    return outputs.get(name, expression.strip("'"))
