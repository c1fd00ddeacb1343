"""A new key: what was sealed under an older one is opened and sealed again under the current one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from database.engine import Database
from database.sealing import Sealer, SealingError

_BATCH = 100
"""Values resealed in one transaction; a picture may have half a megabyte."""

Progress = Callable[[int, int], None]
"""Called with the number of values done and of all."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that holds sealed values (or NULL), its table's primary key, and what a value is bound to."""

    key: InstrumentedAttribute[UUID]
    sealed: InstrumentedAttribute[Any]
    context: Callable[[UUID], bytes]

    @property
    def name(self) -> str:
        """Table and column, for messages."""
        return f"{self.sealed.class_.__tablename__}.{self.sealed.key}"


def count_outdated(database: Database, sealer: Sealer, columns: Sequence[SealedColumn]) -> int:
    """Return how many values lie under another key than the current one."""
    total = 0
    with database.read() as session:
        for column in columns:
            query = select(func.count()).select_from(column.sealed.class_).where(_is_outdated(column, sealer))
            total += session.scalar(query) or 0
    return total


def reseal(
    database: Database, sealer: Sealer, columns: Sequence[SealedColumn], *, progress: Progress | None = None
) -> int:
    """Bring every value under the sealer's current key, and return how many were changed.

    A batch is a transaction, and what lies under the current key is left alone: stopped, it goes on where it was; run
    twice at once, nothing breaks. The key before may be taken away once `count_outdated` returns 0 and no process still
    seals with it.

    Raises:
        database.SealingError: a value lies under a key that is not configured; nothing of its batch was changed.
    """
    total, done = count_outdated(database, sealer, columns), 0
    for column in columns:
        last = None
        while True:
            changed, last = _reseal_some(database, sealer, column, last)
            if not changed:
                break
            done += changed
            if progress:
                progress(min(done, total), total)
    return done


def check(database: Database, sealer: Sealer, columns: Sequence[SealedColumn]) -> None:
    """Open the first and the last value of each column, so that a wrong key is noticed before it matters.

    Raises:
        database.SealingError: one does not open; the message names the column.
    """
    with database.read() as session:
        for column in columns:
            found = select(column.key, column.sealed).where(column.sealed.is_not(None)).limit(1)
            for order in (column.key.asc(), column.key.desc()):
                for key, sealed in session.execute(found.order_by(order)):
                    _open(sealer, column, key, sealed)


def _reseal_some(
    database: Database, sealer: Sealer, column: SealedColumn, after: UUID | None
) -> tuple[int, UUID | None]:
    """Reseal the next outdated values after the key `after`; return how many, and the last one's key."""
    query = select(column.key, column.sealed).where(_is_outdated(column, sealer)).order_by(column.key).limit(_BATCH)
    if after is not None:
        query = query.where(column.key > after)
    with database.begin() as session:
        rows = session.execute(query.with_for_update()).all()
        for key, sealed in rows:
            plain = _open(sealer, column, key, sealed)
            session.execute(
                update(column.sealed.class_)
                .where(column.key == key)
                .values({column.sealed.key: sealer.seal(plain, column.context(key))}),
                execution_options={"synchronize_session": False},
            )
    return len(rows), rows[-1][0] if rows else after


def _open(sealer: Sealer, column: SealedColumn, key: UUID, sealed: bytes) -> bytes:
    try:
        return sealer.open(sealed, column.context(key))
    except SealingError as error:
        raise SealingError(f"{column.name}: a value {error}") from error


def _is_outdated(column: SealedColumn, sealer: Sealer) -> Any:
    """Compare the key's number, the second byte, in the database: values are read only to be resealed."""
    number = func.substr(column.sealed, 2, 1)
    return column.sealed.is_not(None) & (number != bytes([sealer.current_key]))
