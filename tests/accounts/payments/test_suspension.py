"""A suspended or closed account and its wallet: one decision, in one transaction, for doors, terminals and top-ups."""

from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from accounts.housekeeping import tidy
from accounts.ledger import AccountKind, chart, named_account
from accounts.topup import orders, refunds
from accounts.vocabulary import DeviceRole, Role
from database import new_id
from tests.accounts.payments.steps import code
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


DESK = new_id()


def set_person(shop: Any, holder: Any, state: str) -> None:
    address = f"/api/v1/people/{holder.id}/state"
    answer = shop.client.put(address, json={"state": state}, headers=shop.campus.as_role(Role.ADMIN))
    assert answer.status_code == 200, answer.text


def wallet(shop: Any, holder: Any) -> tuple[str, int, int]:
    with shop.database.read() as session:
        found = chart.account(session, holder.id)
    return found.state.value, found.balance, found.available


def cash(shop: Any, holder: Any, path: str, amount: int, **body: Any) -> Response:
    body = {"id": str(new_id()), "person_id": str(holder.id), "amount": amount} | body
    answer: Response = shop.client.post(f"/api/v1/{path}", json=body, headers=shop.campus.as_person(DESK, Role.CASHIER))
    return answer


def held(shop: Any, holder: Any, amount: int) -> tuple[str, dict[str, str]]:
    meter = shop.campus.as_device(DeviceRole.METER, campus="north", merchant_id=shop.merchant_id)
    body = {"id": str(new_id()), "amount": amount, "card": {"uid": holder.uid}, "seconds": 1800}
    assert shop.client.post("/api/v1/holds", json=body, headers=meter).status_code == 201
    return body["id"], meter


def ordered(shop: Any, holder: Any, amount: int = 5_000) -> UUID:
    body = {"id": str(new_id()), "channel": "wechat", "amount": amount}
    answer = shop.client.post("/api/v1/me/top-ups", json=body, headers=shop.campus.as_person(holder.id))
    assert answer.status_code == 201, answer.text
    return UUID(body["id"])


def state(shop: Any, holder: Any, order_id: UUID) -> str:
    # A suspended holder cannot ask: they cannot sign in.
    return orders.query(shop.money, order_id, holder.id, shop.now).state


def test_a_suspended_account_takes_only_the_end_of_what_was_pending(shop: Any) -> None:
    holder = shop.holder(2_000)
    hold_id, meter = held(shop, holder, 500)
    set_person(shop, holder, "suspended")
    assert wallet(shop, holder) == ("suspended", 2_000, 1_500)
    assert code(shop.pay(holder, 100)) == "account_not_usable"
    assert code(cash(shop, holder, "cash-top-ups", 100)) == "wallet_not_usable"
    assert code(cash(shop, holder, "cash-payouts", 100)) == "wallet_not_usable"
    order = {"id": str(new_id()), "channel": "wechat", "amount": 100}
    assert code(shop.client.post("/api/v1/me/top-ups", json=order, headers=shop.campus.as_person(holder.id))) == (
        "not_signed_in"
    )
    taken = shop.client.post(f"/api/v1/holds/{hold_id}/post", json={"amount": 300}, headers=meter)
    assert taken.json()["state"] == "posted"
    set_person(shop, holder, "active")
    assert wallet(shop, holder) == ("active", 1_700, 1_700)
    assert shop.pay(holder, 100).status_code == 201


def test_an_empty_account_closes_with_its_wallet(shop: Any) -> None:
    holder = shop.holder()
    set_person(shop, holder, "closed")
    assert wallet(shop, holder) == ("closed", 0, 0)
    assert code(cash(shop, holder, "cash-top-ups", 100)) == "wallet_not_usable"


def test_who_leaves_with_money_is_paid_out_at_the_counter_and_the_wallet_closes_then(shop: Any) -> None:
    holder = shop.holder(2_000)
    set_person(shop, holder, "closed")
    assert wallet(shop, holder) == ("suspended", 2_000, 2_000)
    assert code(cash(shop, holder, "cash-payouts", 2_001)) == "insufficient_funds"
    assert cash(shop, holder, "cash-payouts", 500).json()["balance"] == 1_500
    assert wallet(shop, holder) == ("suspended", 1_500, 1_500)
    last = {"id": str(new_id())}
    for _ in range(2):
        assert cash(shop, holder, "cash-payouts", 1_500, **last).json()["balance"] == 0
    assert wallet(shop, holder) == ("closed", 0, 0)


def test_a_wallet_whose_last_hold_ends_after_the_account_is_closed_by_housekeeping(shop: Any) -> None:
    holder = shop.holder(500)
    hold_id, meter = held(shop, holder, 500)
    set_person(shop, holder, "closed")
    shop.client.post(f"/api/v1/holds/{hold_id}/post", json={"amount": 500}, headers=meter)
    assert wallet(shop, holder) == ("suspended", 0, 0)
    tidy(shop.database, shop.now)
    assert wallet(shop, holder) == ("closed", 0, 0)


@pytest.fixture
def stranded(shop: Any) -> tuple[Any, UUID]:
    """A top-up that its payer paid while the account was suspended."""
    holder = shop.holder()
    order_id = ordered(shop, holder)
    set_person(shop, holder, "suspended")
    shop.providers["wechat"].pay(order_id)
    assert orders.resolve_pending(shop.money, shop.now) == 0
    assert state(shop, holder, order_id) == "stranded"
    return holder, order_id


SUSPENSE = named_account(AccountKind.SUSPENSE, orders.STRANDED)


@ON_BOTH
def test_money_for_a_suspended_wallet_waits_in_our_books_until_it_is_released(shop: Any, stranded: Any) -> None:
    holder, order_id = stranded
    assert (shop.balance(holder.id), shop.balance(SUSPENSE)) == (0, 5_000)
    assert orders.credit_stranded(shop.money, shop.now) == 0
    set_person(shop, holder, "active")
    assert [orders.credit_stranded(shop.money, shop.now) for _ in range(2)] == [1, 0]
    assert (state(shop, holder, order_id), shop.balance(holder.id), shop.balance(SUSPENSE)) == ("credited", 5_000, 0)


def test_money_for_a_suspended_wallet_goes_back_whole_through_its_channel(shop: Any, stranded: Any) -> None:
    holder, order_id = stranded
    desk, path = shop.campus.as_role(Role.CASHIER), f"/api/v1/top-ups/{order_id}/refunds"
    part = {"id": str(new_id()), "amount": 4_999}
    assert code(shop.client.post(path, json=part, headers=desk)) == "refund_not_whole"
    whole = {"id": str(new_id()), "amount": 5_000}
    shop.providers["wechat"].answers_to_lose = 1
    assert code(shop.client.post(path, json=whole, headers=desk)) == "channel_failed"
    set_person(shop, holder, "active")
    assert orders.credit_stranded(shop.money, shop.now) == 0, "it is on its way back"
    assert refunds.resolve_refunds(shop.money, shop.now) == 1
    assert (state(shop, holder, order_id), shop.balance(holder.id), shop.balance(SUSPENSE)) == ("returned", 0, 0)
    day = shop.now.astimezone(shop.money.accounts.zone).date()
    found = shop.client.get(f"/api/v1/channels/wechat/days/{day}", headers=desk).json()
    assert (found["lines"], found["differences"]) == (2, [])
