"""Connections to PostgreSQL that never wait without end, be the server away or hanging.

A server that was frozen keeps no time-out of its own, and its kernel goes on to acknowledge what is sent to it: only
whoever asked can tell. What was asked may have been done all the same.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from database.answer_time import longest_answer_s

CONNECT_WITHIN_S = 3
"""For each address of the server's name."""
POOL_WITHIN_S = 5.0
"""For a connection that another thread gives back."""

_NETWORK = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""A machine that lost its power is missed after about ten seconds; libpq's names and units."""
_LOOK = "SET client_connection_check_interval = 2000"
"""Milliseconds until a server notices, in the midst of a statement, that nobody waits for its answer any more: else one
that waited for a lock and was given up keeps all those that it has got. PostgreSQL 14 and later."""
_MOVED = frozenset({"25006", "57P01", "57P02", "57P03"})
"""It takes no writes, or ends: another server has become, or becomes, the primary, and new connections find it."""
_ENDED = frozenset({"25P03", "57P05"})
"""The session was idle for longer than it may be."""

_Row = TypeVar("_Row")
_Result = TypeVar("_Result")


class BoundedConnection(psycopg.Connection[_Row]):
    """A connection that is closed when a statement takes longer than `answer_within` says."""

    def wait(self, gen: PQGen[_Result], interval: float = 0.1, timeout: float | None = None) -> _Result:
        """Wait for the answer to a statement.

        Raises:
            psycopg.OperationalError: it did not come in time; nobody knows what became of the statement.
        """
        try:
            return super().wait(gen, interval, longest_answer_s() if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # Not cancelled: a commit that waits for its standby would then count as done.
                self.pgconn.finish()
            raise


def make_postgresql_engine(url: URL, *, pool_size: int, is_pooled: bool) -> Engine:
    """Return an engine; `is_pooled`: between us and PostgreSQL a pooler gives each transaction another connection."""
    options: dict[str, Any] = {"connect_timeout": CONNECT_WITHIN_S, **_NETWORK}
    given = {name: value for name, value in options.items() if name not in url.query}
    if is_pooled:
        # A statement would be prepared on one connection and called on another.
        given["prepare_threshold"] = None
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_WITHIN_S,
        connect_args=given,
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: tuple[Any, ...], parameters: dict[str, Any]) -> Any:
        connection = BoundedConnection.connect(*arguments, **parameters)
        if not is_pooled:  # where it would stay with whoever gets the connection next
            try:
                connection.autocommit = True
                connection.execute(_LOOK)
                connection.autocommit = False
            except psycopg.Error:
                connection.close()
                raise
        return connection

    @event.listens_for(engine, "handle_error")
    def _leave(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) in _MOVED | _ENDED:
            # With it go the other connections of the pool, which lead there too.
            context.is_disconnect = True

    return engine
