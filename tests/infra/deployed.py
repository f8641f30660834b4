"""The app settings of a deployment, with values for what only deployed resources know."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.infra.bicep import MAIN, read_template
from tests.infra.evaluated import REFERENCE, evaluated

MAIN_TEMPLATE = read_template(MAIN)

# What each resource says of itself, by its name and the property.
DEPLOYED = {
    ("stdata<token>", "primaryEndpoints.blob"): "https://stdata.blob.core.windows.net/",
    ("stdata<token>", "primaryEndpoints.queue"): "https://stdata.queue.core.windows.net/",
    ("lang-<token>", "endpoint"): "https://lang.cognitiveservices.azure.com/",
    ("id-app-<token>", "clientId"): "11111111-1111-1111-1111-111111111111",
    ("id-authoring-<token>", "clientId"): "22222222-2222-2222-2222-222222222222",
    ("appi-<token>", "ConnectionString"): (
        "InstrumentationKey=33333333-3333-3333-3333-333333333333;IngestionEndpoint=http://127.0.0.1:9/"
    ),
}
APP_CLIENT_ID = DEPLOYED["id-app-<token>", "clientId"]
AUTHORING_CLIENT_ID = DEPLOYED["id-authoring-<token>", "clientId"]

Places = Mapping[tuple[str, str], str]

_FORMAT = re.compile(r"\[format\('(?P<text>[^']*)', ")


def deployed_settings(parameters: str = "webhook", places: Places | None = None) -> dict[str, str]:
    """The environment of the deployed app. `places` replace values of DEPLOYED."""
    known = DEPLOYED | dict(places or {})
    return {name: resolved(value, known) for name, value in evaluated(parameters).app_settings.items()}


def resolved(value: str, known: Places) -> str:
    """A text in brackets with the values of the resources it refers to. Raises KeyError for one that is not known."""
    if not value.startswith("["):
        return value
    values = [known[found["name"], found["property"]] for found in REFERENCE.finditer(value)]
    formatted = _FORMAT.match(value)
    if formatted:
        return formatted["text"].format(*values)
    (only,) = values
    return only
