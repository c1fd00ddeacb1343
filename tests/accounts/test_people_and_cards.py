"""People, cards and devices through the API."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text

from accounts import audit, cards, devices, people
from accounts.people import changes
from accounts.vocabulary import DeviceRole, PersonKind, Role
from database import Database, new_id
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


CASHIER = new_id()
NEW = {"number": "20260001", "name": "李华", "kind": "student", "department": "物理", "groups": ["dorm-3", "library"]}


def test_an_account_is_opened_read_and_changed(campus):
    admin = campus.as_role(Role.ADMIN)
    made = campus.client.post("/api/v1/people", json=NEW, headers=admin)
    assert made.status_code == 201, made.text
    address = f"/api/v1/people/{made.json()['id']}"
    assert campus.client.get(address, headers=admin).json() == made.json()
    changed = campus.client.put(address, json=NEW | {"groups": ["library", "lab"]}, headers=admin).json()
    assert changed["groups"] == ["lab", "library"]
    assert changed["valid_from"] == made.json()["valid_from"]
    with campus.database.read() as session:
        assert [str(one.person_id) for one in changes.since(session, 0)] == [made.json()["id"]] * 2
        assert audit.verify(session).lines == 4  # opened, looked at, changed, and looked at


def test_a_number_belongs_to_one_person(campus):
    admin = campus.as_role(Role.ADMIN)
    campus.client.post("/api/v1/people", json=NEW, headers=admin)
    again = campus.client.post("/api/v1/people", json=NEW, headers=admin)
    assert (again.status_code, again.json()["code"]) == (409, "number_taken")
    assert again.headers["content-type"] == "application/problem+json"


@ON_BOTH
@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/api/v1/people", NEW, "number_taken"),
        ("/api/v1/devices", {"name": "till 1", "role": "terminal"}, "device_name_taken"),
    ],
)
def test_of_many_at_the_same_moment_one_is_made(campus, path, body, code):
    admin = campus.as_role(Role.ADMIN)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: campus.client.post(path, json=body, headers=admin), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {code}


@ON_BOTH
def test_of_many_who_take_one_card_at_the_same_moment_one_has_it(campus):
    cashier, people = campus.as_role(Role.CASHIER), [campus.person().id for _ in range(6)]

    def take(person_id):
        return campus.client.post(f"/api/v1/people/{person_id}/cards", json={"uid": "04A1B2C3"}, headers=cashier)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(take, people))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


@ON_BOTH
def test_a_list_is_paged_without_gaps_or_repeats(campus):
    admin = campus.as_person(CASHIER, Role.CASHIER)
    wanted = [str(CASHIER)] + [str(campus.person().id) for _ in range(7)]
    seen, cursor = [], None
    while True:
        page = campus.client.get("/api/v1/people", params={"limit": 3, "cursor": cursor}, headers=admin).json()
        seen += [person["id"] for person in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == wanted


@ON_BOTH
@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, ["A1", "A2", "B_1"]),
        ({"search": "A"}, ["A1", "A2"]),
        ({"search": "华"}, ["A1"]),
        ({"search": "_"}, []),
        ({"search": "%"}, []),
        ({"search": "\\"}, []),
        ({"search": "B_"}, ["B_1"]),
        ({"kind": "staff"}, ["B_1"]),
        ({"department": "物理"}, ["A2"]),
        ({"group": "dorm-3"}, ["A1", "B_1"]),
        ({"group": "dorm-3", "kind": "student"}, ["A1"]),
        ({"state": "suspended"}, []),
    ],
)
def test_people_are_found_by_what_is_known_of_them(campus, wanted, numbers):
    campus.person(number="A1", name="李华", groups=frozenset({"dorm-3"}))
    campus.person(number="A2", name="王芳", department="物理")
    campus.person(number="B_1", name="张伟", kind=PersonKind.STAFF, groups=frozenset({"dorm-3", "lab"}))
    found = campus.client.get("/api/v1/people", params=wanted, headers=campus.as_person(CASHIER, Role.CASHIER)).json()
    assert [person["number"] for person in found["items"] if person["id"] != str(CASHIER)] == numbers


@pytest.mark.parametrize("cursor", ["x", "AAAA", "bm90IGpzb24"])
def test_a_foreign_cursor_is_refused(campus, cursor):
    refused = campus.client.get("/api/v1/people", params={"cursor": cursor}, headers=campus.as_role(Role.ADMIN))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "validity",
    [
        {"valid_from": "0001-01-01T00:00:00+14:00"},
        {"valid_until": "9999-12-31T23:59:59-12:00"},
        {"valid_from": "2026-09-02T00:00Z", "valid_until": "2026-09-01T00:00Z"},
    ],
)
def test_a_validity_that_cannot_be_is_refused(campus, validity):
    refused = campus.client.post("/api/v1/people", json=NEW | validity, headers=campus.as_role(Role.ADMIN))
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_person")


def test_a_closed_account_stays_closed(campus):
    admin, person = campus.as_role(Role.ADMIN), campus.person()
    address = f"/api/v1/people/{person.id}/state"
    assert campus.client.put(address, json={"state": "closed"}, headers=admin).json()["state"] == "closed"
    again = campus.client.put(address, json={"state": "active"}, headers=admin)
    assert (again.status_code, again.json()["code"]) == (409, "account_closed")


def test_only_the_right_roles_pass(campus):
    person = campus.person()
    address = f"/api/v1/people/{person.id}"
    assert campus.client.get(address).json()["code"] == "not_signed_in"
    assert campus.client.get(address, headers=campus.as_person(person.id)).json()["code"] == "role_required"
    first = campus.as_person(person.id, Role.ADMIN, must_change_password=True)
    assert campus.client.get(address, headers=first).json()["code"] == "password_change_required"
    terminal = campus.as_device(DeviceRole.TERMINAL)
    assert campus.client.get(address, headers=terminal).json()["code"] == "not_signed_in"


def test_an_access_token_ends_after_ten_minutes(campus):
    headers = campus.as_role(Role.ADMIN)
    campus.clock.forward(minutes=9, seconds=59)
    assert campus.client.get("/api/v1/people", headers=headers).status_code == 200
    campus.clock.forward(seconds=1)
    assert campus.client.get("/api/v1/people", headers=headers).status_code == 401


def test_a_card_is_issued_once_and_its_history_is_kept(campus):
    cashier, person = campus.as_role(Role.CASHIER), campus.person()
    address = f"/api/v1/people/{person.id}/cards"
    card = campus.client.post(address, json={"uid": "04:a1:b2:c3"}, headers=cashier).json()
    assert ("uid" in card, card["state"]) == (False, "active")
    second = campus.client.post(address, json={"uid": "04A1B2C4"}, headers=cashier)
    assert second.json()["code"] == "card_already_issued"
    other = campus.client.post(f"/api/v1/people/{campus.person().id}/cards", json={"uid": "04A1B2C3"}, headers=cashier)
    assert other.json()["code"] == "card_uid_taken"
    campus.client.post(f"/api/v1/cards/{card['id']}/suspend", json={}, headers=cashier)
    campus.client.post(f"/api/v1/cards/{card['id']}/return", json={"note": "left the campus"}, headers=cashier)
    wrong = campus.client.post(f"/api/v1/cards/{card['id']}/suspend", json={}, headers=cashier)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "card_state_conflict")
    history = campus.client.get(f"/api/v1/cards/{card['id']}/history", headers=cashier).json()
    assert [line["action"] for line in history] == ["issue", "suspend", "return"]
    assert campus.client.post(address, json={"uid": "04A1B2C3"}, headers=cashier).status_code == 201


@pytest.mark.parametrize("uid", ["12D687", "0104A31B72", "E004010203040506", "04:A1:B2:C3:D4:E5:80"])
def test_every_kind_of_card_can_be_issued(campus, uid):
    """24 bits of Wiegand, EM4100, ISO 15693, a UID of seven bytes."""
    address, cashier = f"/api/v1/people/{campus.person().id}/cards", campus.as_role(Role.CASHIER)
    made = campus.client.post(address, json={"uid": uid}, headers=cashier)
    assert made.status_code == 201
    with campus.database.read() as session:
        assert str(cards.by_uid(session, uid.lower()).id) == made.json()["id"]


@pytest.mark.parametrize("uid", ["", "04A1", "04A1B2C3D4E5", "GGGGGGGG", "04A1B2C3" * 3])
def test_what_is_no_uid_is_refused(campus, uid):
    refused = campus.client.post(
        f"/api/v1/people/{campus.person().id}/cards", json={"uid": uid}, headers=campus.as_role(Role.CASHIER)
    )
    assert refused.status_code == 422


@ON_BOTH
def test_a_device_token_works_until_it_is_rotated_or_revoked(campus):
    admin = campus.as_role(Role.ADMIN)
    made = campus.client.post("/api/v1/devices", json={"name": "till 1", "role": "terminal"}, headers=admin).json()
    with campus.database.read() as session:
        assert devices.authenticate(session, made["token"]).name == "till 1"
        stored = session.execute(text("SELECT * FROM devices")).one()
        assert made["token"].encode() not in b"".join(value for value in stored if isinstance(value, bytes))
    fresh = campus.client.post(f"/api/v1/devices/{made['id']}/token", headers=admin).json()["token"]
    with campus.database.read() as session:
        assert devices.authenticate(session, made["token"]) is None
        assert devices.authenticate(session, fresh[:-1] + ("A" if fresh[-1] != "A" else "B")) is None
        assert devices.authenticate(session, f"cgd_{uuid4().hex}_{fresh[-43:]}") is None
        assert devices.authenticate(session, fresh) is not None
    assert campus.client.delete(f"/api/v1/devices/{made['id']}", headers=admin).status_code == 204
    with campus.database.read() as session:
        assert devices.authenticate(session, fresh) is None


def test_a_gate_device_names_its_gate(campus):
    admin = campus.as_role(Role.ADMIN)
    refused = campus.client.post("/api/v1/devices", json={"name": "eye", "role": "edge"}, headers=admin)
    assert refused.json()["code"] == "device_gate_required"


@ON_BOTH
def test_nobody_is_found_by_what_no_text_may_hold(database: Database) -> None:
    with database.read() as session:
        assert people.by_number(session, "2026\0") is None
        assert people.find(session, search="\0") == []


def test_a_card_dispenser_and_nothing_else_names_its_kiosk(campus):
    admin = campus.as_role(Role.ADMIN)

    def add(**device):
        return campus.client.post("/api/v1/devices", json={"name": str(uuid4())} | device, headers=admin).json()

    kiosk = add(role="kiosk")
    assert add(role="dispenser")["code"] == "device_kiosk_required"
    assert add(role="terminal", kiosk_id=kiosk["id"])["code"] == "device_kiosk_required"
    desk = add(role="desk")
    assert add(role="dispenser", kiosk_id=desk["id"])["code"] == "unknown_device_place"
    assert add(role="dispenser", kiosk_id=str(uuid4()))["code"] == "unknown_device_place"
    assert add(role="dispenser", kiosk_id=kiosk["id"])["kiosk_id"] == kiosk["id"]
    assert campus.client.delete(f"/api/v1/devices/{kiosk['id']}", headers=admin).status_code == 204
    assert add(role="dispenser", kiosk_id=kiosk["id"])["code"] == "unknown_device_place"
