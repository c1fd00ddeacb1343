"""A shower's valve and pulse meters on lines: CJ/T 188, Modbus, over TCP gateways or serial ports.

The state machine must not wait for a slow line. So the lines are read on a thread of their own, again and again, and
what was read last is what counts, until it is too old.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from messages.metering import MeterTotal
from metering.lines.address import parse_address
from metering.lines.connection import LineInUseError, LineLostError, open_connection
from metering.lines.exchange import Exchange, MeterRefusedError, SilentError, Timing, UnreadableError
from metering.lines.protocol import MeterProtocol
from metering.lines.protocols.registry import PROTOCOLS, ProtocolOptions
from metering.shower.ports import HydraulicsError
from metering.shower.shower_file import LineEnd, PulseMeterFile, ShowerFile
from metering.shower.signals import ValvePosition
from metering.vocabulary import MeterAction, SupplyState

log = structlog.get_logger()

_AGAIN_S = 2.0
"""After a line was lost; a gateway that starts anew needs some seconds."""
_STALE_S = 3.0
"""What is older is no reading of now: a few questions of half a second each on a slow line."""
_ROUND_S = 0.1
"""Between two rounds: a gateway on the same desk would otherwise be asked thousands of times a second."""
_POSITIONS = {SupplyState.ON: ValvePosition.OPEN, SupplyState.OFF: ValvePosition.CLOSED}
_ORDER_LIVES = timedelta(seconds=5)


@dataclass(slots=True)
class _Line:
    """One line, and who is asked on it."""

    url: str
    protocol: MeterProtocol
    bits_per_s: int
    timing: Timing
    exchange: Exchange | None = None
    ends: list[LineEnd] = field(default_factory=list)

    async def opened(self) -> Exchange:
        """Return the line, connected."""
        if self.exchange is None or not self.exchange.is_open:
            exchange = Exchange(self.protocol.make_decoder(), bits_per_s=self.bits_per_s, timing=self.timing)
            address = parse_address(self.url)
            exchange.attach(await open_connection(address, self.bits_per_s, exchange.receive, exchange.lose))
            self.exchange = exchange
        return self.exchange

    def close(self) -> None:
        if self.exchange is not None:
            self.exchange.close()


class LineHydraulics:
    """Valve and meters of one shower. `start` begins to read; `close` ends it."""

    def __init__(self, file: ShowerFile, *, timing: Timing | None = None) -> None:
        """Prepare.

        Raises:
            LineAddressError: the URL of a line is none.
        """
        self._valve = file.valve
        self._meters: Sequence[PulseMeterFile] = file.meters
        self._lines: dict[str, _Line] = {}
        options = ProtocolOptions(file.time_zone)
        for end in (file.valve, *file.meters):
            line = self._lines.get(end.url)
            if line is None:
                protocol = PROTOCOLS[end.protocol](parse_address(end.url), options)
                # One try: the next reading is the second, and a late answer is not waited for while water flows.
                line = _Line(end.url, protocol, end.bits_per_s, timing or Timing(tries=1))
                self._lines[end.url] = line
            line.ends.append(end)
        self._lock = threading.Lock()
        self._wanted: bool | None = None
        self._position = ValvePosition.UNKNOWN
        self._valve_heard_s = float("-inf")
        self._totals: dict[str, tuple[MeterTotal, float]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="shower-lines", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def wait_heard(self, timeout_s: float = 10.0) -> bool:
        """Wait until valve and meters have answered once; False when one did not.

        A controller that starts after a power cut wants to know where the meters stand.
        """
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            with self._lock:
                if len(self._totals) == len(self._meters) and self._valve_heard_s > float("-inf"):
                    return True
            time.sleep(0.05)
        return False

    def close(self) -> None:
        """Let the lines go; the valve stays where it is."""
        loop, tasks = self._loop, self._tasks
        if loop is not None and tasks is not None:
            loop.call_soon_threadsafe(tasks.cancel)
        if self._thread.is_alive():
            self._thread.join()

    def move_valve(self, *, is_open: bool) -> None:
        """Let the valve be told with the next question, before all others, until it shows that it has moved."""
        with self._lock:
            self._wanted = is_open
            self._position = ValvePosition.UNKNOWN

    def position(self) -> ValvePosition:
        """Return what the valve said last; after an order `unknown` until it says more.

        Raises:
            HydraulicsError: it has not answered for seconds.
        """
        with self._lock:
            position, heard_s = self._position, self._valve_heard_s
        if time.monotonic() - heard_s > _STALE_S:
            raise HydraulicsError(f"the valve {self._valve.address} on {self._valve.url} does not answer")
        return position

    def totals(self) -> tuple[MeterTotal, ...]:
        """Return what each meter said last.

        Raises:
            HydraulicsError: one has not answered for seconds.
        """
        now_s = time.monotonic()
        with self._lock:
            found = [self._totals.get(meter.utility) for meter in self._meters]
        for meter, one in zip(self._meters, found, strict=True):
            if one is None or now_s - one[1] > _STALE_S:
                raise HydraulicsError(f"the meter {meter.address} on {meter.url} does not answer")
        return tuple(one[0] for one in found if one is not None)

    def _run(self) -> None:
        asyncio.run(self._read_all())

    async def _read_all(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.ensure_future(self._read_lines())
        try:
            await self._tasks
        except asyncio.CancelledError:
            log.debug("shower_lines_closed")

    async def _read_lines(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for line in self._lines.values():
                    group.create_task(self._read_line(line))
        finally:
            for line in self._lines.values():
                line.close()

    async def _read_line(self, line: _Line) -> None:
        """Ask everybody on the line in turn; the valve's order goes before each question."""
        while True:
            try:
                exchange = await line.opened()
                for end in line.ends:
                    if self._valve in line.ends:
                        await self._order(exchange, line.protocol)
                    await self._ask(exchange, line.protocol, end)
                await asyncio.sleep(_ROUND_S)
            except (LineLostError, LineInUseError) as error:
                log.warning("shower_line_lost", url=line.url, error=str(error))
                line.close()
                await asyncio.sleep(_AGAIN_S)

    async def _order(self, exchange: Exchange, protocol: MeterProtocol) -> None:
        with self._lock:
            wanted = self._wanted
        if wanted is None:
            return
        action = MeterAction.CLOSE if wanted else MeterAction.TRIP
        request = protocol.order(self._valve.plan(has_relay=True), action, datetime.now(UTC) + _ORDER_LIVES)
        if request is None:
            return
        try:
            await exchange.ask(request)
        except (SilentError, MeterRefusedError, UnreadableError) as error:
            log.warning("shower_valve_not_told", error=type(error).__name__, is_open=wanted)
            return
        with self._lock:
            if self._wanted is wanted:
                self._wanted = None

    async def _ask(self, exchange: Exchange, protocol: MeterProtocol, end: LineEnd) -> None:
        """Ask one; who does not answer is asked again in its turn, and what it said last grows old."""
        try:
            if isinstance(end, PulseMeterFile):
                registers = await exchange.ask(protocol.read_registers(end.plan(has_relay=False)))
                total = MeterTotal(utility=end.utility, pulses_per_m3=end.pulses_per_m3, total=registers.digits)
                with self._lock:
                    self._totals[end.utility] = total, time.monotonic()
                return
            request = protocol.read_status(end.plan(has_relay=True))
            if request is None:
                return
            status = await exchange.ask(request)
            with self._lock:
                self._valve_heard_s = time.monotonic()
                if self._wanted is None:
                    self._position = _POSITIONS.get(status.supply, ValvePosition.UNKNOWN)
        except (SilentError, MeterRefusedError, UnreadableError) as error:
            log.debug("shower_line_end_silent", address=end.address, error=type(error).__name__)
