"""How long to wait before the next attempt, here and wherever else something is tried again."""

import random
from dataclasses import dataclass

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 20.0
REFUSED_WAIT_S = 30.0
"""After a no from the broker: a password is seldom mended within a second, and a thousand gates shall not hammer."""
GROWTH = 2.0
SPREAD = 0.25
"""Share by which a wait is shortened or lengthened, so that gates do not come back all at once."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double with every failure from `first_s` to `longest_s`, and are spread at random."""

    first_s: float = FIRST_WAIT_S
    longest_s: float = LONGEST_WAIT_S
    refused_s: float = REFUSED_WAIT_S
    spread: float = SPREAD

    def wait_s(self, failures: int, *, refused: bool = False, chance: float | None = None) -> float:
        """Return the seconds to wait after `failures` (≥ 1) failures in a row; `chance` in 0..1 replaces the dice."""
        # The exponent is bounded because a float overflows long before a year of failures is over.
        base = self.refused_s if refused else min(self.longest_s, self.first_s * GROWTH ** min(failures - 1, 32))
        chance = random.random() if chance is None else chance  # noqa: S311 -- spreading, not secrecy
        return base * (1 - self.spread + 2 * self.spread * chance)
