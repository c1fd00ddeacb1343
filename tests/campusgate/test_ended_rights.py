"""Whoever may not any more is refused at once, by another server over the same database too."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import devices, people
from accounts.payments import merchants
from accounts.people import Particulars
from accounts.tables import Person, PersonRole
from accounts.vocabulary import DeviceRole, PersonKind, Role
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import assemble
from database import new_id
from tests.app_client import AppClient
from tests.campusgate.matrix import allowed
from tests.campusgate.staffed import DEVICES, PEOPLE, Staffed
from tests.campusgate.test_matrix import EVERYBODY, LET_IN


@pytest.fixture(scope="module")
def elsewhere(office: Staffed) -> Iterator[Staffed]:
    """Another server over the same database."""
    server = assemble(office.server.settings, office.server.enrollment.engine, office.server.enrollment.checker)
    with AppClient(make_app(server), raise_server_exceptions=False, follow_redirects=False) as client:
        yield replace(office, server=server, client=client)


def _as_newcomer(office: Staffed, who: str) -> tuple[Staffed, Person]:
    """Return the same server with somebody in the place of `who` whose rights may end, and who that is."""
    now = datetime.now(UTC)
    given = Particulars(number=new_id().hex, name="New", kind=PersonKind.STAFF, valid_from=now - timedelta(days=1))
    with office.server.database.begin() as session:
        person = people.create(session, given, by="system", now=now)
        if who != Role.HOLDER:
            session.add(PersonRole(person_id=person.id, role=Role(who)))
    made = office.server.accounts.sign_in.begin(person.id, method="password", must_change_password=False, now=now)
    return replace(office, tokens={**office.tokens, who: made.access_token}), person


def _suspend(office: Staffed, _newcomer: Staffed, person: Person) -> Any:
    address = f"/api/v1/people/{person.id}/state"
    return office.client.put(address, json={"state": "suspended"}, headers=office.headers("admin"))


def _sign_out(office: Staffed, newcomer: Staffed, _person: Person) -> Any:
    token = next(token for who, token in newcomer.tokens.items() if token != office.tokens[who])
    return office.client.post("/api/v1/tokens/revoke", data={"token": token})


def _change_roles(office: Staffed, _newcomer: Staffed, person: Person) -> Any:
    return office.client.put(f"/api/v1/people/{person.id}/roles", json={"roles": []}, headers=office.headers("admin"))


def _reset_password(office: Staffed, _newcomer: Staffed, person: Person) -> Any:
    address = f"/api/v1/people/{person.id}/passwords/portal/reset"
    return office.client.post(address, headers=office.headers("admin"))


@pytest.mark.parametrize(
    ("who", "end"),
    [("admin", _suspend), ("cashier", _change_roles), ("reviewer", _sign_out), ("holder", _reset_password)],
)
def test_a_sign_in_that_was_ended_opens_nothing_at_any_server(
    office: Staffed, elsewhere: Staffed, who: str, end: Callable[..., Any]
) -> None:
    newcomer, person = _as_newcomer(office, who)
    servers = [newcomer, replace(elsewhere, tokens=newcomer.tokens)]
    # What belongs to everybody who is signed in is asked for by the holder alone.
    others = {EVERYBODY} if who == Role.HOLDER else {EVERYBODY, PEOPLE}
    theirs = [route for group, found in LET_IN.items() if who in group and group not in others for route in found]
    looks = [route for route in theirs if route.startswith("GET") and "{" not in route and "table" not in route]
    for server in servers:
        assert all(allowed(server, route, who) for route in looks[:: len(looks) // 6])
    assert end(office, newcomer, person).status_code in (200, 204)
    assert [route for route in theirs if allowed(servers[1], route, who)] == []
    assert [route for route in looks if allowed(servers[0], route, who)] == []


@pytest.mark.parametrize("who", DEVICES)
@pytest.mark.parametrize("end", ["revoked", "rotated"])
def test_a_token_that_was_ended_opens_nothing_at_any_server(
    office: Staffed, elsewhere: Staffed, who: str, end: str
) -> None:
    now = datetime.now(UTC)
    with office.server.database.begin() as session:
        gate = "north" if who in (DeviceRole.EDGE, DeviceRole.CONTROLLER) else None
        (shop, *_) = merchants.find(session)
        (kiosk, *_) = devices.find(session, role=DeviceRole.KIOSK)
        device, token = devices.add(
            session, name=new_id().hex, role=DeviceRole(who), campus="north", gate=gate, merchant_id=shop.id,
            kiosk_id=kiosk.id if who == DeviceRole.DISPENSER else None, by="system", now=now,
        )  # fmt: skip
    servers = [replace(server, tokens={**office.tokens, who: token}) for server in (office, elsewhere)]
    theirs = [route for group, found in LET_IN.items() if who in group and group != EVERYBODY for route in found]
    for server in servers:
        assert who == DeviceRole.DISPENSER or allowed(server, "POST /api/v1/identify", who)
        assert any(allowed(server, route, who) for route in theirs if who in route or "api" in route)
    address = f"/api/v1/devices/{device.id}"
    if end == "revoked":
        answer = office.client.delete(address, headers=office.headers("admin"))
    else:
        answer = office.client.post(f"{address}/token", headers=office.headers("admin"))
    assert answer.is_success
    assert [route for server in servers[::-1] for route in theirs if allowed(server, route, who)] == []
