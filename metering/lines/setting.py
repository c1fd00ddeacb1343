"""What all lines of a process have alike: where results go, the campus's time, how long things take."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from metering.lines.exchange import Timing
from metering.lines.orders import OrderTiming
from metering.reader_contract import LineStatus, MeterStatus, OrderResult
from metering.vocabulary import ReadingSource


class TakenReading(NamedTuple):
    """A reading as a line took it: a `metering.reader_contract.ReadingIn` that is not checked: that took a tenth."""

    meter: UUID
    serial: str
    at: datetime
    digits: int
    source: ReadingSource
    tariffs: tuple[int, ...] = ()


class Sink(Protocol):
    """Where what a line finds out goes. Nothing here waits."""

    def take_reading(self, reading: TakenReading) -> None:
        """Keep a reading until the server has it."""

    def take_result(self, order: UUID, result: OrderResult) -> None:
        """Keep what became of an order until the server has it."""

    def take_line_status(self, status: LineStatus) -> None:
        """Note that a line went down or came up, or how many of its meters are silent."""

    def take_meter_status(self, status: MeterStatus) -> None:
        """Note what a meter's relay shows, or that it fell silent or answers again."""

    def take_frozen(self, meter: UUID, day: date) -> None:
        """Note that the frozen reading of this day's midnight need not be asked for again."""


@dataclass(frozen=True, slots=True)
class LineTiming:
    """The times of a line. `watch_s`: how often an armed meter is asked whether its resident pressed the button.

    `load_s`: how often the power is asked for of a meter whose room has a load limit; a hundred of them take 25 to 40 s
    of it at 2400 bps. `load_again_s`: after which one above the limit is asked again, as motors draw a multiple for a
    second when they start.
    """

    exchange: Timing = field(default_factory=Timing)
    orders: OrderTiming = field(default_factory=OrderTiming)
    probe_s: float = 30.0
    watch_s: float = 20.0
    watch_for_s: float = 600.0
    load_s: float = 120.0
    load_again_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Setting:
    """`frozen_days` has, by meter, the last day of which the frozen reading is known."""

    sink: Sink
    zone: ZoneInfo
    now: Callable[[], datetime]
    cycle_s: float = 900.0
    timing: LineTiming = field(default_factory=LineTiming)
    sets_clocks: bool = True
    frozen_days: dict[UUID, date] = field(default_factory=dict)
