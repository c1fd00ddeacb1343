"""What a database's disk does to it: full, not to be written, damaged, gone, or silent. One error each, with advice."""

import sqlite3
from typing import Final, Literal

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

StorageFault = Literal["full", "read_only", "damaged", "missing", "unreachable"]

ADVICE: Final[dict[StorageFault, str]] = {
    "full": "the disk is full: make room on it; nothing was written",
    "read_only": "it cannot be written: mend the owner and mode of its file and folder, or the mount",
    "damaged": "it is damaged: stop the server, keep the file, and restore the newest backup with `campusgate restore`",
    "missing": "its file is gone, or another one is in its place: stop the server, and put the file back or restore "
    "the newest backup with `campusgate restore`",
    "unreachable": "it does not answer, or takes no writes because another server becomes its primary: see that it "
    "runs, and that CAMPUSGATE_DATABASE_URL names it",
}

_OF_SQLITE: Final[dict[str, StorageFault]] = {
    "SQLITE_FULL": "full",
    # What writes meet beyond a quota or a limit of the process.
    "SQLITE_IOERR_WRITE": "full",
    "SQLITE_IOERR": "damaged",
    "SQLITE_READONLY": "read_only",
    "SQLITE_PERM": "read_only",
    "SQLITE_CANTOPEN": "read_only",
    "SQLITE_CORRUPT": "damaged",
    "SQLITE_NOTADB": "damaged",
}
_OF_POSTGRESQL: Final[dict[str, StorageFault]] = {
    "53100": "full",
    "58030": "damaged",
    "XX001": "damaged",
    "XX002": "damaged",
    # A server that was the primary; one that ends, crashed, or begins; one that found us idle for too long.
    "25006": "unreachable",
    "57P01": "unreachable",
    "57P02": "unreachable",
    "57P03": "unreachable",
    "57P05": "unreachable",
    "25P03": "unreachable",
    "53300": "unreachable",
}


class StorageError(SQLAlchemyError):
    """The database could not do its work because of its disk or its server. `fault` says which.

    Nothing was written, unless a server became `unreachable` while it wrote.
    """

    def __init__(self, fault: StorageFault) -> None:
        """Take what is wrong; the message says how to mend it."""
        super().__init__(f"the database cannot be used: {ADVICE[fault]}")
        self.fault = fault

    @property
    def may_pass(self) -> bool:
        """Whether it may be over by itself in some seconds, as when another server becomes the primary."""
        return self.fault == "unreachable"


def fault_of(error: DBAPIError) -> StorageFault | None:
    """Return what is wrong with the storage, or None where the error is about something else."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        parts = name.split("_")
        # From the exact code (SQLITE_IOERR_WRITE) to its family (SQLITE_IOERR).
        codes = ("_".join(parts[:length]) for length in range(len(parts), 1, -1))
        return next((_OF_SQLITE[code] for code in codes if code in _OF_SQLITE), None)
    state = getattr(cause, "sqlstate", None)
    if error.connection_invalidated:
        return "unreachable"
    if state is None or state.startswith("08"):
        # No answer at all carries no state.
        return "unreachable" if isinstance(error, OperationalError) else None
    return _OF_POSTGRESQL.get(state)
