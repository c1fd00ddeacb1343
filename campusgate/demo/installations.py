"""What the demonstration's installers built: a shower with valve and counter, a room's meter, the library's system.

Real processes speak to them over real sockets; people turn the tap and press the meter's button here.
"""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self, TypeVar
from zoneinfo import ZoneInfo

from campusgate.demo.library import DemonstrationLibrary
from campusgate.demo.simulated_lines import SimulatedGateway
from campusgate.demo.simulated_meters import SimulatedLine, SimulatedMeter
from campusgate.demo.simulated_room import SimulatedRoom
from campusgate.demo.simulated_shower import SimulatedClock, SimulatedShower
from campusgate.demo.simulated_water_lines import SimulatedWaterLines
from metering.frames.dlt645.orders import Command

_FLOW_ML_PER_S: Final = 400
"""A shower that is in a hurry, as the day is."""
_RELAY_MOVES_AFTER_S: Final = 0.5
_STANDBY_WATTS: Final = 5
"""Some 15 fen a minute as time passes there; what is left after the day lasts for an hour and more."""
_TICK_S: Final = 0.1
_PATIENCE_S: Final = 30.0

Answer = TypeVar("Answer")


class Installations:
    """Enter it to switch them on; they have a thread and an event loop of their own."""

    def __init__(self, zone: ZoneInfo, meter: SimulatedMeter) -> None:
        """Build them; `zone` is that of the meter's clock."""
        meter.moves_after_s = _RELAY_MOVES_AFTER_S
        self.library = DemonstrationLibrary(zone)
        self._shower = SimulatedShower(SimulatedClock(), flow_ml_per_s=_FLOW_ML_PER_S)
        self._room = SimulatedRoom(meter, standby_watts=_STANDBY_WATTS)
        self._water_lines = SimulatedWaterLines(self._shower)
        self._gateway = SimulatedGateway(SimulatedLine([meter], zone=zone, now=lambda: datetime.now(UTC)))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="installations", daemon=True)
        self._ticking: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        """Switch them on."""
        self.library.__enter__()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(_PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Switch them off."""
        self.library.__exit__(kind, error, trace)
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(_PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # The shower.

    @property
    def valve_url(self) -> str:
        """The line on which the valve is."""
        return self._water_lines.valve_url

    @property
    def counter_url(self) -> str:
        """The line on which the counter of pulses is."""
        return self._water_lines.counter_url

    @property
    def pulses(self) -> int:
        """What the shower's counter shows."""
        return self._ask(lambda: self._shower.pulses)

    def turn_tap(self, *, is_open: bool) -> None:
        """Turn the tap behind the valve."""

        def turn() -> None:
            # What has flowed until now flowed through the tap as it was.
            _ = self._shower.pulses
            self._shower.is_tap_open = is_open

        self._ask(turn)

    def cut_showers_power(self) -> int:
        """Cut the shower's power: its valve falls closed; return what its counter shows then."""

        def cut() -> int:
            self._shower.cut_power()
            return self._shower.pulses

        return self._ask(cut)

    # The room.

    @property
    def meter_url(self) -> str:
        """The line on which the room's meter is."""
        return self._gateway.url

    @property
    def is_room_lit(self) -> bool:
        """Whether the meter's relay is closed."""
        return self._ask(lambda: self._room.is_lit)

    @property
    def is_room_armed(self) -> bool:
        """Whether the relay is open and the meter's button would close it."""
        return self._ask(lambda: self._room.is_armed)

    @property
    def metered_digits(self) -> int:
        """What the room's meter shows, in its last digits."""
        return self._ask(lambda: self._room.meter.digits)

    @property
    def meter_orders(self) -> list[Command]:
        """What the room's meter was ordered, and obeyed."""
        return self._ask(lambda: [order.command for order in self._room.meter.orders])

    def use_electricity(self, wh: int) -> None:
        """Switch something on in the room that uses so much energy."""
        self._ask(lambda: self._room.use(wh))

    def press_meters_button(self) -> bool:
        """Press the button of the room's meter; return whether the supply came on."""
        return self._ask(self._room.meter.press_button)

    async def _start(self) -> None:
        await self._water_lines.start()
        await self._gateway.start()
        self._ticking = asyncio.create_task(self._let_time_pass())

    async def _stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        await self._gateway.stop()
        await self._water_lines.stop()

    async def _let_time_pass(self) -> None:
        before_s = self._loop.time()
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = self._loop.time()
            self._room.run(now_s - before_s)
            before_s = now_s

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        async def ask() -> Answer:
            return question()

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(_PATIENCE_S)
