"""People to enrol, a sealer, and the API over real models."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from accounts.services import AccountsServices
from accounts.tables import Person
from accounts.vocabulary import PersonKind, PersonState
from database import Database, Sealer, new_id
from enrollment.api import router
from enrollment.eye_state import EyeState
from enrollment.person_mask import PersonMask
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from models.engine import FaceEngine
from models.store import ModelStore
from tests.accounts.conftest import CHEAP_HASHER
from tests.app_client import AppClient
from tests.apps import LentApps
from tests.enrollment.enrollment_api import GOOD, OTHER, EnrollmentApi

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
def person_mask(model_store: ModelStore) -> PersonMask:
    return PersonMask(model_store.path("selfie-segmenter"))


@pytest.fixture(scope="session")
def eye_state(model_store: ModelStore) -> EyeState:
    return EyeState(model_store.path("fr-eye"))


@pytest.fixture(scope="session")
def checker(engine: FaceEngine, person_mask: PersonMask, eye_state: EyeState) -> Checker:
    return Checker(engine, person_finder=person_mask, eye_reader=eye_state)


@pytest.fixture(scope="session")
def portraits() -> Path:
    """A folder of real portraits."""
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data:
        pytest.skip("CAMPUSGATE_DATA names no folder of research data")
    return Path(data) / "portraits" / "original"


@pytest.fixture(scope="session")
def faces() -> dict[str, list[bytes]]:
    """Three photographs, of different days, of each of two people."""
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data or not (Path(data) / "lfw").is_dir():
        pytest.skip("CAMPUSGATE_DATA names no folder with lfw")
    folder, names = Path(data) / "lfw", ("Aaron_Peirsol", "Abel_Pacheco")
    return {name: [(folder / name / f"{name}_{n:04}.jpg").read_bytes() for n in (1, 2, 4)] for name in names}


@pytest.fixture
def api(
    database: Database, engine: FaceEngine, sealer: Sealer, checker: Checker, lent_apps: LentApps
) -> Iterator[EnrollmentApi]:
    holder: list[EnrollmentApi] = []
    services = EnrollmentServices(database, sealer, engine, checker, clock=lambda: holder[0].now)
    accounts = AccountsServices(database=database, secret=b"x" * 32, clock=lambda: holder[0].now, hasher=CHEAP_HASHER)
    with lent_apps.lend(router) as app, AppClient(app) as client:
        app.state.accounts, app.state.enrollment = accounts, services
        holder.append(EnrollmentApi(client, accounts, services))
        yield holder[0]


@pytest.fixture
def good(portraits: Path) -> bytes:
    return (portraits / GOOD).read_bytes()


@pytest.fixture
def other(portraits: Path) -> bytes:
    return (portraits / OTHER).read_bytes()
