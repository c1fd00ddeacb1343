"""Zones, schedules, groups, passes, devices and roles in the administration."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import expect

from access.credentials import code_digest
from accounts import audit, devices, people
from accounts.audit.trail import BACKUP
from accounts.principals import Principal
from accounts.tables import Person
from accounts.vocabulary import DeviceRole, Role
from directory.device_sightings import find_last_seen
from directory.tables import GateApplied, VisitorPass
from metering.reader_contract import Protocol
from metering.rooms import meters
from tests.console.administration import check_pages, groups_of, resident, rule, staff
from tests.console.page_server import PASSWORD, Pages, signed_in

HOME = "/console/administration"


@pytest.fixture(scope="module")
def console(served_pages: Pages) -> Pages:
    staff(served_pages)
    rule(served_pages)
    return served_pages


@pytest.fixture(scope="module")
def admin(console: Pages) -> Iterator[httpx.Client]:
    with signed_in(console, "A1") as client:
        yield client


@pytest.fixture(scope="module")
def facilities(console: Pages) -> Iterator[httpx.Client]:
    with signed_in(console, "F1") as client:
        yield client


def ticket(client: httpx.Client) -> str:
    return client.post("/console/tickets", json={"action": "pass"}).json()["ticket"]


def test_a_device_is_added_and_its_token_shown_once(open_window, console) -> None:
    window = open_window()
    window.context.request.post(
        f"{console.url}/console/sign-in",
        form={"number": "A1", "password": PASSWORD},
        headers={"Origin": console.url},
        max_redirects=0,
    )
    window.goto(f"{console.url}{HOME}/devices")
    window.get_by_role("link", name="New device").click()
    window.get_by_label("Name").fill("north-controller")
    window.get_by_label("Kind").select_option("controller")
    window.get_by_role("button", name="Add it").click()
    expect(window.locator("#gate-said")).to_contain_text("needs the gate")
    window.get_by_label("Gate it serves").select_option("north")
    window.get_by_role("button", name="Add it").click()
    token = window.locator("#token").input_value()
    expect(window.get_by_text("It cannot be seen again")).to_be_visible()
    with console.database.read() as session:
        device = devices.authenticate(session, token)
        assert device is not None
        assert (device.name, device.role, device.gate) == ("north-controller", DeviceRole.CONTROLLER, "north")
    window.get_by_role("link", name="I have kept it").click()
    row = window.get_by_role("row", name="north-controller")
    expect(row).to_contain_text("valid")
    assert token not in window.content()
    row.get_by_role("link").click()
    window.get_by_role("button", name="Exchange the token").click()
    newer = window.locator("#token").input_value()
    with console.database.read() as session:
        assert devices.authenticate(session, token) is None
        assert devices.authenticate(session, newer) is not None


def test_the_pages_are_for_everybody(open_window, console, facilities) -> None:
    resident(console, "P1", "students")
    give(facilities, console, "P1")
    with console.database.begin() as session:
        device, _ = devices.add(
            session, name="east-edge", role=DeviceRole.EDGE, gate="north", by="test", now=datetime.now(UTC)
        )
    pages = ["zones", "schedules", "groups", "groups/members?name=students", "passes", "passes/new", "devices"]
    pages += ["devices/new", f"devices/{device.id}", "roles", "settings", "state"]
    check_pages(open_window, console, "A1", [f"{HOME}/{page}" for page in pages])


def test_a_device_that_was_heard_says_when_and_ends_for_good(admin, console) -> None:
    now = datetime.now(UTC)
    with console.database.begin() as session:
        device, token = devices.add(session, name="west-edge", role=DeviceRole.EDGE, gate="north", by="test", now=now)
        session.add(
            GateApplied(
                gate="north", view="full", device_id=device.id, revision=1, digest=None, applied_at=now, seen_at=now
            )
        )
    with console.database.read() as session:
        assert find_last_seen(session)[device.id] == now
    assert "not known" not in admin.get(f"{HOME}/devices/{device.id}").text
    assert "The device was ended" in admin.post(f"{HOME}/devices/{device.id}/revocation").text
    with console.database.read() as session:
        assert devices.authenticate(session, token) is None
    assert "ended" in admin.get(f"{HOME}/devices?role=edge").text
    assert admin.post(f"{HOME}/devices/new", data={"name": "west-edge", "role": "desk"}).status_code == 409
    assert admin.post(f"{HOME}/devices/new", data={"name": "x", "role": "castle"}).status_code == 422


def test_zones_are_added_renamed_and_removed_when_no_gate_leads_there(facilities) -> None:
    page = facilities.post(f"{HOME}/zones", data={"name": "annex", "title": "Annex", "site": "main"})
    assert "The zone was kept" in page.text
    facilities.post(f"{HOME}/zones", data={"name": "annex", "title": "North annex", "site": "main"})
    assert "North annex" in facilities.get(f"{HOME}/zones").text
    refused = facilities.post(f"{HOME}/zones", data={"name": "An annex", "title": " ", "site": "main"})
    assert (refused.status_code, 'id="name-said" class="problem"' in refused.text) == (422, True)
    held = facilities.post(f"{HOME}/zones/hall/removal")
    assert (held.status_code, "A gate leads into this zone" in held.text) == (409, True)
    assert "North annex" not in facilities.post(f"{HOME}/zones/annex/removal").text


def test_schedules_of_all_gates_are_drawn_once(facilities) -> None:
    page = facilities.get(f"{HOME}/schedules").text
    assert page.count('<svg class="week"') == 1
    assert "Every day 06:00–23:00" in page


def test_people_are_taken_into_a_group_and_out_of_it(admin, console) -> None:
    first, second = resident(console, "G1"), resident(console, "G2", "students")
    page = admin.post(f"{HOME}/groups/members", data={"group": "choir", "numbers": "G1, G2\nG9 G1"})
    assert page.status_code == 422
    assert "G9: There is nobody with this number" in page.text
    assert groups_of(console, first) == {"choir"}
    assert groups_of(console, second) == {"choir", "students"}
    found = admin.get(f"{HOME}/groups/members", params={"name": "choir", "search": "G2"}).text
    assert (">G2<" in found, ">G1<" in found) == (True, False)
    left = admin.post(f"{HOME}/groups/members/{first}/leave", data={"group": "choir"})
    assert "They were taken out" in left.text
    assert groups_of(console, first) == frozenset()
    done = admin.post(f"{HOME}/groups/members", data={"group": "choir", "numbers": "G1"})
    assert "They were taken in" in done.text
    assert admin.post(f"{HOME}/groups/members", data={"group": "", "numbers": "G1"}).status_code == 422
    # Nobody lets themselves in by their office.
    own = admin.post(f"{HOME}/groups/members", data={"group": "choir", "numbers": "A1"})
    assert "Somebody else must do this for you" in own.text or own.status_code == 422


def give(client: httpx.Client, console: Pages, number: object, **changes: object) -> httpx.Response:
    zone = console.app.state.console.zone
    now = datetime.now(zone)
    form: dict[str, object] = {
        "number": number,
        "gate": ["north"],
        "valid_from": f"{now:%Y-%m-%dT%H:%M}",
        "valid_until": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
        "code": "letters",
        "ticket": ticket(client),
    }
    return client.post(f"{HOME}/passes/new", data=form | changes)


def test_a_pass_is_given_with_its_code_once_and_ended(facilities, console) -> None:
    person = resident(console, "V1", name="Visitor Vera")
    console.names[person] = "Visitor Vera"
    page = give(facilities, console, "V1", gate=["north", "south"], code="digits")
    assert page.status_code == 201
    found = re.search(r'<p class="code" id="code">(\d{10})</p>', page.text)
    assert found is not None
    assert "<svg" in page.text
    with console.database.read() as session:
        one = session.query(VisitorPass).filter_by(person_id=person).one()
    key = console.app.state.console.directory.credential_key
    assert (one.code_digest, one.gates) == (code_digest(key, found[1]), ["north", "south"])
    listed = facilities.get(f"{HOME}/passes").text
    assert "Visitor Vera" in listed
    assert found[1] not in listed
    assert facilities.post(f"{HOME}/passes/{one.id}/end", data={"ticket": ""}).status_code == 409
    ended = facilities.post(f"{HOME}/passes/{one.id}/end", data={"ticket": ticket(facilities)})
    assert "The pass is revoked" in ended.text
    assert "Visitor Vera" not in ended.text
    assert "Visitor Vera" in facilities.get(f"{HOME}/passes?which=all").text


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"number": "nobody"}, 422, "nobody with this number"),
        ({"gate": []}, 422, "at least one gate"),
        ({"valid_from": "soon"}, 422, "Give a day and a time"),
        ({"valid_until": "2020-01-01T00:00"}, 422, "31 days"),
        ({"ticket": ""}, 409, "nothing was done"),
        ({"number": "F1"}, 403, "Somebody else must do this"),
    ],
)
def test_a_pass_that_cannot_be_is_refused_with_what_was_typed(facilities, console, changes, status, words) -> None:
    with console.database.read() as session:
        if people.by_number(session, "V2") is None:
            resident(console, "V2")
    page = give(facilities, console, **({"number": "V2"} | changes))
    assert page.status_code == status
    assert words in page.text
    assert 'name="number"' in page.text


def test_roles_say_since_when_and_by_whom(admin, console) -> None:
    person = resident(console, "C1", name="Cashier Cai")
    with console.database.begin() as session:
        boss = people.by_number(session, "A1")
        assert boss is not None
        by = Principal(boss.id, None, frozenset({Role.ADMIN}))
        for roles in ((Role.CASHIER,), (Role.CASHIER, Role.REVIEWER)):
            people.set_roles(
                session, session.get_one(Person, person), roles, by=by.actor, now=datetime(2026, 3, 1, tzinfo=UTC)
            )
    page = admin.get(f"{HOME}/roles").text
    row = next(one for one in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "Cashier Cai" in one)
    assert "1 March" in row
    assert "Guan Li" in row
    assert page.count("Cashier Cai") == 2


@pytest.mark.parametrize("page", ["groups", "devices", "roles", "settings"])
def test_what_is_for_administrators_is_not_offered_to_others(facilities, page: str) -> None:
    assert facilities.get(f"{HOME}/{page}").status_code == 403
    assert f'href="{HOME}/{page}"' not in facilities.get(f"{HOME}/gates").text


def test_the_state_page_follows_the_server(open_window, console) -> None:
    window = open_window(console, "F1")
    window.goto(f"{console.url}{HOME}/state")
    window.locator("#link.live").wait_for()
    expect(window.locator("#meters")).to_contain_text("there are none")
    with console.database.begin() as session:
        line = meters.add_line(
            session, name="north-1-a", url="tcp://10.0.6.20:8899", protocol=Protocol.DLT645, bits_per_s=2400,
            device_id=None, by="system", now=datetime.now(UTC),
        )  # fmt: skip
        line.is_up = False
        audit.record(session, actor="system", action=BACKUP, subject="server:database", now=datetime.now(UTC))
    expect(window.locator("#meters")).to_contain_text("1 of 1 need a look")
    expect(window.locator("#server")).not_to_contain_text("none on record")
