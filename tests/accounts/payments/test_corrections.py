"""Refunds and reversals of payments at a terminal, through the API."""

from typing import Any

from database import new_id
from tests.accounts.payments.steps import code
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


def test_refunds_together_are_at_most_the_payment(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 1_000).json()["id"]
    part = {"id": str(new_id()), "amount": 300}
    first = shop.post(f"/payments/{paid}/refunds", **part)
    assert (first.status_code, first.json()["amount"]) == (201, 300)
    assert shop.post(f"/payments/{paid}/refunds", **part).json() == first.json()
    answer = shop.post(f"/payments/{paid}/refunds", id=str(new_id()), amount=701)
    assert (code(answer), answer.json()["left"]) == ("refund_too_large", 700)
    rest = {"id": str(new_id())}
    assert shop.post(f"/payments/{paid}/refunds", **rest).json()["amount"] == 700
    assert shop.post(f"/payments/{paid}/refunds", **rest).json()["amount"] == 700, "the same refund again"
    assert code(shop.post(f"/payments/{paid}/refunds", id=str(new_id()))) == "refund_too_large"
    assert shop.balance(holder.id) == 5_000
    assert shop.balance(shop.merchant_id) == 0


def test_another_merchant_cannot_refund_read_or_reverse(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 1_000).json()["id"]
    _, shop.terminal = shop.another_merchant()
    assert code(shop.post(f"/payments/{paid}/refunds", id=str(new_id()))) == "not_found"
    assert code(shop.post(f"/payments/{paid}/reversal")) == "not_found"
    assert code(shop.client.get(f"/api/v1/payments/{paid}", headers=shop.terminal)) == "not_found"
    assert shop.balance(holder.id) == 4_000


def test_a_payment_whose_answer_was_lost_is_reversed_once(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 1_000).json()["id"]
    first = shop.post(f"/payments/{paid}/reversal")
    assert (first.json()["state"], first.json()["amount"]) == ("reversed", 1_000)
    assert shop.post(f"/payments/{paid}/reversal").json() == first.json()
    assert shop.balance(holder.id) == 5_000


def test_a_reversal_gives_back_what_refunds_left(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 1_000).json()["id"]
    shop.post(f"/payments/{paid}/refunds", id=str(new_id()), amount=400)
    assert shop.post(f"/payments/{paid}/reversal").json()["amount"] == 600
    assert shop.balance(holder.id) == 5_000


def test_a_reversed_payment_that_had_not_arrived_never_takes_money(shop: Any) -> None:
    holder = shop.holder(5_000)
    late = str(new_id())
    assert shop.post(f"/payments/{late}/reversal").json()["state"] == "cancelled"
    assert shop.post(f"/payments/{late}/reversal").json()["state"] == "cancelled"
    assert code(shop.pay(holder, 1_000, id=late)) == "payment_cancelled"
    assert shop.balance(holder.id) == 5_000
    read = shop.client.get(f"/api/v1/payments/{late}", headers=shop.terminal)
    assert read.json()["state"] == "cancelled"
