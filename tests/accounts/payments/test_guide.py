"""The card guide from a new student's side: from the first password to the new card, over HTTP alone."""

from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from accounts import people
from accounts.vocabulary import DeviceRole, Role
from database import new_id
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


NUMBER, UID, NEW_UID = "20260777", "04A1B2C3D47777", "04A1B2C3D48888"
NATIONAL_ID, TAIL, KEYPAD = "11010120080101129x", "01129X", "011290"
QUERY, PIN = "864213", "482913"


class Student:
    """A person of the registry's list, as far as a client of the API knows them."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.kiosk = shop.campus.as_device(DeviceRole.KIOSK)
        row = {"number": NUMBER, "name": "李华", "kind": "student", "national_id": NATIONAL_ID}
        made = self.send("post", "/people/import", Role.ADMIN, rows=[row])
        assert made.json()["rows"][0]["first_passwords"]
        found = self.shop.client.get(f"/api/v1/people?search={NUMBER}", headers=self.desk(Role.CASHIER)).json()
        self.id = found["items"][0]["id"]
        issued = self.send("post", f"/people/{self.id}/cards", Role.CASHIER, uid=UID)
        assert issued.status_code == 201, issued.text

    def desk(self, role: Role) -> dict[str, str]:
        headers: dict[str, str] = self.shop.campus.as_role(role)
        return headers

    def send(self, method: str, path: str, by: Role | dict[str, str], **body: Any) -> Response:
        headers = self.desk(by) if isinstance(by, Role) else by
        answer: Response = self.shop.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        return answer

    def sign_in(self, password: str) -> Response:
        form = {"grant_type": "password", "username": NUMBER, "password": password}
        answer: Response = self.shop.client.post("/api/v1/tokens", data=form)
        return answer

    @property
    def me(self) -> dict[str, str]:
        headers: dict[str, str] = self.shop.campus.as_person(self.id)
        return headers

    def pays(self, amount: int, uid: str = UID, **body: Any) -> str:
        """Pay by card; returns `paid` or the problem's code."""
        return _outcome(
            self.send(
                "post", "/payments", self.shop.terminal, id=str(new_id()), amount=amount, card={"uid": uid}, **body
            )
        )

    def pays_by_code(self, card_id: str, amount: int) -> str:
        self.shop.campus.clock.forward(seconds=1)
        shown = self.send("post", f"/me/virtual-cards/{card_id}/code", self.me)
        if shown.status_code != 200:
            return _outcome(shown)
        body = {"id": str(new_id()), "amount": amount, "code": shown.json()["code"]}
        return _outcome(self.send("post", "/payments", self.shop.terminal, **body))

    def changes_consumption_password(self, current: str, new: str) -> str:
        body = {"card": {"uid": UID}, "current": current, "new": new}
        return _outcome(self.send("put", "/terminal/consumption-password", self.shop.terminal, **body))

    def has_a_phone(self) -> str:
        """Bind a virtual card; the channel's own sign-in is not ours to test here."""
        with self.shop.database.read() as session:
            person = people.get(session, UUID(self.id))
        return str(self.shop.campus.virtual_card(person))

    def gets(self, fen: int) -> None:
        body = {"id": str(new_id()), "person_id": self.id, "amount": fen}
        assert self.send("post", "/cash-top-ups", Role.CASHIER, **body).status_code == 201


def _outcome(answer: Response) -> str:
    if answer.status_code < 400:
        return "paid" if answer.status_code == 201 else "done"
    code: str = answer.json()["code"]
    return code


@pytest.fixture
def student(shop: Any) -> Student:
    return Student(shop)


def test_first_passwords_are_prefix_and_last_six_and_for_keypads_the_six_with_x_as_zero(student: Student) -> None:
    assert student.sign_in(f"Test@#{TAIL.lower()}").status_code == 401
    first = student.sign_in(f"Test@#{TAIL}").json()
    assert first["must_change_password"]
    token = {"Authorization": f"Bearer {first['access_token']}"}
    assert _outcome(student.send("get", "/me", token)) == "password_change_required"
    change = {"current": f"Test@#{TAIL}", "new": "a sentence of my own"}
    assert student.send("put", "/me/passwords/portal", token, **change).status_code == 204
    assert not student.sign_in("a sentence of my own").json()["must_change_password"]
    holder = {"number": NUMBER, "query_password": KEYPAD}
    assert _outcome(student.send("post", "/kiosk/holder", student.kiosk, **holder)) == "password_change_required"
    change = {"current": KEYPAD, "new": QUERY}
    assert student.send("put", "/me/passwords/query", student.me, **change).status_code == 204
    holder["query_password"] = QUERY
    assert student.send("post", "/kiosk/holder", student.kiosk, **holder).json()["name"] == "李华"


