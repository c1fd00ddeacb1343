"""What the lines found out, until it is in the file."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

import structlog

from metering.lines.setting import TakenReading
from metering.lines.unsent import UnsentFile
from metering.reader_contract import LineStatus, MeterStatus, OrderResult, StatusIn

log = structlog.get_logger()
Result = TypeVar("Result")

_WRITE_EVERY_S: Final = 1.0
"""One commit a second; what a power cut takes is read again in the next cycle."""
_MOST_IN_MEMORY: Final = 200_000
"""With a full disk: forty cycles of 5,000 meters, some 100 MB. What is older goes."""
_MOST_STATUSES: Final = 1_000


class Collector:
    """A `metering.lines.setting.Sink`. `written` is set whenever there is something to send."""

    def __init__(self, file: UnsentFile) -> None:
        self._file = file
        self._readings: list[TakenReading] = []
        self._results: list[tuple[UUID, OrderResult]] = []
        self._frozen: list[tuple[UUID, date]] = []
        self._lines: dict[UUID, LineStatus] = {}
        self._meters: dict[UUID, MeterStatus] = {}
        self._pressing = asyncio.Event()
        self.written = asyncio.Event()
        self.taken = 0
        """Readings since the start."""
        self.on_turn: Callable[[], None] = lambda: None
        """Called before each writing, once a second at least; for the rim to set."""

    def take_reading(self, reading: TakenReading) -> None:
        """Keep a reading; it is on disk within a second."""
        self.taken += 1
        self._readings.append(reading)

    def take_result(self, order: UUID, result: OrderResult) -> None:
        """Keep what became of an order; it is written at once."""
        self._results.append((order, result))
        self._pressing.set()

    def take_line_status(self, status: LineStatus) -> None:
        """Keep the newest status of the line."""
        self._lines[status.line] = status
        self.written.set()

    def take_meter_status(self, status: MeterStatus) -> None:
        """Keep the newest status of the meter, with a load that was not sent yet."""
        waiting = self._meters.get(status.meter)
        if waiting is not None and waiting.load is not None and status.load is None:
            status = status.model_copy(update={"load": waiting.load})
        self._meters[status.meter] = status
        self.written.set()

    def take_frozen(self, meter: UUID, day: date) -> None:
        """Keep that this day's frozen reading is known."""
        self._frozen.append((meter, day))

    def take_statuses(self) -> StatusIn | None:
        """Return states that were not sent, and take them for sent; None where there are none."""
        if not self._lines and not self._meters:
            return None
        meters = list(self._meters.values())[:_MOST_STATUSES]
        status = StatusIn(lines=tuple(self._lines.values()), meters=tuple(meters))
        self._lines.clear()
        for one in meters:
            del self._meters[one.meter]
        return status

    def put_back(self, status: StatusIn) -> None:
        """Take states for not sent after all; newer ones stay."""
        for line in status.lines:
            self._lines.setdefault(line.line, line)
        for meter in status.meters:
            self._meters.setdefault(meter.meter, meter)

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        try:
            while True:
                try:
                    async with asyncio.timeout(_WRITE_EVERY_S):
                        await self._pressing.wait()
                except TimeoutError:
                    pass
                self._pressing.clear()
                self.on_turn()
                await self.write()
        finally:
            self._write_now()

    async def write(self) -> None:
        """Write what came since the last time; with a full disk it stays in memory."""
        await asyncio.to_thread(self._write_now)
        self.written.set()

    def _write_now(self) -> None:
        # A reading is on disk before it is noted that it need not be asked for again.
        for pending, put in ((self._readings, self._put_readings), (self._results, self._put_results)):
            if pending and not put():
                return
        days, self._frozen = self._frozen, []
        if days and not self._try(lambda: self._file.put_frozen(days)):
            self._frozen = days + self._frozen

    def _put_readings(self) -> bool:
        readings, self._readings = self._readings, []
        if self._try(lambda: self._file.put_readings(readings)):
            return True
        self._readings = (readings + self._readings)[-_MOST_IN_MEMORY:]
        return False

    def _put_results(self) -> bool:
        while self._results:
            order, result = self._results[0]
            if not self._try(lambda order=order, result=result: self._file.put_result(order, result)):  # type: ignore[misc]
                return False
            del self._results[0]
        return True

    def _try(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except sqlite3.Error as error:
            log.error("unsent_not_written", error=str(error), readings_in_memory=len(self._readings))
            return False
        return True
