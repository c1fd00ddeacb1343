"""What a controller remembers over a power cut: orders to close, how late it was, cards' counters, wrong PINs."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog

from database.durable_file import open_durable, require_sound
from errors import OperatorError
from gate_controller.signals import BarrierMode

log = structlog.get_logger()

_SURVIVES = {BarrierMode.ALWAYS_CLOSED, BarrierMode.LOCKDOWN}
"""An order to close outlives a power cut; a door held open falls back to the rules."""


class DoorMemoryError(OperatorError):
    """The file cannot be used."""


class DoorMemory:
    """A small file of values. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            DoorMemoryError: it cannot be opened, or it is damaged.
        """
        self.folder = path.parent
        """Where the controller keeps its files."""
        self.unwritten = False
        """Whether the last thing that was to be remembered is not on disk."""
        try:
            self._connection = open_durable(path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS counters (digest TEXT PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS wrong_pins"
                " (person BLOB PRIMARY KEY, number INTEGER NOT NULL, at TEXT NOT NULL) WITHOUT ROWID"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS remembered (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
            )
            require_sound(path, self._connection)
            self._connection.execute("SELECT digest, counter FROM counters LIMIT 1").fetchone()
            self._wrong_pins: dict[UUID, tuple[int, datetime]] = {}
            for person, number, at in self._connection.execute("SELECT person, number, at FROM wrong_pins"):
                self._wrong_pins[UUID(bytes=person)] = int(number), datetime.fromisoformat(at).astimezone(UTC)
            self._counters: dict[str, int] = {}
            _ = self.latest_time
        except (OSError, sqlite3.Error, ValueError, TypeError) as error:
            raise DoorMemoryError(f"{path}: {error}") from error

    @property
    def staff_mode(self) -> BarrierMode:
        """The order that still holds."""
        value = self._get("staff_mode")
        return BarrierMode(value) if value in set(_SURVIVES) else BarrierMode.NORMAL

    @staff_mode.setter
    def staff_mode(self, mode: BarrierMode) -> None:
        self._set("staff_mode", mode.value)

    @property
    def latest_time(self) -> datetime | None:
        """The latest time on record."""
        value = self._get("latest_time")
        return datetime.fromisoformat(value).astimezone(UTC) if value else None

    @latest_time.setter
    def latest_time(self, at: datetime) -> None:
        self._set("latest_time", at.isoformat())

    def counters_lost(self) -> None:
        """Take note that the cards' counters were lost: each card is believed from its second reading here on.

        A message that was copied before the loss is worth nothing by itself that way.
        """
        self._set("counters_lost", "yes")

    def spend_counter(self, digest: str, counter: int) -> bool:
        """Return whether `counter` is above every earlier one of this card; then it is on disk, or else in memory."""
        kept = self._counters.get(digest)
        if kept is not None and counter <= kept:
            return False
        try:
            first_after_loss = self._is_new(digest) and self._get("counters_lost") is not None
            written = self._connection.execute(
                "INSERT INTO counters (digest, counter) VALUES (?, ?)"
                " ON CONFLICT (digest) DO UPDATE SET counter = excluded.counter WHERE excluded.counter > counter",
                (digest, counter),
            )
        except sqlite3.Error as error:
            log.error("card_counter_kept_in_memory", error=str(error))
            self._counters[digest], self.unwritten = counter, True
            return True
        self.unwritten = False
        return written.rowcount == 1 and not first_after_loss

    def _is_new(self, digest: str) -> bool:
        return self._connection.execute("SELECT 1 FROM counters WHERE digest = ?", (digest,)).fetchone() is None

    def wrong_pins(self, person_id: UUID) -> tuple[int, datetime | None]:
        """Return how many wrong PINs in a row were typed with somebody's card here, and when the last one was."""
        return self._wrong_pins.get(person_id, (0, None))

    def keep_wrong_pins(self, person_id: UUID, number: int, at: datetime) -> None:
        """Keep that number; 0 forgets the person.

        Raises:
            DoorMemoryError: it cannot be written, and counts until the end of this process only.
        """
        if number:
            self._wrong_pins[person_id] = (number, at)
        else:
            self._wrong_pins.pop(person_id, None)
        if number:
            row = (person_id.bytes, number, at.isoformat())
            self._write("INSERT OR REPLACE INTO wrong_pins (person, number, at) VALUES (?, ?, ?)", row)
        else:
            self._write("DELETE FROM wrong_pins WHERE person = ?", (person_id.bytes,))

    def redate(self, now: datetime) -> None:
        """Bring what was kept while the clock was ahead down to `now`, a time that the server vouched for.

        Raises:
            DoorMemoryError: it cannot be written.
        """
        for person, (number, at) in list(self._wrong_pins.items()):
            if at > now:
                self.keep_wrong_pins(person, number, now)
        self.latest_time = now

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _get(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM remembered WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def _set(self, name: str, value: str) -> None:
        self._write("INSERT OR REPLACE INTO remembered (name, value) VALUES (?, ?)", (name, value))

    def _write(self, statement: str, values: tuple[str | int | bytes, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            self.unwritten = True
            raise DoorMemoryError(f"not remembered: {error}") from error
        self.unwritten = False
