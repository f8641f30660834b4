"""How long a listener waits after finding nothing: randomised exponential, reset by any message.

Source: azure-webjobs-sdk, Timers/RandomizedExponentialBackoffStrategy.cs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

_RANDOMISATION = 0.2


@dataclass
class PollingBackoff:
    minimum: float
    maximum: float
    _empty_polls: int = field(default=0, init=False)

    def reset(self) -> None:
        self._empty_polls = 0

    def next_delay(self) -> float:
        """The first empty poll waits `minimum`, later ones about twice as long each, up to `maximum`."""
        self._empty_polls += 1
        if self._empty_polls == 1:
            return min(self.minimum, self.maximum)
        spread = random.uniform(1 - _RANDOMISATION, 1 + _RANDOMISATION)  # noqa: S311 - spreads polls, guards nothing
        # The exponent is bounded, or a quiet night would overflow a float.
        growth = 2.0 ** min(self._empty_polls - 1, 30) - 1
        return min(self.maximum, self.minimum * (1 + spread * growth))
