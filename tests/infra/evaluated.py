"""What the templates create, as Microsoft's Bicep CLI evaluates them: read from the snapshots kept beside this file.

test_snapshots.py compares them with the CLI, where there is one, and says when a template has changed since.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.snapshots import SNAPSHOTS, apply, sets

SETS = tuple(sets())
"""Names of the sets of parameters: tests/infra/parameters/NAME.bicepparam."""
# A text in brackets asks a deployed resource for a property, or for its keys.
REFERENCE = re.compile(
    r"(?:reference|listKeys)\('<group>/providers/[\w./<>-]+/(?P<name>[\w<>-]+)', '[\d-]+'(?:, 'full')?\)"
    r"\.(?P<property>[\w.]+)"
)


@dataclass(frozen=True)
class Evaluation:
    """`resources` by id, each with type, apiVersion, properties and so on.

    What only a deployed resource knows is a text in brackets: `[reference('<group>/…/id-app-<token>', '…').clientId]`.
    """

    name: str
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.resources.values() if each["type"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.of_type(kind)
        return found

    def names(self, kind: str, parent: str = "") -> set[str]:
        """The last part of the names, of those whose name begins with `parent`."""
        names = [str(each["name"]) for each in self.of_type(kind)]
        return {name.rpartition("/")[2] for name in names if name.startswith(parent)}

    @property
    def app_settings(self) -> dict[str, str]:
        """Of the function app: the host's settings and the app's own."""
        (settings,) = [
            each["properties"]
            for each in self.of_type("Microsoft.Web/sites/config")
            if each["name"].endswith("/appsettings")
        ]
        return dict(settings)


@cache
def evaluated(name: str) -> Evaluation:
    """What one set of parameters creates; `event-webhook` is the second phase."""
    content = json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))
    if "like" not in content:
        return Evaluation(name, content["resources"], content["outputs"])
    base = evaluated(content["like"])
    return Evaluation(name, apply(content["resources"], base.resources), apply(content["outputs"], base.outputs))
