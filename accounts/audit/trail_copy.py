"""A copy of the audit trail outside of the database, one JSON object a line: what a rewritten database cannot rewrite.

The copy follows the trail within moments. It shows lines that were cut off, changed or written anew together with their
chain; and after an older backup was restored it tells what had been withdrawn, revoked and erased since. It holds what
the trail holds: ids and words. When a database is restored the file so far is set aside, and a new one begins.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.audit import trail
from accounts.tables import AuditEntry
from database import Database
from database.private_files import make_private_folder, open_private

NAME = "trail.jsonl"


class TrailCopyError(Exception):
    """The copy cannot be read or written, or it is not of this database's trail; the message says which."""


@dataclass(frozen=True, slots=True)
class CopiedLine:
    """A line of the trail as it was copied."""

    serial: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    digest: str


class TrailCopy:
    """The copy in one folder. Written by one process: the server."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is made (mode 0700) when something is written."""
        self.folder = folder
        self.path = folder / NAME
        self._end: tuple[int, str] | None = None

    def follow(self, database: Database) -> int:
        """Copy the lines that are new, onto the disk, and return how many.

        Raises:
            TrailCopyError: the trail does not go on where the copy ends, or the file cannot be written.
        """
        copied = 0
        serial, digest = self._end if self._end is not None else self._mend()
        with database.snapshot() as session:
            self._require_same(session, serial, digest)
            while entries := trail.lines_after(session, serial):
                self._write("".join(_as_json(entry) + "\n" for entry in entries))
                serial, digest = entries[-1].serial, entries[-1].digest.hex()
                self._end = serial, digest
                copied += len(entries)
        return copied

    def heads(self) -> list[str]:
        """Return the digest of every copied line, oldest first."""
        return [line.digest for line in self.lines()]

    def lines(self) -> Iterator[CopiedLine]:
        """Yield what was copied, oldest first.

        Raises:
            TrailCopyError: the file cannot be read.
        """
        yield from _read(self.path)

    def set_aside_lines(self) -> Iterator[CopiedLine]:
        """Yield the lines of every file set aside at an earlier restore."""
        for path in sorted(self.folder.glob("trail-*.jsonl")):
            yield from _read(path)

    def set_aside(self, now: datetime) -> Path | None:
        """Put the file aside, because the database was restored to an earlier state; return where it is."""
        self._end = None
        if not self.path.exists():
            return None
        aside = self.folder / f"trail-{now:%Y%m%dT%H%M%S%f}.jsonl"
        self.path.replace(aside)
        return aside

    def _require_same(self, session: Session, serial: int, digest: str) -> None:
        if serial == 0:
            return
        stored = session.scalar(select(AuditEntry.digest).where(AuditEntry.serial == serial))
        if stored is None or stored.hex() != digest:
            fate = "is gone from" if stored is None else "is another one in"
            raise TrailCopyError(f"line {serial} of the copy {self.path} {fate} the database's audit trail")

    def _mend(self) -> tuple[int, str]:
        """Return where the copy ends; half a line at its end (a power cut) is taken off."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return 0, ""
        except OSError as error:
            raise TrailCopyError(f"{self.path} cannot be read: {error.strerror}") from error
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.truncate(self.path, whole)
        last = data[:whole].rstrip(b"\n").rpartition(b"\n")[2]
        if not last:
            return 0, ""
        line = _parsed(last.decode(errors="replace"), self.path)
        return line.serial, line.digest

    def _write(self, text: str) -> None:
        try:
            make_private_folder(self.folder)
            with os.fdopen(open_private(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # What got there in part is taken off when the next line is to be written.
            self._end = None
            raise TrailCopyError(f"{self.path} cannot be written: {error.strerror}") from error


def _as_json(entry: AuditEntry) -> str:
    line = {
        "serial": entry.serial,
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "details": json.loads(entry.details),
        "digest": entry.digest.hex(),
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _read(path: Path) -> Iterator[CopiedLine]:
    try:
        with path.open(encoding="utf-8") as file:
            for text in file:
                if text.endswith("\n"):
                    yield _parsed(text, path)
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise TrailCopyError(f"{path} cannot be read: {error}") from error


def _parsed(text: str, path: Path) -> CopiedLine:
    try:
        values = json.loads(text)
        return CopiedLine(**{**values, "at": datetime.fromisoformat(values["at"])})
    except (ValueError, TypeError, KeyError) as error:
        raise TrailCopyError(f"{path} holds a line that was not written by this program: set the file aside") from error