def test_the_first_consumption_password_is_changed_on_a_terminal_before_it_pays(student: Student) -> None:
    student.gets(20_000)
    assert student.pays(3_000) == "paid", "below the limits no password is asked for"
    assert student.pays(1) == "consumption_password_required"
    assert student.pays(1, consumption_password=KEYPAD) == "password_change_required"
    assert student.changes_consumption_password(KEYPAD, "123456") == "weak_password"
    assert student.changes_consumption_password(KEYPAD, PIN) == "done"
    assert student.pays(8_000, consumption_password=PIN) == "paid", "the right one lets it through, over both limits"


def test_five_wrong_tries_lock_that_password_alone_for_fifteen_minutes(student: Student) -> None:
    student.gets(20_000)
    student.changes_consumption_password(KEYPAD, PIN)
    wrong = [student.pays(5_000, consumption_password="000001") for _ in range(5)]
    assert wrong == ["password_wrong"] * 4 + ["password_locked"]
    assert student.pays(5_000, consumption_password=PIN) == "password_locked"
    assert student.pays(2_000) == "paid", "what needs no password still pays"
    assert student.send("put", "/me/passwords/query", student.me, current=KEYPAD, new=QUERY).status_code == 204
    student.shop.campus.clock.forward(minutes=15)
    assert student.pays(5_000, consumption_password=PIN) == "paid"


def test_a_reported_loss_stops_card_and_code_at_the_till_until_the_card_is_found(student: Student) -> None:
    student.gets(5_000)
    phone = student.has_a_phone()
    student.send("put", "/me/passwords/query", student.me, current=KEYPAD, new=QUERY)
    assert (student.pays(100), student.pays_by_code(phone, 100)) == ("paid", "paid")
    assert student.send("post", "/me/loss", student.me).status_code == 201
    assert (student.pays(100), student.pays_by_code(phone, 100)) == ("card_not_usable", "card_not_usable")
    shown = student.send("post", "/identify", student.shop.campus.as_device(DeviceRole.EDGE, gate="north"), uid=UID)
    assert shown.json()["card_state"] == "lost", "a gate sees it too"
    assert student.send("post", "/me/loss/release", student.me, query_password=QUERY).status_code == 204
    assert (student.pays(100), student.pays_by_code(phone, 100)) == ("paid", "paid")


def test_a_kiosk_issues_a_new_card_after_a_day_for_ten_yuan_and_the_phone_pays_again(student: Student) -> None:
    phone = student.has_a_phone()
    student.send("put", "/me/passwords/query", student.me, current=KEYPAD, new=QUERY)
    student.gets(999)
    holder = {"number": NUMBER, "query_password": QUERY}
    assert student.send("post", "/kiosk/loss", student.kiosk, **holder).status_code == 201
    once = student.kiosk | {"Idempotency-Key": "kiosk-1-0001"}
    early = student.send("post", "/kiosk/reissue", once, **holder, uid=NEW_UID)
    assert _outcome(early) == "reissue_too_early"
    student.shop.campus.clock.forward(hours=24)
    poor = student.send("post", "/kiosk/reissue", once, **holder, uid=NEW_UID)
    assert (_outcome(poor), poor.json()["reason"]) == ("reissue_fee_refused", "insufficient_funds")
    student.gets(101)
    for _ in range(2):
        assert student.send("post", "/kiosk/reissue", once, **holder, uid=NEW_UID).status_code == 201
    assert student.pays(50) == "unknown_card", "the lost one is replaced"
    assert (student.pays(50, NEW_UID), student.pays_by_code(phone, 50)) == ("paid", "paid")
    assert student.send("get", "/me/wallet", student.me).json()["balance"] == 0
    lines = student.send("get", "/me/statement", student.me).json()["items"]
    assert [line["amount"] for line in lines if line["purpose"] == "reissue"] == [-1_000]
