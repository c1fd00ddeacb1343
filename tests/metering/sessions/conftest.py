from collections.abc import Iterator

import pytest

from accounts.ledger import LedgerWriter
from database import Database
from tests.metering.sessions.bath import Bath, Clock, build


@pytest.fixture
def bath(database: Database) -> Iterator[Bath]:
    clock = Clock()
    with LedgerWriter(database, clock=clock) as writer:
        bath = build(database, clock, writer)
        yield bath
        bath.check()
