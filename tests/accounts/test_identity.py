"""Identity for others, first tap, the consumption password on a terminal, phone confirmation."""

import pytest

from accounts.people.phones import PhoneUnavailableError
from accounts.vocabulary import DeviceRole, PersonState, Role
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


UID = "04A1B2C3D4E580"
ALWAYS = {"person_id", "standing", "card_state", "trust", "key_expected"}


@pytest.mark.parametrize(
    ("role", "visible"),
    [
        (DeviceRole.DESK, {"name", "number", "kind", "department"}),
        (DeviceRole.TERMINAL, {"name"}),
        (DeviceRole.KIOSK, {"name"}),
        (DeviceRole.METER, set()),
        (DeviceRole.EDGE, set()),
        (DeviceRole.CONTROLLER, set()),
    ],
)
def test_a_device_sees_only_what_its_role_may(campus, role, visible):
    person = campus.person(department="物理")
    campus.card(person, UID)
    gate = {"gate": "north"} if role in {DeviceRole.EDGE, DeviceRole.CONTROLLER} else {}
    device = campus.as_device(role, **gate)
    shown = campus.client.post("/api/v1/identify", json={"uid": UID}, headers=device).json()
    assert {name for name, value in shown.items() if value is not None} == ALWAYS | visible


def test_a_uid_identifies_but_is_not_trusted_where_a_key_is_expected(campus):
    campus.card(campus.person(), UID, key_number=3)
    desk = campus.as_device(DeviceRole.DESK)

    def trust(**proof):
        shown = campus.client.post("/api/v1/identify", json={"uid": UID} | proof, headers=desk).json()
        return shown["trust"], shown["key_expected"]

    assert trust() == ("uid_only", True)
    assert trust(proved_key=4) == ("uid_only", True)
    assert trust(proved_key=3) == ("keyed", True)


def test_a_standing_says_why_an_account_is_not_good(campus):
    person = campus.person(valid_until=campus.clock.now.replace(year=2027))
    campus.card(person, UID)
    desk, admin = campus.as_device(DeviceRole.DESK), campus.as_role(Role.ADMIN)

    def standing():
        return campus.client.post("/api/v1/identify", json={"uid": UID}, headers=desk).json()["standing"]

    assert standing() == "good"
    address = f"/api/v1/people/{person.id}/state"
    campus.client.put(address, json={"state": PersonState.SUSPENDED}, headers=admin)
    assert standing() == "suspended"
    campus.client.put(address, json={"state": PersonState.ACTIVE}, headers=admin)
    campus.clock.forward(days=365)
    assert standing() == "expired"


def test_one_credential_at_a_time(campus):
    desk = campus.as_device(DeviceRole.DESK)
    for body in ({}, {"uid": UID, "code": "9" * 18}):
        assert campus.client.post("/api/v1/identify", json=body, headers=desk).json()["code"] == "invalid_request"


def test_the_first_tap_shows_the_identity_and_is_noted_once(campus):
    person = campus.person()
    card_id = campus.card(person, UID)
    terminal = campus.as_device(DeviceRole.TERMINAL)
    tap = {"url": "/api/v1/terminal/first-tap", "json": {"uid": UID}, "headers": terminal}
    first = campus.client.post(**tap).json()
    assert (first["name"], first["first"]) == (person.name, True)
    assert campus.client.post(**tap).json()["first"] is False
    history = campus.client.get(f"/api/v1/cards/{card_id}/history", headers=campus.as_role(Role.CASHIER)).json()
    assert [line["action"] for line in history] == ["issue", "first_tap"]


def test_the_consumption_password_is_changed_on_a_terminal(campus):
    person = campus.person()
    campus.card(person, UID)
    campus.passwords(person.id, consumption="246801", must_change=True)
    terminal = campus.as_device(DeviceRole.TERMINAL)

    def change(current, new):
        body = {"card": {"uid": UID}, "current": current, "new": new}
        return campus.client.put("/api/v1/terminal/consumption-password", json=body, headers=terminal)

    assert change("000000", "975318").json()["code"] == "password_wrong"
    assert change("246801", "111111").json()["code"] == "weak_password"
    assert change("246801", "975318").status_code == 204
    assert change("246801", "864209").json()["code"] == "password_wrong"


