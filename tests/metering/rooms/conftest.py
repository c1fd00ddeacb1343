"""A dormitory on each database."""

import pytest

from database import Database
from tests.metering.dormitory import Dormitory


@pytest.fixture
def dormitory(database: Database) -> Dormitory:
    return Dormitory(database)
