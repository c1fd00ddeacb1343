"""What the server knows of itself: its settings in force, and the state of what it depends on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SettingSource(StrEnum):
    """Where the value of a setting came from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting; `value` is None where it is not set, and always where it is secret."""

    name: str
    value: str | None
    is_secret: bool
    is_set: bool
    source: SettingSource


@dataclass(frozen=True, slots=True)
class ServerState:
    """How the server stands. None: not known."""

    started_at: datetime
    is_broker_there: bool
    can_order: bool
    contested: str | None
    """Which connection to the broker is ended again and again."""
    storage_fault: str | None
    clock_doubt: str | None
    is_sqlite: bool
    database_bytes: int | None
    free_bytes: int | None
    """Free on the disk of the database, or of the data directory where the database is elsewhere."""
    record_free_bytes: int | None
    """Free on the disk of the audit trail's copy."""
    events_waiting: int
    """Events that came from gates and are not stored yet."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the rim tells the pages of the server."""

    settings: Sequence[SettingInForce]
    find_state: Callable[[], ServerState]
