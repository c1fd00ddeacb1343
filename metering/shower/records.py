"""What a shower's controller keeps over a power cut: one record a session, and the server's last terms.

SQLite with `synchronous=FULL`: what `save` has returned from is on disk. A disk that fails is said once and gone on
from; then a power cut would lose what the memory holds, and no session begins offline that nobody could prove.
"""

import sqlite3
from pathlib import Path
from uuid import UUID

import structlog

from database.durable_file import open_durable, require_sound
from errors import OperatorError
from messages.metering import HeartbeatAnswer, SessionReport
from messages.wire import MalformedMessageError
from metering.shower.recovery import Kept

log = structlog.get_logger()


class ShowerRecordsError(OperatorError):
    """The file cannot be used."""


class ShowerRecords:
    """One file. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            ShowerRecordsError: it cannot be opened, or it is damaged.
        """
        self._path = path
        self.unwritten = False
        """Whether the last thing that was to be kept is not on disk."""
        try:
            self._connection = open_durable(path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS sessions"
                " (place INTEGER PRIMARY KEY, session BLOB NOT NULL UNIQUE, report BLOB NOT NULL)"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS remembered (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
            )
            require_sound(path, self._connection)
        except (OSError, sqlite3.Error) as error:
            raise ShowerRecordsError(f"{path}: {error}; move the file away, its unsettled sessions are lost") from error

    def kept(self) -> Kept:
        """Return what outlived the last power cut; a record that cannot be read is logged and left where it is."""
        rows = self._connection.execute("SELECT place, report FROM sessions ORDER BY place").fetchall()
        reports = []
        for place, payload in rows:
            try:
                reports.append(SessionReport.decode(payload))
            except MalformedMessageError as error:
                log.error("shower_record_unreadable", place=place, error=str(error))
        found = self._connection.execute("SELECT value FROM remembered WHERE name = 'terms'").fetchone()
        try:
            terms = HeartbeatAnswer.decode(found[0]) if found else None
        except MalformedMessageError as error:
            log.error("shower_terms_unreadable", error=str(error))
            terms = None
        return Kept(tuple(reports), terms)

    def save(self, report: SessionReport) -> None:
        """Keep `report` as the one record of its session."""
        self._write(
            "INSERT INTO sessions (session, report) VALUES (?, ?)"
            " ON CONFLICT (session) DO UPDATE SET report = excluded.report",
            (report.session.bytes, report.encode()),
        )

    def forget(self, session: UUID) -> None:
        """Let the record of a session go."""
        self._write("DELETE FROM sessions WHERE session = ?", (session.bytes,))

    def keep_terms(self, terms: HeartbeatAnswer) -> None:
        """Keep price, limits and cadence."""
        self._write(
            "INSERT INTO remembered (name, value) VALUES ('terms', ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (terms.encode(),),
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _write(self, statement: str, values: tuple[bytes, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            if not self.unwritten:
                log.error("shower_record_not_written", file=self._path.name, error=str(error))
            self.unwritten = True
        else:
            self.unwritten = False
