"""The reading process's file: what the server does not have yet, and what a restart must not forget."""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from pydantic import ValidationError

from database.durable_file import open_durable, require_sound
from metering.lines.setting import TakenReading
from metering.reader_contract import OrderResult, Plan, ReadingIn
from metering.vocabulary import ReadingSource

log = structlog.get_logger()

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS readings (sequence INTEGER PRIMARY KEY AUTOINCREMENT, meter BLOB NOT NULL,"
    " serial TEXT NOT NULL, at INTEGER NOT NULL, digits INTEGER NOT NULL, source TEXT NOT NULL,"
    " tariffs TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS results (sequence INTEGER PRIMARY KEY AUTOINCREMENT, task BLOB NOT NULL,"
    " body TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS frozen (meter BLOB PRIMARY KEY, day TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS plan (number INTEGER PRIMARY KEY CHECK (number = 1), body TEXT NOT NULL)",
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UnsentFile:
    """One SQLite file, safe for threads; what `put_…` returns from is on disk. Errors are `sqlite3.Error`.

    A reading takes some 80 bytes: a day of 5,000 meters without a server is 40 MB.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            OSError, sqlite3.Error: it cannot be opened, or it is damaged.
        """
        self._lock = threading.Lock()
        self._connection = open_durable(path)
        for table in _TABLES:
            self._connection.execute(table)
        require_sound(path, self._connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def put_readings(self, readings: Iterable[TakenReading]) -> None:
        """Keep readings, all or none."""
        rows = [
            (
                one.meter.bytes,
                one.serial,
                (one.at - _EPOCH) // _MICROSECOND,
                one.digits,
                one.source.value,
                " ".join(map(str, one.tariffs)),
            )
            for one in readings
        ]
        sql = "INSERT INTO readings (meter, serial, at, digits, source, tariffs) VALUES (?, ?, ?, ?, ?, ?)"
        self._write(lambda cursor: cursor.executemany(sql, rows))

    def first_readings(self, most: int) -> list[tuple[int, ReadingIn]]:
        """Return the oldest readings, each with its number in the file."""
        sql = "SELECT sequence, meter, serial, at, digits, source, tariffs FROM readings ORDER BY sequence LIMIT ?"
        with self._lock:
            rows = self._connection.execute(sql, (most,)).fetchall()
        return [(row[0], _reading(row)) for row in rows]

    def remove_readings(self, numbers: Sequence[int]) -> None:
        """Forget readings that the server has."""
        rows = [(number,) for number in numbers]
        self._write(lambda cursor: cursor.executemany("DELETE FROM readings WHERE sequence = ?", rows))

    def count_readings(self) -> int:
        """Return how many wait."""
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM readings").fetchone()[0])

    def put_result(self, order: UUID, result: OrderResult) -> None:
        """Keep what became of an order."""
        row = (order.bytes, result.model_dump_json())
        self._write(lambda cursor: cursor.execute("INSERT INTO results (task, body) VALUES (?, ?)", row))

    def first_result(self) -> tuple[int, UUID, OrderResult] | None:
        """Return the oldest result with its number in the file."""
        with self._lock:
            row = self._connection.execute(
                "SELECT sequence, task, body FROM results ORDER BY sequence LIMIT 1"
            ).fetchone()
        return None if row is None else (row[0], UUID(bytes=row[1]), OrderResult.model_validate_json(row[2]))

    def remove_result(self, number: int) -> None:
        """Forget a result that the server has."""
        self._write(lambda cursor: cursor.execute("DELETE FROM results WHERE sequence = ?", (number,)))

    def put_frozen(self, days: Iterable[tuple[UUID, date]]) -> None:
        """Keep the last day of which a meter's frozen reading is known."""
        rows = [(meter.bytes, day.isoformat()) for meter, day in days]
        self._write(lambda cursor: cursor.executemany("INSERT OR REPLACE INTO frozen VALUES (?, ?)", rows))

    def frozen_days(self) -> dict[UUID, date]:
        """Return those days by meter."""
        with self._lock:
            rows = self._connection.execute("SELECT meter, day FROM frozen").fetchall()
        return {UUID(bytes=meter): date.fromisoformat(day) for meter, day in rows}

    def put_plan(self, plan: Plan) -> None:
        """Keep the plan, so that reading begins without the server."""
        row = (plan.model_dump_json(),)
        self._write(lambda cursor: cursor.execute("INSERT OR REPLACE INTO plan VALUES (1, ?)", row))

    def plan(self) -> Plan | None:
        """Return the last plan."""
        with self._lock:
            row = self._connection.execute("SELECT body FROM plan").fetchone()
        try:
            return None if row is None else Plan.model_validate_json(row[0])
        except ValidationError:
            # Of a version that wrote it otherwise: the server has it.
            log.warning("kept_plan_unreadable")
            return None

    def _write(self, change: Any) -> None:
        with self._lock, closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                change(cursor)
                cursor.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise


def _reading(row: Sequence[Any]) -> ReadingIn:
    return ReadingIn(
        meter=UUID(bytes=row[1]),
        serial=row[2],
        at=_EPOCH + row[3] * _MICROSECOND,
        digits=row[4],
        source=ReadingSource(row[5]),
        tariffs=tuple(int(one) for one in row[6].split()),
    )
