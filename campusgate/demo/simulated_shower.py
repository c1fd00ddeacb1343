"""A shower's valve and water meter, simulated: water flows through an open valve, and things break when told to."""

import time
from datetime import UTC, datetime, timedelta

from messages.metering import MeterTotal
from metering.shower.ports import HydraulicsError
from metering.shower.signals import Show, ValvePosition

PULSES_PER_M3 = 450_000
_ML_PER_M3 = 1_000_000


class SimulatedClock:
    """This machine's clocks, with a wall clock that can be set wrong."""

    def __init__(self) -> None:
        self.wrong_by = timedelta(0)

    def now(self) -> datetime:
        """Return the wall clock as aware UTC."""
        return datetime.now(UTC) + self.wrong_by

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def monotonic_ns(self) -> int:
        """Return the same in nanoseconds."""
        return time.monotonic_ns()


class SimulatedShower:
    """Hydraulics of one shower with one meter. `flow_ml_per_s` is what an opened tap gives."""

    def __init__(
        self, clock: SimulatedClock, *, utility: str = "hot_water", flow_ml_per_s: int = 150, stroke_s: float = 0.5
    ) -> None:
        self.flow_ml_per_s = flow_ml_per_s
        self.is_tap_open = True
        self.is_stuck = False
        """The valve does not close any more."""
        self.is_silent = False
        """Neither valve nor meter answers."""
        self._clock = clock
        self._utility = utility
        self.stroke_s = stroke_s
        self._is_open = False
        self._moves_at_s = float("inf")
        self._wanted = False
        self._flowed_ul = 0
        self._since_boot_ul = 0
        self._shown_less_ul = 0
        self._at_s = clock.monotonic()

    @property
    def flowed_ml(self) -> int:
        """All water that ever came out, whatever the meter says."""
        self._flow()
        return self._flowed_ul // 1_000

    @property
    def pulses(self) -> int:
        """What an honest meter has counted since the installation."""
        self._flow()
        return _pulses(self._flowed_ul)

    def cut_power(self) -> None:
        """Let the valve fall closed, and the counter since the start begin again."""
        self._flow()
        if not self.is_stuck:
            self._is_open = self._wanted = False
            self._moves_at_s = float("inf")
        self._since_boot_ul = self._flowed_ul - self._shown_less_ul

    def set_counter_back(self, ml: int) -> None:
        """Let the meter show less than it has counted; no counter shows less than nothing."""
        self._flow()
        back_ul = min(ml * 1_000, self._flowed_ul - self._shown_less_ul)
        self._shown_less_ul += back_ul
        self._since_boot_ul = min(self._since_boot_ul, self._flowed_ul - self._shown_less_ul)

    def move_valve(self, *, is_open: bool) -> None:
        """Tell the valve; it moves after its stroke."""
        self._require_answer()
        self._flow()
        self._wanted = is_open
        self._moves_at_s = self._clock.monotonic() + self.stroke_s

    def position(self) -> ValvePosition:
        """Return where the valve is."""
        self._require_answer()
        self._flow()
        return ValvePosition.OPEN if self._is_open else ValvePosition.CLOSED

    def totals(self) -> tuple[MeterTotal, ...]:
        """Return the meter's counters."""
        self._require_answer()
        self._flow()
        shown = self._flowed_ul - self._shown_less_ul
        return (
            MeterTotal(
                utility=self._utility,
                pulses_per_m3=PULSES_PER_M3,
                now=_pulses(shown - self._since_boot_ul),
                total=_pulses(shown),
            ),
        )

    def close(self) -> None:
        """Nothing is held."""

    def _require_answer(self) -> None:
        if self.is_silent:
            raise HydraulicsError("the simulated line is silent")

    def _flow(self) -> None:
        """Let the water of the time since the last look flow."""
        now_s = self._clock.monotonic()
        if now_s >= self._moves_at_s:
            self._run_water(self._moves_at_s)
            self._is_open = self._wanted or (self._is_open and self.is_stuck)
            self._moves_at_s = float("inf")
        self._run_water(now_s)

    def _run_water(self, until_s: float) -> None:
        if self._is_open and self.is_tap_open and until_s > self._at_s:
            self._flowed_ul += round((until_s - self._at_s) * self.flow_ml_per_s * 1_000)
        self._at_s = max(self._at_s, until_s)


class LastShown:
    """A display that remembers."""

    def __init__(self) -> None:
        self.messages: list[Show] = []

    def show(self, message: Show) -> None:
        """Remember it, and no more than the last hundred."""
        self.messages = [*self.messages[-99:], message]


def _pulses(microlitres: int) -> int:
    return microlitres * PULSES_PER_M3 // (_ML_PER_M3 * 1_000)
