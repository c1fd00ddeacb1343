"""A gate's computer sets itself up with a code: once, soon, and nobody else does."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from access.gate_setup import (
    Sealed,
    ServerKey,
    SetupCode,
    SetupRequest,
    make_server_key,
    open_answer,
    seal_request,
)
from accounts import audit, devices
from accounts.tables import AuditEntry
from database import DatabaseBusyError
from directory import gate_setup
from directory.gate_setup import GateSetup, GateSite, use_code
from directory.tables import GateSetupCode
from messages import KeyFileError
from tests.keys import key_text
from web.problems import ProblemError

PRIVATE = make_server_key(b"r" * 32)
PUBLIC = PRIVATE.public_key().public_bytes_raw()
SITE = GateSite("main", "broker.example", 8883, None, key_text("credential"), key_text("staff"), "sface")
USERS = {f"{role}-north": f"word of {role}" for role in ("controller", "edge", "display")}
ADDRESS = "/api/v1/directory/gate-setup"


@pytest.fixture
def setup(campus) -> Iterator[SimpleNamespace]:
    """The campus with its services able to set gates up, and what the server came to trust."""
    trusted: dict[str, str] = {}
    campus.gate("north")
    made = GateSetup(PRIVATE, SITE, trusted.__setitem__)
    state = campus.client.app.state
    before = state.directory
    state.directory = replace(before, setup=made)
    yield SimpleNamespace(services=made, trusted=trusted, campus=campus)
    state.directory = before


def make_code(campus, **more: Any) -> SetupCode:
    with campus.database.begin() as session:
        return gate_setup.make_code(
            session, "north", USERS, public_key=PUBLIC, by=audit.SYSTEM, now=campus.clock(), **more
        )


def request_with(code: SetupCode, **more: Any) -> SetupRequest:
    return SetupRequest(
        secret=code.secret, answer_key=b"a" * 32, controller_key=key_text("controller"), has_edge=True, **more
    )


def ask(campus, code: SetupCode) -> Any:
    sealed = Sealed(sealed=seal_request(request_with(code), PUBLIC))
    return campus.client.post(ADDRESS, content=sealed.model_dump_json(), headers={"Content-Type": "application/json"})


def trail(campus) -> list[str]:
    with campus.database.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.serial)))


def test_a_code_brings_everything_that_the_gates_devices_need(setup) -> None:
    campus = setup.campus
    code = make_code(campus)
    shown = ServerKey.model_validate(campus.client.get(ADDRESS).json()).public_key
    answer = open_answer(Sealed.model_validate(ask(campus, code).json()).sealed, request_with(code))
    assert code.names(shown)
    assert (answer.gate, answer.site, answer.broker_host) == ("north", "main", "broker.example")
    assert answer.controller.password == USERS["controller-north"]
    assert answer.edge is not None
    assert answer.display.password == USERS["display-north"]
    with campus.database.read() as session:
        roles = {
            role: devices.authenticate(session, token)
            for role, token in (("controller", answer.controller.token), ("edge", answer.edge.token))
        }
    assert {role: (found.role.value, found.gate) for role, found in roles.items() if found is not None} == {
        "controller": ("controller", "north"),
        "edge": ("edge", "north"),
    }
    assert setup.trusted == {"controller:north": key_text("controller")}
    assert trail(campus)[-4:] == ["gate.setup_code", "gate.setup", "device.add", "device.add"]


def test_a_code_counts_once_and_its_second_use_stands_in_the_trail(setup) -> None:
    code = make_code(setup.campus)
    assert ask(setup.campus, code).status_code == 200
    again = ask(setup.campus, code)
    assert (again.status_code, again.json()["code"]) == (410, "setup_code_spent")
    assert trail(setup.campus)[-1] == "gate.setup_refused"


def test_a_code_that_is_late_or_replaced_brings_nothing(setup) -> None:
    campus = setup.campus
    replaced, code = make_code(campus), make_code(campus)
    assert ask(campus, replaced).json()["code"] == "setup_code_spent"
    campus.clock.now += timedelta(hours=1)
    assert ask(campus, code).json()["code"] == "setup_code_spent"
    assert setup.trusted == {}
    with campus.database.read() as session:
        assert devices.by_name(session, "north-controller") is None


def test_the_database_holds_neither_a_code_nor_a_password(setup) -> None:
    code = make_code(setup.campus)
    with setup.campus.database.read() as session:
        kept = session.scalars(select(GateSetupCode)).one()
        held = kept.digest + (kept.sealed or b"")
    assert code.secret not in held
    assert b"word of" not in held
    ask(setup.campus, code)
    with setup.campus.database.read() as session:
        assert session.scalars(select(GateSetupCode.sealed)).all() == [None]


def test_a_code_of_another_server_or_nonsense_is_refused(setup) -> None:
    unknown = ask(setup.campus, SetupCode.make(PUBLIC))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "setup_code_unknown")
    nonsense = setup.campus.client.post(ADDRESS, json={"sealed": "c2VhbGVk"})
    assert (nonsense.status_code, nonsense.json()["code"]) == (422, "setup_unreadable")


def test_a_network_that_tries_on_is_asked_to_wait(setup) -> None:
    answers = [ask(setup.campus, SetupCode.make(PUBLIC)).status_code for _ in range(11)]
    assert answers == [404] * 10 + [429]


def test_where_the_controller_cannot_be_trusted_the_code_stays_good(setup) -> None:
    campus, code = setup.campus, make_code(setup.campus)

    def fail(_sender: str, _key: str) -> None:
        raise KeyFileError("the file cannot be written")

    sealed = seal_request(request_with(code), PUBLIC)
    with pytest.raises(ProblemError, match="cannot set gates up"):
        use_code(campus.database, replace(setup.services, trust=fail), sealed, network="n", now=campus.clock())
    assert ask(campus, code).status_code == 200


def test_a_server_that_signs_nothing_says_so(setup) -> None:
    nothing = GateSetup.unavailable()
    with pytest.raises(ProblemError, match="cannot set gates up"):
        use_code(setup.campus.database, nothing, b"x", network="n", now=setup.campus.clock())


def test_a_second_computer_takes_the_tokens_of_the_first(setup) -> None:
    campus = setup.campus
    tokens = []
    for _ in range(2):
        code = make_code(campus)
        answer = open_answer(Sealed.model_validate(ask(campus, code).json()).sealed, request_with(code))
        tokens.append(answer.controller.token)
    with campus.database.read() as session:
        assert devices.authenticate(session, tokens[0]) is None
        assert devices.authenticate(session, tokens[1]) is not None
        assert gate_setup.is_set_up(session, "north")
        assert not gate_setup.is_set_up(session, "south")


def test_a_device_that_was_revoked_stays_revoked(setup) -> None:
    campus = setup.campus
    ask(campus, make_code(campus))
    with campus.database.begin() as session:
        found = devices.by_name(session, "north-controller")
        assert found is not None
        devices.revoke(session, found, by=audit.SYSTEM, now=campus.clock())
    assert ask(campus, make_code(campus)).status_code == 200
    with campus.database.read() as session:
        new = devices.by_name(session, "north-controller-2")
        assert new is not None
        assert new.revoked_at is None


def test_of_two_computers_at_once_one_is_set_up(setup) -> None:
    campus, code = setup.campus, make_code(setup.campus)
    sealed, start = seal_request(request_with(code), PUBLIC), threading.Barrier(2)

    def run(_number: int) -> str:
        start.wait()
        try:
            use_code(campus.database, setup.services, sealed, network="n", now=campus.clock())
        except ProblemError as error:
            return error.code
        except DatabaseBusyError:
            return "busy"
        return "set up"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(run, range(2)))
    assert outcomes in (["set up", "setup_code_spent"], ["busy", "set up"])
