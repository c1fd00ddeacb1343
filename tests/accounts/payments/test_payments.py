"""Payments by card at a terminal, through the API."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx import Response

from accounts import cards, devices, people
from accounts.cards import loss
from accounts.cards.identity import Presented
from accounts.ledger import AccountState, Transfer, record, set_state
from accounts.payments.wallet import Payment, Terminal
from accounts.vocabulary import DeviceRole, PersonState
from database import new_id
from tests.accounts.payments.steps import (
    code,
    report_loss,
)
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


PIN = "482913"


def test_a_card_pays_and_the_terminal_sees_name_and_balance(shop: Any) -> None:
    holder = shop.holder(5_000)
    answer = shop.pay(holder, 1_250)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["amount"], body["balance"]) == ("paid", 1_250, 3_750)
    assert (body["person_id"], body["name"], body["channel"]) == (str(holder.id), "王小明", "wallet")
    assert shop.balance(shop.merchant_id) == 1_250


def test_a_payment_sent_again_is_taken_once(shop: Any) -> None:
    holder = shop.holder(5_000)
    body = {"id": str(new_id())}
    first, second = shop.pay(holder, 1_000, **body), shop.pay(holder, 1_000, **body)
    assert first.json() == second.json()
    assert shop.balance(holder.id) == 4_000
    assert code(shop.pay(holder, 1_001, **body)) == "payment_id_reused"
    assert code(shop.pay(shop.holder(5_000), 1_000, **body)) == "payment_id_reused"


def test_a_payment_sent_again_is_answered_though_the_card_was_lost_meanwhile(shop: Any) -> None:
    holder = shop.holder(5_000)
    body = {"id": str(new_id())}
    first = shop.pay(holder, 1_000, **body)
    report_loss(shop, holder)
    assert shop.pay(holder, 1_000, **body).json() == first.json()


def test_a_payment_from_before_the_site_key_was_in_its_digest_is_answered_when_it_is_sent_again(shop: Any) -> None:
    holder, payment_id = shop.holder(5_000), new_id()
    with shop.database.read() as session:
        device = devices.authenticate(session, shop.terminal["Authorization"].removeprefix("Bearer "))
        assert device is not None
    terminal = Terminal(device.id, shop.merchant_id, "north")
    payload = Payment(payment_id, 1_000, Presented(uid=holder.uid)).payload_without_key(terminal)
    taken = Transfer(payment_id, "payment", holder.id, shop.merchant_id, 1_000, payload=payload)
    with shop.database.begin() as session:
        record(session, [taken], shop.now)[0].require()
    again = shop.pay(holder, 1_000, id=str(payment_id))
    assert (again.status_code, again.json()["balance"]) == (201, 4_000)
    assert shop.balance(holder.id) == 4_000
    assert code(shop.pay(holder, 1_001, id=str(payment_id))) == "payment_id_reused"


@ON_BOTH
def test_a_payment_sent_by_many_at_once_is_taken_once(shop: Any) -> None:
    holder = shop.holder(5_000)
    body = {"id": str(new_id())}
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: shop.pay(holder, 1_000, **body), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert shop.balance(holder.id) == 4_000


def test_too_little_money_is_refused_with_what_there_is(shop: Any) -> None:
    holder = shop.holder(700)
    answer = shop.pay(holder, 701)
    assert (code(answer), answer.json()["left"]) == ("insufficient_funds", 700)
    assert shop.balance(holder.id) == 700


def test_a_meal_above_30_yuan_needs_the_consumption_password(shop: Any) -> None:
    holder = shop.holder(20_000)
    assert shop.pay(holder, 2_000).status_code == 201
    body = {"id": str(new_id())}
    answer = shop.pay(holder, 1_001, **body)
    assert answer.status_code == 403
    assert (code(answer), answer.json()["limit"], answer.json()["left"]) == (
        "consumption_password_required",
        "meal",
        1_000,
    )
    assert shop.pay(holder, 1_001, consumption_password=PIN, **body).status_code == 201
    assert shop.pay(holder, 1_001, consumption_password=PIN, **body).json()["balance"] == 16_999


def test_a_day_above_100_yuan_needs_the_consumption_password_and_begins_anew_at_midnight(shop: Any) -> None:
    holder = shop.holder(50_000)
    assert shop.pay(holder, 9_500, consumption_password=PIN).status_code == 201
    shop.campus.clock.forward(hours=5)  # dinner
    answer = shop.pay(holder, 501)
    assert (code(answer), answer.json()["limit"], answer.json()["left"]) == (
        "consumption_password_required",
        "day",
        500,
    )
    shop.campus.clock.forward(hours=6, minutes=59)  # 23:59
    assert code(shop.pay(holder, 501)) == "consumption_password_required"
    shop.campus.clock.forward(minutes=1)
    assert shop.pay(holder, 3_000).status_code == 201, "another day"


def test_a_meal_ends_with_its_period(shop: Any) -> None:
    holder = shop.holder(20_000)
    assert shop.pay(holder, 3_000).status_code == 201
    assert code(shop.pay(holder, 1)) == "consumption_password_required"
    shop.campus.clock.forward(hours=3)  # 15:00, dinner
    assert shop.pay(holder, 3_000).status_code == 201


def test_a_wrong_password_takes_nothing_and_five_of_them_lock(shop: Any) -> None:
    holder = shop.holder(20_000)
    codes = [code(shop.pay(holder, 4_000, consumption_password="000000")) for _ in range(5)]
    assert codes == ["password_wrong"] * 4 + ["password_locked"]
    assert code(shop.pay(holder, 4_000, consumption_password=PIN)) == "password_locked"
    assert shop.balance(holder.id) == 20_000
    assert shop.pay(holder, 3_000).status_code == 201, "what needs no password goes on"
    shop.campus.clock.forward(minutes=15)
    assert shop.pay(holder, 4_000, consumption_password=PIN).status_code == 201


def test_a_first_password_must_be_changed_before_it_pays(shop: Any) -> None:
    holder = shop.holder(20_000, must_change=True)
    assert code(shop.pay(holder, 4_000, consumption_password=PIN)) == "password_change_required"
    assert shop.pay(holder, 3_000).status_code == 201


def test_a_refund_of_the_same_meal_gives_the_allowance_back(shop: Any) -> None:
    holder = shop.holder(20_000)
    paid = shop.pay(holder, 3_000).json()["id"]
    assert code(shop.pay(holder, 500)) == "consumption_password_required"
    assert shop.post(f"/payments/{paid}/refunds", id=str(new_id()), amount=1_000).status_code == 201
    assert shop.pay(holder, 1_000).status_code == 201


def test_a_lost_card_pays_nothing(shop: Any) -> None:
    holder = shop.holder(5_000)
    report_loss(shop, holder)
    answer = shop.pay(holder, 100)
    assert (code(answer), answer.json()["state"]) == ("card_not_usable", "lost")


def test_an_unknown_card_and_a_text_that_is_no_uid_are_refused(shop: Any) -> None:
    holder = shop.holder(5_000)
    holder.uid = "04FFFFFFFFFFFF"
    assert code(shop.pay(holder, 100)) == "unknown_card"
    holder.uid = "hello"
    assert code(shop.pay(holder, 100)) == "invalid_card_uid"


def test_a_suspended_person_and_a_suspended_wallet_pay_nothing(shop: Any) -> None:
    holder = shop.holder(5_000)
    with shop.database.begin() as session:
        set_state(session, holder.id, AccountState.SUSPENDED)
    assert code(shop.pay(holder, 100)) == "wallet_not_usable"
    with shop.database.begin() as session:
        set_state(session, holder.id, AccountState.ACTIVE)
    other = shop.holder(5_000)
    with shop.database.begin() as session:
        people.set_state(session, people.get(session, other.id), PersonState.SUSPENDED, by="system", now=shop.now)
    assert code(shop.pay(other, 100)) == "account_not_usable"


def test_a_card_with_a_key_must_prove_it(shop: Any) -> None:
    holder = shop.holder(5_000)
    with shop.database.begin() as session:
        cards.get(session, holder.card_id).key_number = 3
    assert code(shop.pay(holder, 100)) == "card_key_required"
    assert shop.pay(holder, 100, card={"uid": holder.uid, "proved_key": 3}).status_code == 201


def test_a_service_pays_only_on_the_campuses_where_it_is_enabled(shop: Any) -> None:
    holder = shop.holder(5_000)
    _, elsewhere = shop.another_merchant(campus="west")
    answer = shop.pay(holder, 100, terminal=elsewhere)
    assert (code(answer), answer.json()["campus"]) == ("service_not_on_campus", "west")
    stray = shop.campus.as_device(DeviceRole.TERMINAL, campus="south", merchant_id=shop.merchant_id)
    assert code(shop.pay(holder, 100, terminal=stray)) == "service_not_on_campus"
    nowhere = shop.campus.as_device(DeviceRole.TERMINAL)
    assert code(shop.pay(holder, 100, terminal=nowhere)) == "no_merchant"


def test_only_terminals_take_payments(shop: Any) -> None:
    holder = shop.holder(5_000)
    edge = shop.campus.as_device(DeviceRole.EDGE, gate="east")
    assert code(shop.pay(holder, 100, terminal=edge)) == "device_role_required"
    assert code(shop.pay(holder, 100, terminal={"Authorization": "Bearer nothing"})) == "not_a_device"


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 12.5},
        {"amount": 10**12},
        {"id": "1"},
        {"code": "901234567890123456"},
        {"card": None},
        {"tip": 5},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(shop: Any, body: dict[str, Any]) -> None:
    whole = {"id": str(new_id()), "amount": 100, "card": {"uid": shop.holder(5_000).uid}} | body
    assert code(shop.post("/payments", **whole)) == "invalid_request"


def test_a_terminal_reads_what_became_of_a_payment(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 1_000).json()
    assert shop.client.get(f"/api/v1/payments/{paid['id']}", headers=shop.terminal).json() == paid
    answer = shop.client.get(f"/api/v1/payments/{new_id()}", headers=shop.terminal)
    assert code(answer) == "not_found"


@ON_BOTH
def test_the_holder_changes_limits_at_a_terminal_with_the_consumption_password(shop: Any) -> None:
    holder = shop.holder(20_000)

    def change(**body: Any) -> Response:
        body = {"card": {"uid": holder.uid}, "consumption_password": PIN, "meal": 5_000, "day": 20_000} | body
        return shop.client.put("/api/v1/terminal/limits", json=body, headers=shop.terminal)

    assert code(change(consumption_password="111111")) == "password_wrong"
    assert code(change(meal=5_000, day=4_000)) == "invalid_limits"
    assert code(shop.pay(holder, 4_000)) == "consumption_password_required"
    assert change().json() == {"meal": 5_000, "day": 20_000}
    assert shop.pay(holder, 4_000).status_code == 201
    assert change(meal=0, day=0).status_code == 200
    assert code(shop.pay(holder, 1)) == "consumption_password_required", "no payment without the password"


def test_the_holder_changes_limits_in_the_app_with_the_consumption_password(shop: Any) -> None:
    holder, newcomer = shop.holder(20_000), shop.holder(must_change=True)

    def change(who: Any, **body: Any) -> Response:
        body = {"consumption_password": PIN, "meal": 5_000, "day": 20_000} | body
        return shop.client.put("/api/v1/me/limits", json=body, headers=shop.campus.as_person(who.id))

    assert code(change(holder, consumption_password="111111")) == "password_wrong"
    assert code(change(holder, day=4_000)) == "invalid_limits"
    assert code(change(newcomer)) == "password_change_required"
    assert change(holder).json() == {"meal": 5_000, "day": 20_000}
    assert shop.pay(holder, 4_000).status_code == 201


def test_the_holder_sees_wallet_and_statement(shop: Any) -> None:
    holder = shop.holder(5_000)
    amounts = [100, 200, 300]
    for amount in amounts:
        shop.pay(holder, amount)
    me = shop.campus.as_person(holder.id)
    wallet = shop.client.get("/api/v1/me/wallet", headers=me).json()
    assert (wallet["balance"], wallet["available"], wallet["limits"]) == (4_400, 4_400, {"meal": 3_000, "day": 10_000})
    first = shop.client.get("/api/v1/me/statement?limit=3", headers=me).json()
    assert [(line["amount"], line["balance"]) for line in first["items"]] == [
        (-300, 4_400),
        (-200, 4_700),
        (-100, 4_900),
    ]
    second = shop.client.get(f"/api/v1/me/statement?limit=3&cursor={first['next']}", headers=me).json()
    assert [(line["purpose"], line["balance"]) for line in second["items"]] == [("top_up", 5_000)]
    assert second["next"] is None


def test_no_answer_carries_a_number_a_uid_or_a_password(shop: Any) -> None:
    holder = shop.holder(5_000)
    answers = [
        shop.pay(holder, 100),
        shop.pay(holder, 4_000, consumption_password="000000"),
        shop.pay(holder, 4_000),
        shop.pay(holder, 0, consumption_password=PIN),
    ]
    said = json.dumps([answer.json() for answer in answers])
    assert holder.uid not in said
    assert PIN not in said


def test_the_reissue_fee_comes_from_the_wallet_that_the_lost_card_left(shop: Any) -> None:
    holder = shop.holder(999)
    report_loss(shop, holder)
    shop.campus.clock.forward(hours=24)
    with pytest.raises(loss.ReissueFeeError), shop.database.begin() as session:
        loss.reissue(
            session,
            people.get(session, holder.id, lock=True),
            "04A1B2C3D4EEEE",
            key_number=None,
            by="system",
            now=shop.now,
        )
    assert code(shop.pay(holder, 1)) == "card_not_usable"
    shop.give(holder, 1)
    with shop.database.begin() as session:
        loss.reissue(
            session,
            people.get(session, holder.id, lock=True),
            "04A1B2C3D4EEEE",
            key_number=None,
            by="system",
            now=shop.now,
        )
    assert shop.balance(holder.id) == 0
