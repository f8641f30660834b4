"""`make snapshots`: what the templates would create for each set of parameters, as Microsoft's Bicep CLI evaluates it.

Kept in tests/infra/snapshots, so that who has no CLI still tests what would be deployed. The CLI judges first: with a
warning in any template nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.bicep import MISSING, ROOT, Bicep, Finding, find_bicep, running_bicep

INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"
# The second phase is deployed by a hook: its key does not exist before the app has started.
SECOND_PHASE = INFRA / "app" / "event-webhook.bicep"
TEMPLATES = [MAIN, *sorted((INFRA / "app").glob("*.bicep"))]
PARAMETERS = ROOT / "tests" / "infra" / "parameters"
SNAPSHOTS = ROOT / "tests" / "infra" / "snapshots"
JUDGED = SNAPSHOTS / "templates.json"
# Of hashes only: tools/find_secrets.py does not look at it.
SOURCES = SNAPSHOTS / "sources.json"
REWRITE = "make snapshots"

# The set that the others are written as differences from.
BASE = "webhook"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
DEPLOYMENT = {"subscriptionId": SUBSCRIPTION, "location": "westeurope", "deploymentName": "test"}
GROUP = {"resourceGroup": "rg-test"}
# Asks the calendar: a version that is good today is two years old one day. It speaks when templates change.
CALENDAR_RULE = "use-recent-api-versions"


def sets() -> dict[str, Path]:
    """The .bicepparam files by name, the one that others are compared with first."""
    found = {path.stem: path for path in sorted(PARAMETERS.glob("*.bicepparam"))}
    return {BASE: found.pop(BASE), **found}


def judge(bicep: Bicep) -> tuple[list[Finding], dict[str, dict[str, Any]]]:
    """What the CLI finds in the templates, and each as ARM's JSON, by its path below the root."""
    findings: dict[Finding, None] = {}
    compiled = {}
    for path in TEMPLATES:
        found, template = bicep.compile(path)
        findings |= dict.fromkeys(found)
        compiled[path.relative_to(ROOT).as_posix()] = template
    return list(findings), compiled


def evaluate(bicep: Bicep) -> dict[str, dict[str, Any]]:
    """Resources by id, and outputs, for each set of parameters."""
    return {name: _evaluated(bicep, path) for name, path in sets().items()}


def _evaluated(bicep: Bicep, path: Path) -> dict[str, Any]:
    found = bicep.snapshot(path, DEPLOYMENT | (GROUP if path.stem == SECOND_PHASE.stem else {}))
    if found["diagnostics"]:
        raise ValueError(f"{path.name}: {found['diagnostics']}")
    shown = _readable(found)
    resources = {each.pop("id"): each for each in shown["predictedResources"]}
    if len(resources) != len(shown["predictedResources"]):
        raise ValueError(f"{path.name}: two resources have the same id")
    for each in resources.values():
        # Long, and in the id already.
        if each["type"] == "Microsoft.Authorization/roleAssignments":
            del each["name"]
    return {"resources": resources, "outputs": shown.get("outputs", {})}


def _readable(found: Mapping[str, Any]) -> Any:
    """The long ids and the hash in the names as short words, which differ from one machine to the next no more."""
    names = [
        each["name"] for each in found["predictedResources"] if each["type"] == "Microsoft.Storage/storageAccounts"
    ]
    token = names[0].removeprefix("sthost").removeprefix("stdata") if names else ""
    text = json.dumps(found).replace(f"/subscriptions/{SUBSCRIPTION}", "<subscription>")
    text = text.replace("<subscription>/resourceGroups/rg-test", "<group>")
    return json.loads(text.replace(token, "<token>") if token else text)


def difference(found: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """What is other than in `base`, or new; None for what is not there."""
    changed = {name: each for name, each in found.items() if name not in base or each != base[name]}
    return changed | {name: None for name in base if name not in found}


def apply(changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `difference`."""
    return {name: each for name, each in ({**base, **changes}).items() if each is not None}


def kept_form(evaluated: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each set as its file holds it."""
    base = evaluated[BASE]
    return {
        name: dict(found)
        if name == BASE or SECOND_PHASE.stem == name
        else {"like": BASE} | {part: difference(found[part], base[part]) for part in ("resources", "outputs")}
        for name, found in evaluated.items()
    }


def undescribed(compiled: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Parameters without an @description."""
    return [
        f"{path}: {name} has no @description"
        for path, template in compiled.items()
        for name, each in template.get("parameters", {}).items()
        if "description" not in each.get("metadata", {})
    ]


def describe(compiled: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Parameters and outputs of each template."""
    return {
        path: {
            "parameters": {name: _parameter(each) for name, each in template.get("parameters", {}).items()},
            "outputs": {name: each["type"] for name, each in template.get("outputs", {}).items()},
        }
        for path, template in compiled.items()
    }


def _parameter(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": found["type"]} | ({"default": found["defaultValue"]} if "defaultValue" in found else {})


def sources() -> dict[str, str]:
    """SHA-256 of all that a snapshot depends on, by path below the root."""
    paths = [*TEMPLATES, *sets().values(), INFRA / "abbreviations.json", INFRA / "bicepconfig.json"]
    return {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        for path in paths
    }


def text_of(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def files(bicep: Bicep, compiled: Mapping[str, Mapping[str, Any]]) -> dict[Path, str]:
    """Every kept file as it should be."""
    judged = {"bicep": bicep.version(), "templates": describe(compiled)}
    kept = {SNAPSHOTS / f"{name}.json": found for name, found in kept_form(evaluate(bicep)).items()}
    return {path: text_of(content) for path, content in (kept | {JUDGED: judged, SOURCES: sources()}).items()}


def main() -> int:
    path = find_bicep()
    if path is None:
        print(f"snapshots: {MISSING}", file=sys.stderr)
        return 1
    with running_bicep(path) as bicep:
        findings, compiled = judge(bicep)
        complaints = [*map(str, findings), *undescribed(compiled)]
        if complaints:
            print(*(f"snapshots: {each}" for each in complaints), sep="\n", file=sys.stderr)
            return 1
        content = files(bicep, compiled)
    SNAPSHOTS.mkdir(exist_ok=True)
    for old in set(SNAPSHOTS.glob("*.json")) - set(content):
        old.unlink()
    for place, text in content.items():
        place.write_text(text, encoding="utf-8")
    print(f"snapshots: {len(content)} files in {SNAPSHOTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
