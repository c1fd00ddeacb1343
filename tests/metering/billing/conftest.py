"""A hall whose books are added up after each test."""

from collections.abc import Iterator

import pytest

from accounts.ledger import LedgerWriter
from accounts.ledger.invariants import check_ledger
from accounts.topup.verification import check_reasons
from database import Database
from tests.metering.hall import Clock, Hall, make_hall


@pytest.fixture
def hall(database: Database) -> Iterator[Hall]:
    clock = Clock()
    with LedgerWriter(database, clock=clock) as writer:
        hall = make_hall(database, writer, clock)
        yield hall
    with database.read() as session:
        assert check_ledger(session) == [], "whatever a test did, the books are right"
        # The cash that tests hand out stands in no trail.
        assert [one for one in check_reasons(session) if one.what != "reason"] == []
