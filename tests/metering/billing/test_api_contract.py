"""The API of rooms' money keeps its own contract: random requests never break it, errors are documented problems."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st

from accounts.vocabulary import Role
from metering.api import charge_disputes, electricity_days, price_plans, room_money, room_money_staff, usage
from metering.services import MeteringServices
from metering.tariffs.electricity import Quota, WattHours
from tests.api_contract import Contract, Request
from tests.app_client import AppClient
from tests.apps import LentApps
from tests.databases import ON_POSTGRESQL
from tests.metering.electricity_cases import FIRST
from tests.metering.hall import Hall
from tests.sign_ins import sign_in
from web import problems
from web.routes import join

EXAMPLES = 6

router = join(
    part.router for part in (room_money, room_money_staff, charge_disputes, electricity_days, price_plans, usage)
)


@pytest.fixture(scope="module")
def contract() -> Contract:
    app = FastAPI()
    app.include_router(router)
    problems.install(app)
    return Contract(app)


@pytest.fixture(scope="module")
def requests(contract: Contract) -> list[Request]:
    return contract.random_requests(examples=EXAMPLES, known=st.booleans())


@pytest.fixture
def ask(hall: Hall, lent_apps: LentApps) -> Iterator[Any]:
    """Send requests for a room that is billed, as its resident or as staff."""
    hall.plan(quota=Quota(WattHours(2000)))
    room = hall.room("Anna")
    hall.person("Anna", 5_000)
    hall.use(room, [4, 5])
    hall.bill(room, days=2)
    known = {"room_id": str(room), "charge_id": str(hall.charges(room)[0].id), "day": str(FIRST)}
    anna = sign_in(hall.money.accounts, hall.people["Anna"], now=hall.clock.now)
    staff = sign_in(hall.money.accounts, None, list(Role), now=hall.clock.now)
    with lent_apps.lend(router) as app:
        app.state.accounts, app.state.money = hall.money.accounts, hall.money
        app.state.metering = MeteringServices(money=hall.money)
        with closing(AppClient(app)):

            def send(case: schemathesis.Case, known: bool) -> Any:
                if known and case.path_parameters:
                    case.path_parameters.update({name: ids[name] for name in case.path_parameters if name in ids})
                return case.call(headers=anna if "/me" in case.operation.path else staff, app=app)

            ids = known
            yield send


@ON_POSTGRESQL
def test_random_requests_never_fail_the_server(ask: Any, contract: Contract, requests: list[Request]) -> None:
    assert len(contract.try_requests(ask, requests)) == len(list(contract.operations()))


def test_every_operation_says_what_it_is_for_and_which_errors_it_has(contract: Contract) -> None:
    contract.check_descriptions()
