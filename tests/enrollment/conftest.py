"""People to enrol, and a sealer."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from accounts.tables import Person
from accounts.vocabulary import PersonKind, PersonState
from database import Database, Sealer, new_id
from models.engine import FaceEngine
from models.store import ModelStore

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


@pytest.fixture(scope="session")
def engine(model_store: ModelStore) -> FaceEngine:
    """The engine with the default models."""
    return FaceEngine(model_store, threads=1)


@pytest.fixture(scope="session")
def portraits() -> Path:
    """A folder of real portraits."""
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder of research data")
    return Path(data) / "portraits" / "original"
