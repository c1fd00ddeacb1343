"""What a year of readings takes, by arithmetic from cycles that are really stored."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from database import Database
from database.migrate import upgrade
from metering.reader_contract import ReadingIn
from metering.readings.store import KnownMeter, store

CYCLES_A_DAY: Final = 96
_BATCH: Final = 1_000
"""As the reading process sends them."""
_START: Final = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stored:
    """Cycles of readings of which each made a row."""

    rows: int
    seconds: float
    bytes_per_row: float

    @property
    def rows_per_s(self) -> float:
        """How fast they are stored, judgement included."""
        return self.rows / self.seconds


def measure_storage(folder: Path, meters: int, cycles: int) -> Stored:
    """Store `cycles` cycles in an SQLite file, the worst case: every reading differs from the one before."""
    database = Database(f"sqlite:///{folder / 'readings.db'}")
    upgrade(database)
    known: Mapping[UUID, KnownMeter] = {
        UUID(int=number + 1): KnownMeter(number + 1, str(number)) for number in range(meters)
    }
    before = _size(database)
    seconds = 0.0
    for cycle in range(cycles):
        at = _START + cycle * timedelta(minutes=15)
        readings = [
            ReadingIn(meter=meter, serial=one.serial, at=at, digits=100 * one.number + cycle)
            for meter, one in known.items()
        ]
        began_s = time.perf_counter()
        for place in range(0, meters, _BATCH):
            with database.begin() as session:
                store(session, readings[place : place + _BATCH], known, at)
        seconds += time.perf_counter() - began_s
    rows = meters * cycles
    found = Stored(rows, seconds, (_size(database) - before) / rows)
    database.close()
    return found


def _size(database: Database) -> int:
    with database.begin() as session:
        connection = session.connection()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
