"""The API keeps its own contract: random requests never break it, and every error is a documented problem."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from accounts import card_states
from accounts.card_states import CardAction
from accounts.identity import VISIBLE
from accounts.ledger.writer import LedgerWriter
from accounts.payments.services import MoneyServices
from accounts.topup.loopback import loopback
from accounts.vocabulary import CardState, DeviceRole, Role
from tests.generated import assert_generated
from web import problems
from web.problems import MEDIA_TYPE

PAGE = Path(__file__).parents[2] / "docs" / "accounts.md"
EXAMPLES = 10
"""Random requests for each operation and body; enough for the classes of input, few enough for a minute."""


class Api:
    """The app with some people, cards and devices in it, so that random requests meet something."""

    def __init__(self, campus: Any) -> None:
        self.campus = campus
        self.app: FastAPI = campus.client.app
        person = campus.person()
        campus.passwords(person.id, portal="correct horse battery", query="135790", consumption="246801")
        campus.money(person.id, 5000)
        card_id = campus.card(person)
        virtual_id = campus.virtual_card(person)
        self.known = {"person_id": person.id, "card_id": card_id}
        self.virtual = {"card_id": virtual_id}
        self.person = campus.as_person(person.id, *Role)
        self.terminal = campus.as_device(DeviceRole.TERMINAL, campus="main")
        self.kiosk = campus.as_device(DeviceRole.KIOSK)
        self.desk = campus.as_device(DeviceRole.DESK)
        self.schema = self.app.openapi()

    def headers(self, path: str, method: str) -> dict[str, str]:
        """What the operation asks for, by its documented security."""
        schemes = {name for one in self.schema["paths"][path][method].get("security", []) for name in one}
        if "device" in schemes:
            return self.kiosk if "/kiosk" in path else self.desk if path.endswith("/identify") else self.terminal
        return self.person if "person" in schemes else {}

    def documented(self, path: str, method: str) -> dict[int, set[str]]:
        """The problem codes of an operation, by status."""
        answers = self.schema["paths"][path][method]["responses"]
        return {
            int(status): set(answer["content"][MEDIA_TYPE]["schema"]["properties"]["code"]["enum"])
            for status, answer in answers.items()
            if int(status) >= 400
        }

    def ask(self, case: schemathesis.Case, known: bool) -> None:
        """Send a random request, with ids of things that exist if `known`."""
        path, method = case.operation.path, case.operation.method.lower()
        if known and case.path_parameters:
            ids = self.known | (self.virtual if "virtual" in path else {})
            case.path_parameters.update({name: ids[name] for name in case.path_parameters if name in ids})
        answer = case.call(headers=self.headers(path, method))
        assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path}: {answer.text}"
        if answer.status_code < 400:
            return
        assert answer.headers["content-type"] == [MEDIA_TYPE], f"{method} {path}: {answer.text}"
        code = answer.json()["code"]
        # A random path may leave the operation altogether.
        if (answer.status_code, code) not in {(404, "not_found"), (405, "method_not_allowed")}:
            documented = self.documented(path, method).get(answer.status_code, set())
            assert code in documented, f"{method} {path}: {answer.status_code} {code} is not documented"


@pytest.fixture
def api(make_campus) -> Iterator[Api]:
    campus = make_campus()
    with LedgerWriter(campus.database, clock=campus.clock) as writer:
        channels = {
            name: loopback(name, clock=campus.clock, zone=campus.services.zone)[1] for name in ("wechat", "alipay")
        }
        campus.client.app.state.money = MoneyServices(accounts=campus.services, writer=writer, channels=channels)
        yield Api(campus)


def test_random_requests_never_fail_the_server_and_every_error_is_documented(api):
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
        bounded(given(case=cases, known=st.booleans())(api.ask))()
        checked += 1
    assert checked > 30


def operations(api: Api) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in api.schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_says_what_it_is_for_and_which_errors_it_has(make_campus):
    api = Api(make_campus())
    known = {error.code: error for error in problems.known()}
    for path, method, operation in operations(api):
        assert operation.get("tags"), f"{method} {path}: no tag"
        assert operation.get("description"), f"{method} {path}: no description"
        documented = api.documented(path, method)
        assert "invalid_request" in documented.get(422, set()), f"{method} {path}"
        for status, codes in documented.items():
            assert {known[code].status for code in codes} == {status}, f"{method} {path}"
        if operation.get("security"):
            assert 401 in documented, f"{method} {path}: secured, but no 401"


def test_the_page_lists_every_problem_and_where_it_comes_from(make_campus):
    api = Api(make_campus())
    used: dict[str, set[str]] = {}
    for path, method, operation in operations(api):
        for codes in api.documented(path, method).values():
            for code in codes:
                used.setdefault(code, set()).add(operation["tags"][0])
    table = ["| Code | Status | Meaning | Where |", "|---|---|---|---|"]
    for error in problems.known():
        if error.code in used:
            where = "everywhere" if len(used[error.code]) > 8 else ", ".join(sorted(used[error.code]))
            table.append(f"| `{error.code}` | {error.status} | {error.title} | {where} |")
    assert_generated(PAGE, "problems", table)


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
