"""How long a job appears to run: not at all, for n reads, or for n seconds.

The idea is moto's managed state: unit tests want jobs that are done at once, poller tests count reads, a demo wants
seconds. Training is real work and is never reported finished before it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

FORMS = "'immediate', 'never', 'after N reads' or 'after N seconds'"
_FORM = re.compile(r"(?:after )?(\d+(?:\.\d+)?) (reads?|seconds?)")


@dataclass(frozen=True)
class Progression:
    """`reads` readings answer "not yet" and `seconds` must pass, before a job may end."""

    reads: int = 0
    seconds: float = 0.0

    def fraction(self, reads: int, seconds: float) -> float:
        """How far a job is that has been read `reads` times in `seconds`; 1.0 means it may end."""
        by_reads = 1.0 if self.reads == 0 or reads > self.reads else reads / (self.reads + 1)
        by_time = 1.0 if seconds >= self.seconds else seconds / self.seconds
        return min(by_reads, by_time)

    def __str__(self) -> str:
        if self == NEVER:
            return "never"
        if self.reads:
            return f"after {self.reads} reads"
        return f"after {self.seconds:g} seconds" if self.seconds else "immediate"


IMMEDIATE = Progression()
NEVER = Progression(seconds=math.inf)


def parse_progression(value: Any) -> Progression:
    """Read `immediate`, `never`, `after 3 reads` or `after 2.5 seconds` (`after` may be left out)."""
    if isinstance(value, Progression):
        return value
    words = str(value).strip().lower()
    if words in {"immediate", "never"}:
        return IMMEDIATE if words == "immediate" else NEVER
    match = _FORM.fullmatch(words)
    if match is None:
        raise ValueError(f"a progression is {FORMS}")
    amount, unit = match.groups()
    return Progression(reads=int(float(amount))) if unit.startswith("read") else Progression(seconds=float(amount))


ProgressionField = Annotated[Progression, BeforeValidator(parse_progression), PlainSerializer(str, return_type=str)]
