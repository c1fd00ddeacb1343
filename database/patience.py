"""Writing in the background: nobody waits for an answer, so that a database that is busy is waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from database.engine import Database, DatabaseBusyError

Written = TypeVar("Written")

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Between tries, each of which waits `engine.LOCK_WAIT_S` itself: a minute in all."""


def write_patiently(database: Database, write: Callable[[Session], Written]) -> Written:
    """Return what `write` does in a writing transaction, which is tried again while another writer holds the database.

    Raises:
        DatabaseBusyError: it was held for a minute; nothing is written.
    """
    for pause_s in PAUSES_S:
        try:
            with database.begin() as session:
                return write(session)
        except DatabaseBusyError:
            time.sleep(pause_s)
    with database.begin() as session:
        return write(session)
