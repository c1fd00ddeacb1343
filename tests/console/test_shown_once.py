"""A form that is sent twice shows the secret that it made, and makes no second one."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import httpx
import pytest

from accounts import devices
from accounts.tables import Device
from accounts.vocabulary import DeviceRole, Role
from console.shown_once import KEPT_S, ShownOnce
from database import Database, new_id
from directory.tables import VisitorPass
from tests.console.page_server import Pages, hire, signed_in
from web.tables import ShownSecret

KEY = re.compile(r'name="key" value="([0-9a-f-]{36})"')
ADMINISTRATION = "/console/administration"


@pytest.fixture(scope="module")
def office(served_pages: Pages) -> Pages:
    hire(served_pages.database, served_pages.app.state.accounts, "A1", "He Wei", Role.ADMIN)
    return served_pages


@pytest.fixture
def admin(office: Pages) -> Iterator[httpx.Client]:
    with signed_in(office, "A1") as client:
        yield client


def send_twice(client: httpx.Client, page: str, action: str, form: dict[str, str], shown: str) -> tuple[str, str]:
    """Return what a pattern finds in both answers."""
    key = KEY.search(client.get(page).text)[1]
    answers = [client.post(action, data=form | {"key": key}) for _ in range(2)]
    return tuple(re.search(shown, answer.text)[1] for answer in answers)


def test_a_device_that_is_added_twice_at_once_has_one_token(admin: httpx.Client, office: Pages) -> None:
    page, form = f"{ADMINISTRATION}/devices/new", {"name": "kiosk-twice", "role": "kiosk"}
    first, again = send_twice(admin, page, page, form, r'id="token"[^>]*value="([^"]+)"')
    assert first == again
    with office.database.read() as session:
        assert devices.authenticate(session, first).name == "kiosk-twice"
    other = admin.post(page, data={"name": "kiosk-twice", "role": "kiosk", "key": str(new_id())})
    assert other.status_code == 409, "another form with the same name is refused"


def test_a_token_that_is_exchanged_twice_at_once_is_the_one_shown(admin: httpx.Client, office: Pages) -> None:
    with office.database.begin() as session:
        device, _ = devices.add(session, name="kiosk-3", role=DeviceRole.KIOSK, by="test", now=datetime.now(UTC))
        page = f"{ADMINISTRATION}/devices/{device.id}"
    first, again = send_twice(admin, page, f"{page}/token", {}, r'id="token"[^>]*value="([^"]+)"')
    with office.database.read() as session:
        assert devices.authenticate(session, again).id == session.get_one(Device, device.id).id
    assert first == again


def test_a_pass_that_is_given_twice_at_once_has_one_code(admin: httpx.Client, office: Pages) -> None:
    page = f"{ADMINISTRATION}/passes/new"
    moments = dict(re.findall(r'name="(valid_\w+)"[^>]*value="([^"]+)"', admin.get(page).text))
    ticket = admin.post("/console/tickets", json={"action": "pass"}).json()["ticket"]
    form = moments | {"number": "S1", "gate": "north", "code": "letters", "ticket": ticket}
    first, again = send_twice(admin, page, page, form, r'id="code">([^<]+)<')
    assert first == again
    with office.database.read() as session:
        assert session.query(VisitorPass).filter_by(person_id=office.people["S1"]).count() == 1


def test_a_password_that_is_reset_twice_at_once_is_the_one_shown(admin: httpx.Client, office: Pages) -> None:
    person_id = hire(office.database, office.app.state.accounts, "T1", "Wu Min")
    page = f"/console/office/people/{person_id}"
    first, again = send_twice(admin, page, f"{page}/passwords/portal", {}, r'id="password">([^<]+)<')
    assert first == again
    signed = httpx.post(
        f"{office.url}/console/sign-in", data={"number": "T1", "password": first}, headers={"Origin": office.url}
    )
    assert signed.status_code == 303


def texts() -> Callable[[], tuple[str]]:
    numbers = count()
    return lambda: (str(next(numbers)),)


def test_it_is_kept_for_a_moment_for_one_person_one_form_and_what_was_in_it() -> None:
    now, made = [0.0], texts()
    kept = ShownOnce(clock=lambda: now[0])
    me, other, key = (UUID(int=one) for one in (1, 2, 3))
    assert [kept.make(me, key, "a", made) for _ in range(3)] == [("0",)] * 3
    assert kept.make(other, key, "a", made) == ("1",)
    assert kept.make(me, key, "b", made) == ("2",)
    assert [kept.make(me, None, "a", made) for _ in range(2)] == [("3",), ("4",)]
    now[0] = KEPT_S + 1
    assert kept.make(me, key, "a", made) == ("5",)


def test_two_at_the_same_moment_make_one_and_what_fails_is_tried_again() -> None:
    kept, made, key = ShownOnce(), texts(), new_id()
    makes_one_of_many([kept], made, key)

    def fail() -> tuple[str]:
        raise LookupError

    another = new_id()
    with pytest.raises(LookupError):
        kept.make(key, another, "", fail)
    assert kept.make(key, another, "", made) == ("1",)


def makes_one_of_many(servers: Sequence[ShownOnce], made: Callable[[], tuple[str]], key: UUID) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda number: tuple(servers[number % len(servers)].make(key, key, "", made)), range(8))
        assert set(found) == {("0",)}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_servers_show_what_either_made_and_the_database_alone_tells_nobody(database: Database) -> None:
    servers, made, key = [ShownOnce(database), ShownOnce(database)], texts(), new_id()
    makes_one_of_many(servers, made, key)

    def fail() -> tuple[str]:
        raise LookupError

    another = new_id()
    with pytest.raises(LookupError):
        servers[0].make(key, another, "", fail)
    assert servers[1].make(key, another, "", lambda: ("a secret",)) == ("a secret",)
    assert list(servers[0].make(key, another, "", fail)) == ["a secret"]
    with database.read() as session:
        held = [*session.query(ShownSecret)]
    assert len(held) == 2
    assert not any(b"secret" in one.sealed for one in held)
    with database.begin() as session:
        for row in session.query(ShownSecret):
            row.at -= timedelta(seconds=KEPT_S + 1)
    assert servers[1].make(key, key, "", made) == ("1",), "after a minute another is made"
    with database.read() as session:
        assert session.query(ShownSecret).count() == 1
