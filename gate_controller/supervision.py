"""A supervised loop: two resistors at its end tell a closed and an open switch from a cut and a shorted wire. Pure.

The resistor in series stays in the loop always, the one across the switch only while it is open. Measured against a
pull-up of the same size as each, the voltage as a part of the supply is 1/2 with the switch closed and 2/3 with it
open; a short pulls it to 0, a cut to 1.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class LoopState(StrEnum):
    """What a measured voltage means."""

    SHORT = "short"
    CLOSED = "closed"
    OPEN = "open"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """Where one state ends and the next begins, as parts of the supply, and how long a new state must last."""

    short_below: float = 0.25
    open_above: float = 0.58
    cut_above: float = 0.83
    settle_s: float = 0.05
    """Switches bounce for 5 to 10 ms; a new state is seen in two polls of a board."""

    def __post_init__(self) -> None:
        """Refuse limits out of order.

        Raises:
            ValueError: they do not rise from 0 to 1.
        """
        if not 0 < self.short_below < self.open_above < self.cut_above < 1:
            raise ValueError("the limits of a supervised loop rise: 0 < short_below < open_above < cut_above < 1")


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop at one moment. A state counts once it has lasted `settle_s`: a switch bounces through all of them."""

    limits: LoopLimits = LoopLimits()
    state: LoopState = LoopState.CLOSED
    new: LoopState | None = None
    since: float = 0.0

    def measure(self, part: float, now: float) -> "Loop":
        """Return the loop after a measurement at `now` (seconds of any clock that never runs backwards)."""
        seen = self.classify(part)
        if seen is self.state:
            return replace(self, new=None)
        if seen is not self.new:
            return replace(self, new=seen, since=now)
        return replace(self, state=seen, new=None) if now >= self.since + self.limits.settle_s else self

    def classify(self, part: float) -> LoopState:
        """Return what one measurement says. What is no number at all is a cut."""
        if part < self.limits.short_below:
            return LoopState.SHORT
        if part <= self.limits.open_above:
            return LoopState.CLOSED
        return LoopState.OPEN if part <= self.limits.cut_above else LoopState.CUT

    @property
    def fault(self) -> str | None:
        """How the wire is broken, None when it is well."""
        return self.state.value if self.state in {LoopState.SHORT, LoopState.CUT} else None
