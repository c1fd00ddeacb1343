"""The API against its own description: random requests never break it, and every error is a documented problem."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from accounts.services import AccountsServices
from accounts.tables import Person
from accounts.vocabulary import PersonKind, Role
from database import Base, Database, Sealer, new_id
from enrollment.api import router
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from models.engine import FaceEngine
from tests.accounts.conftest import CHEAP_HASHER
from tests.enrollment.conftest import NOW
from tests.enrollment.desk import GOOD, Desk
from tests.generated import assert_generated
from web import problems
from web.problems import MEDIA_TYPE

PAGE = Path(__file__).parents[2] / "docs" / "enrollment.md"
EXAMPLES = 8


class Api:
    """The app with a photo in review, a reviewer and an administrator in it, so that random requests meet something."""

    def __init__(self, desk: Desk, app: FastAPI, photo: bytes) -> None:
        person, reviewer = _person(desk, "2026001"), _person(desk, "R1")
        desk.consent(person)
        waiting = desk.hand_in(person, photo).json()["id"]
        self.known = {"photo_id": waiting, "person_id": str(person)}
        self.headers = [desk.as_person(person, *Role), desk.as_person(reviewer, Role.REVIEWER, Role.ADMIN)]
        self.app, self.schema = app, app.openapi()

    def documented(self, path: str, method: str) -> dict[int, set[str]]:
        """The problem codes of an operation, by status."""
        answers = self.schema["paths"][path][method]["responses"]
        return {
            int(status): set(answer["content"][MEDIA_TYPE]["schema"]["properties"]["code"]["enum"])
            for status, answer in answers.items()
            if int(status) >= 400
        }

    def ask(self, case: schemathesis.Case, known: bool, who: int) -> None:
        """Send a random request, with ids of things that exist if `known`."""
        path, method = case.operation.path, case.operation.method.lower()
        if known and case.path_parameters:
            case.path_parameters.update({name: self.known[name] for name in case.path_parameters if name in self.known})
        answer = case.call(headers=self.headers[who])
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        if answer.status_code < 400:
            return
        assert answer.headers["content-type"] == [MEDIA_TYPE], f"{method} {path}: {answer.text}"
        code = answer.json()["code"]
        # A random path may leave the operation altogether.
        if (answer.status_code, code) not in {(404, "not_found"), (405, "method_not_allowed")}:
            documented = self.documented(path, method).get(answer.status_code, set())
            assert code in documented, f"{method} {path}: {answer.status_code} {code} is not documented"


def _person(desk: Desk, number: str) -> UUID:
    with desk.services.database.begin() as session:
        person = Person(
            id=new_id(), number=number, name="Somebody", kind=PersonKind.STUDENT, valid_from=NOW,
            created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        session.add(person)
    return person.id


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, engine: FaceEngine, portraits: Path) -> Iterator[Api]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('contract') / 'campusgate.db'}")
    Base.metadata.create_all(database.engine)
    services = EnrollmentServices(database, Sealer(bytes(range(32))), engine, Checker(engine), clock=lambda: NOW)
    app = FastAPI()
    app.state.accounts = AccountsServices(database=database, secret=b"x" * 32, clock=lambda: NOW, hasher=CHEAP_HASHER)
    app.state.enrollment = services
    problems.install(app)
    app.include_router(router)
    with TestClient(app) as client:
        yield Api(Desk(client, app.state.accounts, services, NOW), app, (portraits / GOOD).read_bytes())
    database.close()


def test_random_requests_never_fail_the_server_and_every_error_is_documented(api: Api) -> None:
    bounded = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    checked = 0
    for found in schemathesis.openapi.from_asgi("/openapi.json", api.app).get_all_operations():
        operation = found.ok()
        cases = operation.as_strategy()
        if operation.body:
            cases |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        bounded(given(case=cases, known=st.booleans(), who=st.integers(0, 1))(api.ask))()
        checked += 1
    assert checked == sum(len(methods) for methods in api.schema["paths"].values())


def test_every_operation_says_what_it_is_for_and_which_errors_it_has(api: Api) -> None:
    known = {error.code: error for error in problems.known()}
    for path, methods in api.schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("tags"), f"{method} {path}: no tag"
            assert operation.get("description"), f"{method} {path}: no description"
            documented = api.documented(path, method)
            assert "invalid_request" in documented[422], f"{method} {path}"
            assert 401 in documented, f"{method} {path}: secured, but no 401"
            for status, codes in documented.items():
                assert {known[code].status for code in codes} == {status}, f"{method} {path}"


def test_the_page_lists_every_problem_and_where_it_comes_from(api: Api) -> None:
    used: dict[str, set[str]] = {}
    for path, methods in api.schema["paths"].items():
        for method, operation in methods.items():
            for codes in api.documented(path, method).values():
                for code in codes:
                    used.setdefault(code, set()).add(operation["tags"][0])
    table = ["| Code | Status | Meaning | Where |", "|---|---|---|---|"]
    for error in problems.known():
        if error.code in used:
            where = "everywhere" if len(used[error.code]) > 5 else ", ".join(sorted(used[error.code]))
            table.append(f"| `{error.code}` | {error.status} | {error.title} | {where} |")
    assert_generated(PAGE, "problems", table)
