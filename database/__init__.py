"""Engine, session, column types, sealing at rest, migrations.

A gate's processes seal files and have no database: what needs SQLAlchemy (18 MB) is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from database.sealing import Sealer, SealingError

if TYPE_CHECKING:
    from database.answer_time import answer_within
    from database.columns import Base, UtcDateTime, new_id, table_of
    from database.engine import Database, DatabaseBusyError
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

_MODULES = {
    "Base": "columns",
    "Database": "engine",
    "DatabaseBusyError": "engine",
    "StorageError": "storage",
    "UtcDateTime": "columns",
    "answer_within": "answer_time",
    "new_id": "columns",
    "table_of": "columns",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
