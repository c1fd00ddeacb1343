"""Whether the database takes writes: tried, not guessed from figures."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from database import Database, DatabaseBusyError, StorageError
from database.storage import StorageFault
from web.tables import AnsweredRequest

log = structlog.get_logger()

_EVERY = timedelta(seconds=10)
"""A write waits for the disk; whoever asks more often gets the answer of a moment ago."""
_SCOPE, _KEY = "health", "write"
_SIZE = 8192
"""Bytes written each time: more than the room left in a page or two."""


@dataclass
class StorageProbe:
    """Writes a row, always the same one. Safe for threads."""

    database: Database
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _tried_at: datetime | None = field(default=None, init=False)
    _fault: StorageFault | None = field(default=None, init=False)

    def fault(self, now: datetime) -> StorageFault | None:
        """Return what keeps the database from being written, or None."""
        with self._lock:
            if self._tried_at is None or not timedelta() <= now - self._tried_at < _EVERY:
                self._fault, self._tried_at = self._try(now), now
            return self._fault

    def _try(self, now: datetime) -> StorageFault | None:
        try:
            with self.database.begin() as session:
                # Other bytes each time: a page that stays the same is not written.
                answer = f"{now.timestamp():.6f} " * (_SIZE // 18)
                session.merge(AnsweredRequest(scope=_SCOPE, key=_KEY, digest=bytes(32), answer=answer, at=now))
        except StorageError as error:
            log.error("database_takes_no_writes", fault=error.fault)
            return error.fault
        except DatabaseBusyError:
            # Somebody else is writing, so it can be written.
            return None
        except SQLAlchemyError as error:
            log.error("database_takes_no_writes", error=type(error).__name__)
            return "unreachable"
        return None
