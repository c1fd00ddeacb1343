"""Nonces of staff orders that rise over all servers of a campus, which sign in one name.

A gate obeys a nonce only once, and none that is smaller than one before. So the servers take turns: each reserves its
nonces in the database that they share, above all others', before it sends what it signs with them.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from database import Database, DatabaseBusyError, answer_within
from database.advisory_locks import AdvisoryLock
from messages import NonceStore
from operations.tables import IssuedNonces

log = structlog.get_logger()

_BLOCK = 100_000
"""More than there are gates; a tenth of a second of the clock's microseconds."""
_STANDSTILL_MS = 2_000
"""A server that stands still in its turn loses it."""
_WAIT_S = 3.0
"""For one's turn. An order does not wait for longer: a guess is better in an emergency than none."""


class OrderNonces:
    """Where a `Signer` of staff orders takes its nonces from, within a turn."""

    def __init__(
        self,
        database: Database,
        sender: str,
        store: NonceStore,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the database; `store` keeps what this server has issued, for the time that the database is away."""
        self._database = database
        self._sender = sender
        self._store = store
        self._now = now
        self._floor = 0
        self._turn = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else sends within this block, at any server; without a database, nobody else at this one."""
        with self._turn, ExitStack() as stack:
            try:
                with answer_within(_WAIT_S):
                    if not self._database.is_sqlite:
                        self._lock_out_others(stack)
                    self._floor = self._reserve()
            except (SQLAlchemyError, DatabaseBusyError) as error:
                log.warning("orders_without_a_turn", error=type(error).__name__)
            yield

    def next(self, sender: str, now_us: int) -> int:
        """Return a nonce larger than every earlier one, of any server that had its turn."""
        return self._store.next(sender, max(self._floor, now_us))

    def _lock_out_others(self, stack: ExitStack) -> None:
        connection = self._database.engine.connect()
        stack.callback(_end, connection)
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {_STANDSTILL_MS}")
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": AdvisoryLock.ORDER_NONCES})

    def _reserve(self) -> int:
        """Return the first nonce of a block that is this server's alone; it is committed before one is used."""
        least = max(int(self._now().timestamp() * 1_000_000), self._store.last_issued(self._sender))
        with self._database.begin() as session:
            kept = session.get(IssuedNonces, self._sender, with_for_update=True)
            if kept is None:
                session.add(kept := IssuedNonces(sender=self._sender, largest=0))
            first = max(kept.largest, least) + 1
            kept.largest = first + _BLOCK
        return first


def _end(connection: Connection) -> None:
    """End the transaction, and with it the lock; both are lost already where this server stood still."""
    with suppress(SQLAlchemyError):
        connection.close()
