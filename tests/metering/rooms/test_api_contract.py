"""The API of rooms, meters and readings keeps its own contract."""

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st

from accounts.vocabulary import Role
from metering.api import electricity, meters, reader, readings, rooms
from tests.api_contract import Contract, Request
from tests.databases import ON_POSTGRESQL
from tests.metering.rooms.office import Office
from web import problems

PARTS = (reader, rooms, meters, readings, electricity)
EXAMPLES = 4
"""Random requests for each operation and body."""


@pytest.fixture(scope="module")
def contract() -> Contract:
    """What is said, for which nothing needs to run."""
    app = FastAPI()
    for part in PARTS:
        app.include_router(part.router)
    problems.install(app)
    return Contract(app)


@pytest.fixture(scope="module")
def requests(contract: Contract) -> list[Request]:
    return contract.random_requests(examples=EXAMPLES, known=st.booleans())


class Api:
    """The app with a room, a meter and a person, so that random requests meet something."""

    def __init__(self, office: Office) -> None:
        self.app = office.client.app
        room, person = office.dormitory.room(), office.dormitory.person()
        meter = office.wired_meter()
        body = {"room_id": str(room.id), "at": "2026-09-10T04:00:00Z", "digits": 0}
        office.ask("POST", f"/meters/{meter}/installation", body, status=201)
        office.send(meter, "A1", (1, 100), (2, 90_000))
        (review,) = office.ask("GET", "/reading-reviews")["items"]
        (line,) = office.ask("GET", "/meter-lines")
        self.known = {
            "room_id": str(room.id),
            "building_id": str(room.building_id),
            "meter_id": meter,
            "line_id": line["id"],
            "review_id": review["id"],
            "person_id": str(person),
        }
        self.staff, self.reader = office.resident(office.dormitory.person(), Role.FACILITIES), office.reader

    def ask(self, case: schemathesis.Case, known: bool) -> Any:
        """Send a random request, with ids of things that exist if `known`."""
        if known and case.path_parameters:
            case.path_parameters.update({name: self.known[name] for name in case.path_parameters if name in self.known})
        headers = self.reader if "/meter-reader/" in case.operation.path else self.staff
        return case.call(headers=headers, app=self.app)


@pytest.fixture
def api(office: Office) -> Api:
    return Api(office)


@ON_POSTGRESQL
def test_random_requests_never_fail_the_server_and_every_error_is_documented(
    api: Api, contract: Contract, requests: list[Request]
) -> None:
    assert len(contract.try_requests(api.ask, requests)) > 20


def test_every_operation_says_what_it_is_for_and_which_errors_it_has(contract: Contract) -> None:
    contract.check_descriptions()
