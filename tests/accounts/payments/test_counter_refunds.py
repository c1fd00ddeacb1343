"""A payment given back at the counter: once, at most the payment, with a reason, and never a cashier's own."""

from typing import Any
from uuid import UUID

import pytest

from accounts import audit
from accounts.vocabulary import Role
from database import new_id
from tests.accounts.payments.steps import cashier, code
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


def give_back(shop: Any, payment_id: str, headers: Any, **body: Any) -> Any:
    wanted = {"id": str(new_id()), "amount": 300, "reason": "charged twice"} | body
    return shop.client.post(f"/api/v1/payments/{payment_id}/counter-refunds", json=wanted, headers=headers)


def test_refunds_of_counter_and_terminal_are_at_most_the_payment(shop: Any) -> None:
    holder, desk = shop.holder(5_000), cashier(shop)
    paid = shop.pay(holder, 1_000).json()["id"]
    shop.post(f"/payments/{paid}/refunds", id=str(new_id()), amount=600)
    once = {"id": str(new_id()), "amount": 300}
    first = give_back(shop, paid, desk, **once)
    assert (first.status_code, first.json()["state"], first.json()["amount"]) == (201, "paid", 300)
    assert give_back(shop, paid, desk, **once).json() == first.json()
    assert (shop.balance(holder.id), shop.balance(shop.merchant_id)) == (4_900, 100)
    refused = give_back(shop, paid, desk, amount=101)
    assert (code(refused), refused.json()["left"]) == ("refund_too_large", 100)
    assert code(give_back(shop, paid, desk, **once | {"amount": 100})) == "payment_id_reused"
    with shop.database.read() as session:
        lines = [one for one in audit.find(session, limit=100) if one.action == "payment.refund"]
    assert [(one.subject, "charged twice" in one.details) for one in lines] == [(f"person:{holder.id}", True)]


def test_a_cashier_gives_back_nothing_to_themselves(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 1_000).json()["id"]
    own = shop.campus.as_person(holder.id, Role.CASHIER)
    assert code(give_back(shop, paid, own)) == "own_account"
    assert shop.balance(holder.id) == 4_000


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "two\nlines"])
def test_a_refund_needs_a_reason_of_one_line(shop: Any, reason: str) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 1_000).json()["id"]
    assert give_back(shop, paid, cashier(shop), reason=reason).status_code == 422
    assert shop.balance(holder.id) == 4_000


def test_what_is_no_payment_of_a_wallet_is_not_found(shop: Any) -> None:
    holder, desk = shop.holder(5_000), cashier(shop)
    charge = shop.scan("130000000000000001", 1_500).json()["id"]
    paid = shop.pay(holder, 1_000).json()["id"]
    back = give_back(shop, paid, desk).json()["id"]
    for other in (str(new_id()), charge, back):
        assert code(give_back(shop, other, desk)) == "not_found"
    assert shop.balance(UUID(str(shop.merchant_id))) == 700 + 1_500
