"""A line of simulated meters with a reader on it, in virtual time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from campusgate.demo.simulated_lines import SimulatedGateway, simulated_gateway
from campusgate.demo.simulated_meters import SimulatedLine, SimulatedMeter
from metering.frames.dlt645.orders import Credentials
from metering.lines.line import Line
from metering.lines.protocol import MeterProtocol
from metering.lines.protocols.dlt645 import Dlt645
from metering.lines.setting import Setting, TakenReading
from metering.reader_contract import (
    LinePlan,
    LineStatus,
    MeterOrderOut,
    MeterPlan,
    MeterStatus,
    OrderResult,
    Protocol,
)
from metering.vocabulary import MeterAction
from tests.metering.lines.virtual_time import VirtualClock

CAMPUS = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 27, 12, tzinfo=CAMPUS)
MODEL = "dlt645-2007"


@dataclass
class KeptSink:
    """Keeps everything in lists."""

    readings: list[TakenReading] = field(default_factory=list)
    results: list[tuple[UUID, OrderResult]] = field(default_factory=list)
    lines: list[LineStatus] = field(default_factory=list)
    meters: list[MeterStatus] = field(default_factory=list)
    frozen: list[tuple[UUID, date]] = field(default_factory=list)

    def take_reading(self, reading: TakenReading) -> None:
        self.readings.append(reading)

    def take_result(self, order: UUID, result: OrderResult) -> None:
        self.results.append((order, result))

    def take_line_status(self, status: LineStatus) -> None:
        self.lines.append(status)

    def take_meter_status(self, status: MeterStatus) -> None:
        self.meters.append(status)

    def take_frozen(self, meter: UUID, day: date) -> None:
        self.frozen.append((meter, day))


@dataclass
class Site:
    """One line with its reader. `plan` has the meters in the order of `simulated`."""

    line: Line
    plan: LinePlan
    simulated: list[SimulatedMeter]
    wire: SimulatedLine
    gateway: SimulatedGateway
    sink: KeptSink
    now: VirtualClock

    def order(self, place: int, action: MeterAction, *, valid_s: float = 300.0) -> MeterOrderOut:
        """Give an order to the meter at `place`."""
        expires_at = self.now() + timedelta(seconds=valid_s)
        order = MeterOrderOut(id=uuid4(), meter=self.plan.meters[place].id, action=action, expires_at=expires_at)
        assert self.line.give(order) is not None
        return order

    def results_of(self, order: MeterOrderOut) -> list[str]:
        """Return the outcomes that were reported."""
        return [result.outcome.value for of, result in self.sink.results if of == order.id]

    def last_result(self, order: MeterOrderOut) -> OrderResult:
        """Return the last one."""
        return [result for of, result in self.sink.results if of == order.id][-1]

    def digits_of(self, place: int) -> list[int]:
        """Return what was read of the meter at `place`, in the cycles."""
        return [one.digits for one in self.sink.readings if one.meter == self.plan.meters[place].id]


def meters(count: int) -> list[SimulatedMeter]:
    """Return meters whose digits tell them apart."""
    return [SimulatedMeter(f"{n:012d}", digits=1000 + n) for n in range(1, count + 1)]


def plan_for(
    simulated: Iterable[SimulatedMeter], url: str, *, has_relay: bool = False, bits_per_s: int = 2400
) -> LinePlan:
    """Return the plan of a line with these meters."""
    planned = tuple(
        MeterPlan(id=uuid4(), address=one.address, serial=f"S{one.address}", model=MODEL, has_relay=has_relay)
        for one in simulated
    )
    return LinePlan(
        id=uuid4(), name="block-3", url=url, protocol=Protocol.DLT645, bits_per_s=bits_per_s, meters=planned
    )


@contextlib.asynccontextmanager
async def running_site(
    simulated: list[SimulatedMeter],
    *,
    start: datetime = NOON,
    has_relay: bool = False,
    sets_clocks: bool = False,
    frozen_days: dict[int, date] | None = None,
    options: str = "",
    models: dict[int, str] | None = None,
    cycle_s: float = 900.0,
    protocol: Callable[..., MeterProtocol] = Dlt645,
    **wire: float,
) -> AsyncIterator[Site]:
    """Run a gateway with these meters and a reader on it; `wire` goes to the simulated line."""
    now, sink = VirtualClock(start), KeptSink()
    line = SimulatedLine(simulated, zone=CAMPUS, now=now, bits_per_s=2400, answers_after_s=0.1, **wire)
    async with simulated_gateway(line) as gateway:
        plan = plan_for(simulated, gateway.url + options, has_relay=has_relay)
        planned = [
            meter.model_copy(update={"model": (models or {}).get(place, MODEL)})
            for place, meter in enumerate(plan.meters)
        ]
        plan = plan.model_copy(update={"meters": tuple(planned)})
        known = {plan.meters[place].id: day for place, day in (frozen_days or {}).items()}
        setting = Setting(sink, CAMPUS, now, cycle_s, sets_clocks=sets_clocks, frozen_days=known)
        reader = Line(plan, protocol(CAMPUS, Credentials()), setting)
        task = asyncio.create_task(reader.run())
        try:
            yield Site(reader, plan, simulated, line, gateway, sink, now)
            assert not task.done(), task.result()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
