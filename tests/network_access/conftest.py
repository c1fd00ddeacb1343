from collections.abc import Iterator

import pytest

from accounts.ledger import LedgerWriter
from database import Database
from tests.network_access.lab import Clock, Lab, build


@pytest.fixture
def lab(database: Database) -> Iterator[Lab]:
    clock = Clock()
    with LedgerWriter(database, clock=clock) as writer:
        lab = build(database, clock, writer)
        yield lab
        lab.check()