def test_a_copied_uid_does_not_change_the_password_of_a_card_with_a_key(campus):
    person = campus.person()
    campus.card(person, UID, key_number=3)
    campus.passwords(person.id, consumption="246801")
    terminal = campus.as_device(DeviceRole.TERMINAL)

    def change(**proof):
        body = {"card": {"uid": UID} | proof, "current": "246801", "new": "975318"}
        return campus.client.put("/api/v1/terminal/consumption-password", json=body, headers=terminal)

    assert change().json()["code"] == "card_key_required"
    assert change(proved_key=3).status_code == 204


class Phone:
    def __init__(self):
        self.received = []

    def send(self, phone, code):
        if phone.endswith("0"):
            raise PhoneUnavailableError
        self.received.append((phone, code))


@ON_BOTH
def test_a_phone_number_is_confirmed_with_the_code_that_arrived(make_campus):
    phone = Phone()
    campus = make_campus(code_sender=phone)
    me = campus.as_person(campus.person().id)
    assert campus.client.post("/api/v1/me/phone", json={"phone": "13800138001"}, headers=me).status_code == 202
    ((number, code),) = phone.received
    assert number == "+8613800138001"
    pause = campus.client.post("/api/v1/me/phone", json={"phone": "13800138001"}, headers=me)
    assert (pause.status_code, pause.json()["code"]) == (429, "phone_code_pause")
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(4):
        refused = campus.client.post("/api/v1/me/phone/confirm", json={"code": wrong}, headers=me)
        assert refused.json()["code"] == "phone_code_wrong"
    assert campus.client.post("/api/v1/me/phone/confirm", json={"code": code}, headers=me).status_code == 204
    assert campus.client.get("/api/v1/me", headers=me).json()["phone_confirmed"]
    again = campus.client.post("/api/v1/me/phone/confirm", json={"code": code}, headers=me)
    assert again.json()["code"] == "phone_code_wrong"


def test_a_phone_code_dies_after_five_wrong_tries_or_five_minutes(make_campus):
    phone = Phone()
    campus = make_campus(code_sender=phone)
    me = campus.as_person(campus.person().id)
    campus.client.post("/api/v1/me/phone", json={"phone": "+4915112345678"}, headers=me)
    code = phone.received[0][1]
    for _ in range(5):
        campus.client.post("/api/v1/me/phone/confirm", json={"code": f"{(int(code) + 1) % 10**6:06}"}, headers=me)
    assert campus.client.post("/api/v1/me/phone/confirm", json={"code": code}, headers=me).status_code == 403
    campus.clock.forward(minutes=1)
    campus.client.post("/api/v1/me/phone", json={"phone": "+4915112345678"}, headers=me)
    campus.clock.forward(minutes=5)
    late = {"code": phone.received[1][1]}
    assert campus.client.post("/api/v1/me/phone/confirm", json=late, headers=me).status_code == 403


def test_a_person_has_ten_codes_a_day_sent_and_no_more(make_campus):
    phone = Phone()
    campus = make_campus(code_sender=phone)
    person = campus.person().id
    for _ in range(10):
        asked = campus.client.post("/api/v1/me/phone", json={"phone": "13800138001"}, headers=campus.as_person(person))
        assert asked.status_code == 202
        campus.clock.forward(minutes=1)
    more = campus.client.post("/api/v1/me/phone", json={"phone": "13800138002"}, headers=campus.as_person(person))
    assert (more.status_code, more.json()["code"]) == (429, "too_many_tries")
    assert len(phone.received) == 10


def test_a_sender_that_fails_or_is_missing_is_said(make_campus):
    failing = make_campus(code_sender=Phone())
    me = failing.as_person(failing.person().id)
    answer = failing.client.post("/api/v1/me/phone", json={"phone": "13800138000"}, headers=me)
    assert (answer.status_code, answer.json()["code"]) == (503, "phone_code_unavailable")
    missing = make_campus()
    assert missing.client.post("/api/v1/me/phone", json={"phone": "13800138000"}, headers=me).status_code == 503
    assert missing.client.post("/api/v1/me/phone", json={"phone": "12"}, headers=me).status_code == 503
