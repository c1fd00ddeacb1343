"""A room's meter with what is plugged in behind its relay. An hour passes in a second, so that a day is short."""

from fractions import Fraction

from campusgate.demo.simulated_meters import SimulatedMeter

WATTS = 10_000
_HOURS_IN_A_SECOND = 3_600
MOST_WATTS = 3 * WATTS * _HOURS_IN_A_SECOND
"""What the room's connection passes at most, by the clock of those who watch."""
_WH_PER_DIGIT = 10


class SimulatedRoom:
    """What is used counts on the meter while its relay is closed. `run` lets time pass."""

    def __init__(self, meter: SimulatedMeter, *, standby_watts: int = 0) -> None:
        """`standby_watts`: what is used all the time."""
        self.meter = meter
        self._standby_watts = standby_watts
        self._wanted_wh = Fraction(0)
        self._counted_wh = Fraction(0)

    @property
    def is_lit(self) -> bool:
        """Whether there is supply."""
        return not self.meter.is_open

    @property
    def is_armed(self) -> bool:
        """Whether there is none, and the button brings it back."""
        return self.meter.is_open and not self.meter.is_told_to_open

    def use(self, wh: int) -> None:
        """Switch something on that goes off by itself after so much energy."""
        self._wanted_wh += wh

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        if not self.is_lit:
            return
        hours = Fraction(round(seconds * 1_000_000) * _HOURS_IN_A_SECOND, 3_600_000_000)
        used_wh = min(self._wanted_wh, hours * WATTS)
        self._wanted_wh -= used_wh
        self._counted_wh += used_wh + hours * self._standby_watts
        digits = self._counted_wh // _WH_PER_DIGIT
        self._counted_wh -= digits * _WH_PER_DIGIT
        self.meter.digits += digits
