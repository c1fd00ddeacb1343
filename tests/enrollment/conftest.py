"""People to enrol, and a sealer."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from accounts.tables import Person
from accounts.vocabulary import PersonKind, PersonState
from database import Database, Sealer, new_id

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(bytes(range(32)))


@pytest.fixture
def add_person(database: Database) -> Callable[[str], UUID]:
    """Adds a student with the given number and returns the id."""

    def add(number: str) -> UUID:
        with database.begin() as session:
            person = Person(
                id=new_id(),
                number=number,
                name="Somebody",
                kind=PersonKind.STUDENT,
                department="Physics",
                valid_from=NOW,
                state=PersonState.ACTIVE,
                created_at=NOW,
                updated_at=NOW,
            )
            session.add(person)
        return person.id

    return add
