"""The API against its own description: random requests never break it, and every error is a documented problem."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st

from accounts.services import AccountsServices
from accounts.tables import Person
from accounts.vocabulary import PersonKind, Role
from database import Sealer, new_id
from enrollment.api import router
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from models.engine import FaceEngine
from tests.accounts.conftest import CHEAP_HASHER
from tests.api_contract import Contract
from tests.app_client import AppClient
from tests.databases import copied
from tests.enrollment.conftest import NOW
from tests.enrollment.enrollment_api import GOOD, EnrollmentApi
from tests.generated import assert_generated
from web import problems

PAGE = Path(__file__).parents[2] / "docs" / "enrollment.md"
EXAMPLES = 6


class Api:
    """The app with a photo in review, a reviewer and an administrator in it, so that random requests meet something."""

    def __init__(self, api: EnrollmentApi, app: FastAPI, photo: bytes) -> None:
        person, reviewer = _person(api, "2026001"), _person(api, "R1")
        api.consent(person)
        waiting = api.hand_in(person, photo).json()["id"]
        self.known = {"photo_id": waiting, "person_id": str(person)}
        self.headers = [api.as_person(person, *Role), api.as_person(reviewer, Role.REVIEWER, Role.ADMIN)]
        self.contract = Contract(app)

    def ask(self, case: schemathesis.Case, known: bool, who: int) -> Any:
        """Send a random request, with ids of things that exist if `known`."""
        if known and case.path_parameters:
            case.path_parameters.update({name: self.known[name] for name in case.path_parameters if name in self.known})
        return case.call(headers=self.headers[who])


def _person(api: EnrollmentApi, number: str) -> UUID:
    with api.services.database.begin() as session:
        person = Person(
            id=new_id(), number=number, name="Somebody", kind=PersonKind.STUDENT, valid_from=NOW,
            created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        session.add(person)
    return person.id


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, engine: FaceEngine, portraits: Path
) -> Iterator[Api]:
    database = copied(sqlite_template, tmp_path_factory.mktemp("contract"))
    services = EnrollmentServices(database, Sealer(bytes(range(32))), engine, Checker(engine), clock=lambda: NOW)
    app = FastAPI()
    app.state.accounts = AccountsServices(database=database, secret=b"x" * 32, clock=lambda: NOW, hasher=CHEAP_HASHER)
    app.state.enrollment = services
    problems.install(app)
    app.include_router(router)
    with AppClient(app) as client:
        yield Api(EnrollmentApi(client, app.state.accounts, services, NOW), app, (portraits / GOOD).read_bytes())
    database.close()


def test_random_requests_never_fail_the_server_and_every_error_is_documented(api: Api) -> None:
    requests = api.contract.random_requests(examples=EXAMPLES, known=st.booleans(), who=st.integers(0, 1))
    tried = api.contract.try_requests(api.ask, requests)
    assert len(tried) == len(list(api.contract.operations()))


def test_every_operation_says_what_it_is_for_and_which_errors_it_has(api: Api) -> None:
    api.contract.check_descriptions()
    for path, method, operation in api.contract.operations():
        assert operation.get("security"), f"{method} {path}: open to everybody"


def test_the_page_lists_every_problem_and_where_it_comes_from(api: Api) -> None:
    assert_generated(PAGE, "problems", api.contract.problem_table(everywhere_above=5))
