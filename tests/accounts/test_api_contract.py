"""The API keeps its own contract: random requests never break it, and every error is a documented problem."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st

from accounts.api.router import router
from accounts.cards import card_states
from accounts.cards.card_states import CardAction
from accounts.cards.identity import VISIBLE
from accounts.ledger.writer import LedgerWriter
from accounts.payment_channels.loopback import loopback
from accounts.payments.services import MoneyServices
from accounts.vocabulary import CardState, DeviceRole, Role
from tests.api_contract import Contract, Request
from tests.databases import ON_POSTGRESQL
from tests.generated import assert_generated
from web import problems

PAGE = Path(__file__).parents[2] / "docs" / "accounts.md"
EXAMPLES = 6
"""Random requests for each operation and body; enough for the classes of input, few enough for a minute."""


class Api:
    """The app with some people, cards and devices in it, so that random requests meet something."""

    def __init__(self, campus: Any, contract: Contract) -> None:
        self.app, self.contract = campus.client.app, contract
        person = campus.person()
        campus.passwords(person.id, portal="correct horse battery", query="135790", consumption="246801")
        campus.money(person.id, 5000)
        card_id = campus.card(person)
        virtual_id = campus.virtual_card(person)
        self.known = {"person_id": person.id, "card_id": card_id}
        self.virtual = {"card_id": virtual_id}
        self.person, self.staff = campus.as_person(person.id), campus.as_role(*Role)
        self.terminal = campus.as_device(DeviceRole.TERMINAL, campus="main")
        self.kiosk = campus.as_device(DeviceRole.KIOSK)
        self.desk = campus.as_device(DeviceRole.DESK)

    def headers(self, path: str, method: str) -> dict[str, str]:
        """What the operation asks for, by its documented security."""
        schemes = self.contract.schemes(path, method)
        if "device" in schemes:
            return self.kiosk if "/kiosk" in path else self.desk if path.endswith("/identify") else self.terminal
        if "person" not in schemes:
            return {}
        return self.person if "/me" in path else self.staff

    def ask(self, case: schemathesis.Case, known: bool) -> Any:
        """Send a random request, with ids of things that exist if `known`."""
        path, method = case.operation.path, case.operation.method.lower()
        if known and case.path_parameters:
            ids = self.known | (self.virtual if "virtual" in path else {})
            case.path_parameters.update({name: ids[name] for name in case.path_parameters if name in ids})
        return case.call(headers=self.headers(path, method), app=self.app)


@pytest.fixture
def api(make_campus, contract: Contract) -> Iterator[Api]:
    campus = make_campus()
    with LedgerWriter(campus.database, clock=campus.clock) as writer:
        channels = {
            name: loopback(name, clock=campus.clock, zone=campus.services.zone)[1] for name in ("wechat", "alipay")
        }
        campus.client.app.state.money = MoneyServices(accounts=campus.services, writer=writer, channels=channels)
        yield Api(campus, contract)


@pytest.fixture(scope="module")
def contract() -> Contract:
    """What is said, for which nothing needs to run."""
    app = FastAPI()
    app.include_router(router)
    problems.install(app)
    return Contract(app)


@pytest.fixture(scope="module")
def requests(contract: Contract) -> list[Request]:
    return contract.random_requests(examples=EXAMPLES, known=st.booleans())


@ON_POSTGRESQL
def test_random_requests_never_fail_the_server_and_every_error_is_documented(api: Api, requests: list[Request]) -> None:
    assert len(api.contract.try_requests(api.ask, requests)) > 30


def test_every_operation_says_what_it_is_for_and_which_errors_it_has(contract: Contract) -> None:
    contract.check_descriptions()


def test_the_page_lists_every_problem_and_where_it_comes_from(contract: Contract) -> None:
    assert_generated(PAGE, "problems", contract.problem_table(everywhere_above=8))


def test_the_page_shows_the_life_of_a_card():
    table = ["| State | " + " | ".join(action.value for action in CardAction) + " |"]
    table.append("|---|" + "---|" * len(CardAction))
    for state in CardState:
        cells = [card_states.TRANSITIONS.get((state, action)) for action in CardAction]
        table.append(f"| {state} | " + " | ".join(cell.value if cell else "–" for cell in cells) + " |")
    assert_generated(PAGE, "card-states", table)


def test_the_page_shows_what_each_device_sees():
    table = ["| Device | Beside id, standing and trust |", "|---|---|"]
    table += [f"| {role} | {', '.join(sorted(visible)) or '–'} |" for role, visible in VISIBLE.items()]
    assert_generated(PAGE, "identify", table)
