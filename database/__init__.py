"""Engine, session, column types, sealing at rest, migrations."""

from database.answer_time import answer_within
from database.columns import Base, UtcDateTime, new_id, table_of
from database.engine import Database, DatabaseBusyError
from database.sealing import Sealer, SealingError
from database.storage import StorageError

__all__ = [
    "Base",
    "Database",
    "DatabaseBusyError",
    "Sealer",
    "SealingError",
    "StorageError",
    "UtcDateTime",
    "answer_within",
    "new_id",
    "table_of",
]
