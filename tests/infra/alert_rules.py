"""The alert rules as Azure would get them: evaluated by Microsoft's Bicep CLI, and kept for where that is missing.

`python -m tests.infra.alert_rules` writes the kept file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.bicep import MAIN, ROOT

KEPT = Path(__file__).with_name("kusto") / "alerts.json"
# Deliveries by queue have one rule more than those by webhook.
PARAMETERS = "param environmentName = 'letters'\nparam location = 'westeurope'\nparam eventDelivery = 'queue'\n"
TYPES = ("Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")


@dataclass(frozen=True)
class LogAlert:
    """A scheduled query rule. `aggregation` of the column Value is compared with `threshold`."""

    name: str
    description: str
    query: str
    aggregation: str
    operator: str
    threshold: float
    window: timedelta
    frequency: timedelta


def find_bicep() -> str | None:
    """Microsoft's Bicep CLI, where there is one."""
    beside = ROOT.parent / "shared" / "tools" / "bicep"
    return os.environ.get("BICEP") or shutil.which("bicep") or (str(beside) if beside.exists() else None)


def evaluated_alerts(bicep: str) -> dict[str, Any]:
    """Type and properties of every alert rule, by its name, as `bicep snapshot` evaluates infra/main.bicep."""
    (ROOT / "build").mkdir(exist_ok=True)
    # The CLI takes relative paths only.
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        parameters = Path(folder) / "alerts.bicepparam"
        parameters.write_text(f"using '../../infra/{MAIN.name}'\n{PARAMETERS}", encoding="utf-8")
        where = ("--subscription-id", "0" * 8 + "-0000-0000-0000-" + "0" * 12, "--location", "westeurope")
        command = [bicep, "snapshot", str(parameters), "--mode", "overwrite", *where, "--deployment-name", "letters"]
        subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(parameters.with_suffix(".snapshot.json").read_text(encoding="utf-8"))
    return {
        each["name"]: {"type": each["type"], "properties": each["properties"]}
        for each in found["predictedResources"]
        if each["type"] in TYPES
    }


@cache
def deployed_alerts() -> dict[str, Any]:
    """The rules by their names: the kept ones, which a test holds to what Bicep evaluates."""
    kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return kept


@cache
def log_alerts() -> dict[str, LogAlert]:
    return {
        name: _log_alert(name, each["properties"])
        for name, each in deployed_alerts().items()
        if each["type"] == TYPES[0]
    }


def _log_alert(name: str, properties: dict[str, Any]) -> LogAlert:
    (criterion,) = properties["criteria"]["allOf"]
    assert criterion["metricMeasureColumn"] == "Value"
    assert set(criterion["failingPeriods"].values()) == {1}
    return LogAlert(
        name=name,
        description=properties["description"],
        query=criterion["query"],
        aggregation=criterion["timeAggregation"],
        operator=criterion["operator"],
        threshold=criterion["threshold"],
        window=_duration(properties["windowSize"]),
        frequency=_duration(properties["evaluationFrequency"]),
    )


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    assert found is not None, text
    days, hours, minutes = (int(each or 0) for each in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def written(alerts: dict[str, Any]) -> str:
    return json.dumps(alerts, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    found_bicep = find_bicep()
    assert found_bicep, "no Bicep CLI on the PATH, in BICEP or in ../shared/tools"
    KEPT.write_text(written(evaluated_alerts(found_bicep)), encoding="utf-8")
