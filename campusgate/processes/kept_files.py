"""The files that a gate keeps over a restart: one that cannot be used is set aside and reported, and the gate goes on.

A door must open for a card, the exit button and a fire alarm whatever became of its disk. What is damaged is renamed,
never deleted, and begun anew; where nothing can be kept at all, the files lie in memory until the next start.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import structlog
import uuid_utils.compat

from bus import Outbox, OutboxError
from gate_controller.memory import DoorMemoryError
from messages import Event, EventKind, GateTopics, NonceStoreError

log = structlog.get_logger()

Opened = TypeVar("Opened")

_ERRORS = (OutboxError, NonceStoreError, DoorMemoryError, OSError, sqlite3.Error, ValueError)
_SUFFIXES = ("", "-wal", "-shm", "-journal", "-lock")


class FaultReason(StrEnum):
    """What was done about a file."""

    SET_ASIDE = "set_aside"
    KEPT_ELSEWHERE = "kept_elsewhere"


@dataclass(frozen=True, slots=True)
class StorageFault:
    """A file that could not be used, and what is not known any more (`lost`; empty: nothing yet)."""

    file: str
    reason: FaultReason
    lost: str


class KeptFiles:
    """Opens the files of one gate in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[StorageFault] = []
        self._elsewhere: Path | None = None

    def open(self, name: str, opener: Callable[[Path], Opened], *, lost: str) -> Opened:
        """Return `opener(path)`, whatever lies at the path; `lost` says what a damaged file takes with it."""
        path = self.folder / name
        try:
            _require_content(path)
            return opener(path)
        except _ERRORS as error:
            failure: Exception = error
            log.error("file_not_usable", file=name, error=str(error))
        if _is_damaged(path, failure) and _set_aside(path):
            try:
                found = opener(path)
                self._add_fault(name, FaultReason.SET_ASIDE, lost)
                return found
            except _ERRORS as error:
                log.error("file_not_usable", file=name, error=str(error))
        return self._open_elsewhere(path, opener, lost)

    def report(self, outbox: Outbox, topics: GateTopics, source: str) -> None:
        """Put an event for each file into the outbox, from where it becomes an alarm."""
        for fault in self.faults:
            now = datetime.now(UTC)
            event = Event(
                id=uuid_utils.compat.uuid7(),
                gate=topics.gate,
                at=now,
                kind=EventKind.STORAGE_FAULT.value,
                source=source,
                reason=fault.reason.value,
                details={"file": fault.file, "lost": fault.lost},
            )
            outbox.put(event.id, topics.events, event.encode(), now)

    def _open_elsewhere(self, path: Path, opener: Callable[[Path], Opened], lost: str) -> Opened:
        folder = self._elsewhere = self._elsewhere or _in_memory()
        copied = _copy(path, folder)
        try:
            found = opener(folder / path.name)
        except _ERRORS:
            # The copy is no better: without it.
            copied = False
            for file in _files(folder / path.name):
                file.unlink()
            found = opener(folder / path.name)
        self._add_fault(path.name, FaultReason.KEPT_ELSEWHERE, "" if copied else lost)
        return found

    def _add_fault(self, name: str, reason: FaultReason, lost: str) -> None:
        self.faults.append(StorageFault(name, reason, lost))


def _require_content(path: Path) -> None:
    """SQLite takes an empty file for a new one; what was cut to nothing is no new one.

    Raises:
        ValueError: the file is empty.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError("the file is empty")


def _is_damaged(path: Path, error: Exception) -> bool:
    """Return whether the file is no good, and not a good one on a disk that is full or cannot be written."""
    cause = error.__cause__ or error
    if isinstance(cause, ValueError) or path.is_dir():
        return True
    if isinstance(cause, sqlite3.DatabaseError):
        # An operational error is the disk's, unless the tables are not those that there should be.
        return not isinstance(cause, sqlite3.OperationalError) or cause.sqlite_errorname == "SQLITE_ERROR"
    try:
        path.open("rb").close()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _set_aside(path: Path) -> bool:
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    try:
        for file in _files(path):
            file.rename(file.with_name(f"{file.name}.damaged-{stamp}"))
    except OSError as error:
        log.error("file_not_set_aside", file=path.name, error=str(error))
        return False
    return True


def _copy(path: Path, folder: Path) -> bool:
    try:
        for file in _files(path):
            if not file.name.endswith(("-shm", "-lock")):
                shutil.copyfile(file, folder / file.name)
    except OSError:
        return False
    return path.exists()


def _files(path: Path) -> Iterator[Path]:
    for suffix in _SUFFIXES:
        file = path.with_name(path.name + suffix)
        with contextlib.suppress(OSError):
            if file.exists():
                yield file


def _in_memory() -> Path:
    """Return an empty folder that lasts until the next start: in memory where there is room, or wherever there is."""
    for parent in ("/dev/shm", None):  # noqa: S108 -- a folder of our own is made in it, which nobody else can read
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="campusgate-", dir=parent))
    raise OSError("neither the disk nor /dev/shm nor the temporary folder can be written")
