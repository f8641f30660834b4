"""The alert rules as Azure would get them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from tests.infra.evaluated import evaluated

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


@cache
def deployed_alerts() -> dict[str, Any]:
    """Type and properties of every alert rule, by its name. Deliveries by queue have one rule more than the others."""
    created = evaluated("queue")
    return {str(each["name"]): each for kind in TYPES for each in created.of_type(kind)}


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
