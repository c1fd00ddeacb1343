"""What is known of a line and its meters at this moment, and telling it when it changes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from metering.lines.protocol import Status
from metering.lines.setting import Sink
from metering.lines.silence import LineHealth, MeterHealth
from metering.reader_contract import LinePlan, LineStatus, MeterLoad, MeterPlan, MeterStatus
from metering.vocabulary import SupplyState

log = structlog.get_logger()

_HEALTHY = MeterHealth()
_WITNESSES = 3


class LineState:
    """Which meters of one line answer, what their relays show, and whether the line is up."""

    def __init__(self, plan: LinePlan, sink: Sink, *, now: Callable[[], datetime], cycle_s: float) -> None:
        self._plan, self._sink, self._now, self._cycle_s = plan, sink, now, cycle_s
        self._line = LineHealth()
        self._meters: dict[UUID, MeterHealth] = {}
        self._told: dict[UUID, MeterStatus] = {}
        self._clocks_off_s: dict[UUID, int] = {}
        self._line_told: LineStatus | None = None
        self._answered_last: UUID | None = None

    @property
    def is_up(self) -> bool:
        """Whether the line answers, as far as is known."""
        return self._line.is_up

    @property
    def is_doubtful(self) -> bool:
        """Whether so many meters were silent in a row that the line may be down; see `pick_witnesses`."""
        return self._line.is_doubtful(len(self._plan.meters))

    def pick_witnesses(self, meters: Sequence[MeterPlan]) -> list[MeterPlan]:
        """Return the meters to ask whether the line is up: none of the silent ones, and from all over it."""
        others = [meter for meter in meters if meter.id not in self._line.before and meter.id not in self._meters]
        last = [meter for meter in others if meter.id == self._answered_last]
        spread = (
            [others[place * (len(others) - 1) // (_WITNESSES - 1)] for place in range(_WITNESSES)] if others else []
        )
        return list({meter.id: meter for meter in (*last, *spread)}.values())[:_WITNESSES]

    def is_due(self, meter: UUID, cycle: int) -> bool:
        """Return whether the meter is asked in this cycle, or rests."""
        return self._meters.get(meter, _HEALTHY).is_due(cycle)

    def note_answer(self, meter: UUID) -> None:
        """Note that the meter answered, whatever it said."""
        self._answered_last = meter
        if self._line.before or not self._line.is_up or self._line.since is None:
            was_up = self._line.is_up
            self._line = self._line.after_answer(self._now())
            if not was_up:
                log.info("line_up", line=self._plan.name)
            self.tell_line()
        if meter in self._meters:
            del self._meters[meter]
            told = self._told.get(meter)
            if told is not None and told.silent_since is not None:
                self._tell(told.model_copy(update={"silent_since": None}))
                self.tell_line()

    def note_silence(self, meter: UUID, cycle: int) -> None:
        """Note that the meter did not answer; while the line is down none is blamed."""
        before = self._meters.get(meter, _HEALTHY)
        self._line = self._line.after_silence(meter, before)
        if self._line.is_up:
            self._meters[meter] = before.after_silence(self._now(), cycle, self._cycle_s)

    def note_impossible(self, meter: UUID, cycle: int) -> None:
        """Note that the meter cannot be asked at all, as one that is silent: the line is not to blame."""
        before = self._meters.get(meter, _HEALTHY)
        self._meters[meter] = before.after_silence(self._now(), cycle, self._cycle_s)

    def note_loss(self, reason: str) -> None:
        """Note that the gateway cannot be reached, or that no meter answers: none of them is blamed."""
        if self._line.is_up:
            log.error("line_down", line=self._plan.name, error=reason)
            self._line = self._line.after_loss(self._now())
            self._forgive()

    def note_status(self, meter: UUID, status: Status) -> None:
        """Note what the meter's relay shows."""
        told = self._told.get(meter)
        if told is None or (told.supply, told.status_word) != (status.supply, status.word):
            known = told or MeterStatus(meter=meter, clock_off_s=self._clocks_off_s.get(meter))
            self._tell(known.model_copy(update={"supply": status.supply, "status_word": status.word}))

    def note_clock(self, meter: MeterPlan, off_s: int | None) -> None:
        """Note how far a meter's clock is off, None where that does not matter."""
        if off_s is None:
            self._clocks_off_s.pop(meter.id, None)
        else:
            self._clocks_off_s[meter.id] = off_s
        told = self._told.get(meter.id)
        if told is None and not meter.has_relay and off_s is not None:
            told = MeterStatus(meter=meter.id)
        # What a relay shows goes before: nothing is said of it that nobody has seen.
        if told is not None and told.clock_off_s != off_s:
            self._tell(told.model_copy(update={"clock_off_s": off_s}))

    def note_load(self, meter: UUID, watts: int) -> None:
        """Report a load above the limit; it is of this moment, and is not told again."""
        told = self._told.get(meter)
        if told is not None:
            log.warning("meter_overloaded", line=self._plan.name, meter=str(meter), watts=watts)
            load = MeterLoad(power_w=watts, at=self._now())
            self._sink.take_meter_status(told.model_copy(update={"load": load}))

    def has_supply(self, meter: UUID) -> bool:
        """Whether the meter's relay was closed when it was last seen."""
        told = self._told.get(meter)
        return told is not None and told.supply is SupplyState.ON

    def tell_silent(self, cycle: int) -> None:
        """Report the meters that have been silent for long enough; called once a cycle."""
        for meter, health in self._meters.items():
            told = self._told.get(meter) or MeterStatus(meter=meter)
            if told.silent_since is None and health.is_silent(cycle):
                log.warning("meter_silent", line=self._plan.name, meter=str(meter))
                self._tell(told.model_copy(update={"silent_since": health.silent_since, "supply": SupplyState.UNKNOWN}))
        self.tell_line()

    def tell_line(self) -> None:
        """Report the line, if that has changed."""
        if self._line.since is None:
            return
        silent = sum(1 for status in self._told.values() if status.silent_since is not None)
        status = LineStatus(line=self._plan.id, is_up=self._line.is_up, since=self._line.since, silent_meters=silent)
        if status != self._line_told:
            self._line_told = status
            self._sink.take_line_status(status)

    def tell_everything(self) -> None:
        """Report all that is known, to a server that may have forgotten it."""
        self._line_told = None
        self.tell_line()
        for status in self._told.values():
            self._sink.take_meter_status(status)

    def update(self, plan: LinePlan, meters: Iterable[UUID]) -> None:
        """Forget meters that are not on the line any more."""
        self._plan = plan
        kept = set(meters)
        self._meters = {meter: health for meter, health in self._meters.items() if meter in kept}
        self._told = {meter: status for meter, status in self._told.items() if meter in kept}

    def _forgive(self) -> None:
        for meter, health in self._line.before.items():
            if health.silences:
                self._meters[meter] = health
            else:
                self._meters.pop(meter, None)
        self.tell_line()

    def _tell(self, status: MeterStatus) -> None:
        self._told[status.meter] = status
        self._sink.take_meter_status(status)
