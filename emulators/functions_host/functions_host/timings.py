"""The host's constants of time, in one place, so that a crash test need not wait ten minutes.

The defaults are the real host's, except those marked "local": a person at a laptop should not wait a minute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

VARIABLE = "FUNCTIONS_HOST_TIMINGS"


@dataclass(frozen=True)
class HostTimings:
    """Every field is in seconds. Source: azure-sdk-for-net, Shared/Queues/QueueListener.cs and its options."""

    receive_visibility: float = 600
    """How long a received message stays hidden: hard-coded in the real host, and not host.json's visibilityTimeout."""
    renewal: float = 300
    """How often a running invocation extends that."""
    renewal_floor: float = 60
    """The shortest renewal interval, reached by halving after server errors."""
    min_polling: float = 0.1
    """The first pause of an idle queue listener; the longest is host.json's maxPollingInterval."""
    blob_scan: float = 1.0
    """Local: pause between scans of the containers; the real host pauses 10 s."""
    timer_resolution: float = 60.0
    """A timer more frequent than this keeps no persisted status (webjobs-sdk-extensions, TimerTriggerAttribute.cs)."""
    singleton_lease: float = 15.0
    """Local: how long a killed host still holds its timers and its scan; the real host's timers take 60 s."""
    singleton_polling: float = 5.0
    """Local: how often another host asks for a timer that is taken; the real host every 60 s."""
    drain: float = 8.0
    """Local: how long a stop waits for running invocations."""

    def __post_init__(self) -> None:
        if not self.renewal < self.receive_visibility:
            raise ValueError("renewal must be shorter than receive_visibility, or a running message is delivered again")

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> HostTimings:
        """The defaults, overridden by the JSON object in FUNCTIONS_HOST_TIMINGS; an unknown name is an error."""
        values = json.loads(environment.get(VARIABLE) or "{}")
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"{VARIABLE} names unknown timings: {', '.join(sorted(unknown))}")
        return cls(**{name: float(value) for name, value in values.items()})
