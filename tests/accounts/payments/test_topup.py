"""Top-up: credited exactly once whatever the channel says and how often, cash, subsidies."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from accounts.ledger import AccountKind, named_account
from accounts.payment_channels import signing
from accounts.topup import orders
from accounts.vocabulary import DeviceRole, Role
from database import new_id
from tests.accounts.payments.steps import (
    cashier,
    code,
    deliver,
    notify,
    order,
    ordered,
    state,
)
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


@ON_BOTH
def test_a_paid_order_is_in_the_wallet_at_once(shop: Any) -> None:
    holder = shop.holder()
    answer = order(shop, holder)
    assert (answer.status_code, answer.json()["state"]) == (201, "pending")
    assert answer.json()["pay"]["pay_url"].startswith("loopback:")
    order_id = UUID(answer.json()["id"])
    shop.providers["wechat"].pay(order_id)
    told = notify(shop, order_id)
    assert (told.status_code, told.json()) == (200, {"code": "SUCCESS"})
    assert shop.pay(holder, 3_000).status_code == 201
    assert shop.balance(holder.id) == 2_000
    assert shop.balance(named_account(AccountKind.CHANNEL, "wechat")) == -5_000


STEPS = ("notify", "query", "job")


@pytest.mark.parametrize("order_of_steps", list(itertools.permutations(STEPS)), ids="-".join)
def test_an_order_is_credited_once_in_whatever_order_the_news_arrives(
    shop: Any, order_of_steps: tuple[str, ...]
) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    shop.providers["wechat"].pay(order_id)
    for step in (*order_of_steps, *order_of_steps):
        if step == "notify":
            assert notify(shop, order_id).status_code == 200
        elif step == "query":
            assert state(shop, holder, order_id) == "credited"
        else:
            orders.resolve_pending(shop.money, shop.now)
        assert shop.balance(holder.id) == 5_000


@ON_BOTH
def test_ten_notifications_at_once_credit_once(shop: Any) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    shop.providers["wechat"].pay(order_id)
    with ThreadPoolExecutor(5) as senders:
        answers = list(senders.map(lambda _: notify(shop, order_id), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert shop.balance(holder.id) == 5_000


def test_an_order_nobody_spoke_of_is_found_by_asking(shop: Any) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    assert orders.resolve_pending(shop.money, shop.now) == 0
    shop.providers["wechat"].pay(order_id)
    shop.providers["wechat"].answers_to_lose = 1
    assert orders.resolve_pending(shop.money, shop.now) == 0, "the channel's answer was lost"
    assert orders.resolve_pending(shop.money, shop.now) == 1
    assert shop.balance(holder.id) == 5_000


def test_a_notification_before_the_payment_credits_nothing(shop: Any) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    assert notify(shop, order_id).status_code == 200
    assert shop.balance(holder.id) == 0


def test_an_unpaid_order_is_closed_after_its_time_and_cannot_be_paid_then(shop: Any) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    shop.campus.clock.forward(minutes=30)
    assert orders.resolve_pending(shop.money, shop.now) == 1
    shop.providers["wechat"].pay(order_id)
    assert notify(shop, order_id).status_code == 200
    assert state(shop, holder, order_id) == "closed"
    assert shop.balance(holder.id) == 0


def test_an_order_sent_again_is_one_order(shop: Any) -> None:
    holder = shop.holder()
    body = {"id": str(new_id())}
    assert order(shop, holder, **body).json() == order(shop, holder, **body).json()
    assert code(order(shop, holder, 6_000, **body)) == "payment_id_reused"
    assert code(order(shop, shop.holder(), **body)) == "payment_id_reused"


def test_an_order_whose_answer_was_lost_is_opened_by_sending_it_again(shop: Any) -> None:
    holder = shop.holder()
    body = {"id": str(new_id())}
    shop.providers["wechat"].answers_to_lose = 1
    assert code(order(shop, holder, **body)) == "channel_failed"
    assert order(shop, holder, **body).status_code == 201


def test_an_order_that_cannot_be_settled_does_not_keep_the_others_waiting(shop: Any) -> None:
    holder = shop.holder()
    odd, fine = ordered(shop, holder), ordered(shop, holder)
    for one in (odd, fine):
        shop.providers["wechat"].pay(one)
    shop.providers["wechat"]._orders[odd.hex].amount = 1
    assert orders.resolve_pending(shop.money, shop.now) == 1
    assert shop.balance(holder.id) == 5_000
    assert state(shop, holder, odd) == "pending", "for reconciliation to show"


def test_an_order_takes_no_id_that_the_ledger_knows(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = shop.pay(holder, 100).json()["id"]
    assert code(order(shop, holder, id=paid)) == "payment_id_reused"


def test_a_replayed_forged_or_stale_notification_credits_nothing(shop: Any) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    provider = shop.providers["wechat"]
    provider.pay(order_id)
    headers, body = provider.notification(order_id)
    swollen = body.replace(b"5000", b"9000")
    assert swollen != body
    refused = [
        deliver(shop, headers, swollen),
        deliver(shop, {}, body),
        deliver(shop, headers | {signing.SIGNATURE: "00" * 64}, body),
        deliver(shop, headers | {signing.SIGNATURE: "no hex"}, body),
        deliver(shop, headers | {signing.TIMESTAMP: "1"}, body),
        deliver(shop, headers | {signing.NONCE: "a nonce of some length"}, body),
        deliver(shop, *shop.providers["alipay"].notification(order_id)),
    ]
    assert {code(answer) for answer in refused} == {"notification_refused"}
    shop.campus.clock.forward(minutes=5, seconds=1)
    assert code(deliver(shop, headers, body)) == "notification_refused", "too old"
    assert shop.balance(holder.id) == 0
    headers, body = provider.notification(order_id)
    for _ in range(2):
        answer = deliver(shop, headers, body)
        assert (answer.status_code, answer.json()) == (200, {"code": "SUCCESS"}), "a repeat is answered as the first"
        assert shop.balance(holder.id) == 5_000


def test_a_channel_speaks_only_of_its_own_orders(shop: Any) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    shop.providers["alipay"]._orders = shop.providers["wechat"]._orders
    shop.providers["alipay"].pay(order_id)
    headers, body = shop.providers["alipay"].notification(order_id)
    answer = shop.client.post("/api/v1/channels/alipay/notifications", content=body, headers=headers)
    assert code(answer) == "notification_refused"
    assert code(shop.client.post("/api/v1/channels/bank/notifications", content=b"")) == "channel_not_connected"
    assert shop.balance(holder.id) == 0


def test_a_huge_notification_is_not_read(shop: Any) -> None:
    assert code(deliver(shop, {}, b"x" * 70_000)) == "notification_too_large"


def test_anyone_may_top_up_by_the_static_code_with_number_and_name(shop: Any) -> None:
    holder = shop.holder()
    body = {"id": str(new_id()), "channel": "alipay", "amount": 700, "number": "20260001", "name": "王小明"}
    order_id = UUID(shop.client.post("/api/v1/top-ups", json=body).json()["id"])
    shop.providers["alipay"].pay(order_id)
    orders.resolve_pending(shop.money, shop.now)
    assert shop.balance(holder.id) == 700
    for wrong in ({"number": "20269999"}, {"name": "李四"}):
        answer = shop.client.post("/api/v1/top-ups", json=body | {"id": str(new_id())} | wrong)
        assert code(answer) == "payee_unknown"
    limit = shop.money.accounts.guesses.limit
    answers = [shop.client.post("/api/v1/top-ups", json=body | {"name": "李四"}) for _ in range(limit)]
    assert code(answers[-1]) == "too_many_tries"


def test_a_top_up_pays_what_was_left_unpaid_offline(shop: Any) -> None:
    holder = shop.holder()
    item = {"id": str(new_id()), "amount": 800, "card": {"uid": holder.uid}, "at": shop.now.isoformat()}
    assert shop.post("/payments/offline", items=[item]).json()[0]["state"] == "unpaid"
    order_id = ordered(shop, holder)
    shop.providers["wechat"].pay(order_id)
    notify(shop, order_id)
    assert shop.balance(holder.id) == 4_200


def test_cash_at_the_counter_and_at_a_kiosk_is_credited_once(shop: Any) -> None:
    holder = shop.holder()
    desk = cashier(shop)
    body = {"id": str(new_id()), "person_id": str(holder.id), "amount": 2_000}
    for _ in range(2):
        answer = shop.client.post("/api/v1/cash-top-ups", json=body, headers=desk)
        assert (answer.status_code, answer.json()["balance"]) == (201, 2_000)
    kiosk = shop.campus.as_device(DeviceRole.KIOSK, campus="north")
    body = {"id": str(new_id()), "card": {"uid": holder.uid}, "amount": 1_000}
    for _ in range(2):
        answer = shop.client.post("/api/v1/kiosk/cash-top-ups", json=body, headers=kiosk)
        assert (answer.status_code, answer.json()["balance"]) == (201, None)
    assert shop.balance(holder.id) == 3_000
    body = {"id": str(new_id()), "person_id": str(holder.id), "amount": 3_001}
    assert code(shop.client.post("/api/v1/cash-payouts", json=body, headers=desk)) == "insufficient_funds"
    body = {"id": str(new_id()), "person_id": str(holder.id), "amount": 3_000}
    assert shop.client.post("/api/v1/cash-payouts", json=body, headers=desk).json()["balance"] == 0


def test_cash_is_for_people_and_for_cashiers(shop: Any) -> None:
    body = {"id": str(new_id()), "person_id": str(shop.merchant_id), "amount": 2_000}
    assert code(shop.client.post("/api/v1/cash-top-ups", json=body, headers=cashier(shop))) == "not_found"
    holder = shop.holder()
    me = shop.campus.as_person(holder.id)
    assert code(shop.client.post("/api/v1/cash-top-ups", json=body, headers=me)) == "role_required"


def test_subsidies_in_bulk_credit_each_person_once(shop: Any) -> None:
    holders = [shop.holder() for _ in range(3)]
    grants = [{"person_id": str(holder.id), "amount": 10_000} for holder in holders]
    grants += [{"person_id": str(new_id()), "amount": 1}, {"person_id": str(shop.merchant_id), "amount": 1}]
    body = {"id": str(new_id()), "fund": "canteen-2026", "grants": grants}
    admin = shop.campus.as_role(Role.ADMIN)
    for _ in range(2):
        results = shop.client.post("/api/v1/subsidies", json=body, headers=admin).json()
        assert [one["credited"] for one in results] == [True, True, True, False, False]
        assert {one["reason"] for one in results[3:]} == {"account_unknown"}
    assert [shop.balance(holder.id) for holder in holders] == [10_000] * 3
    assert shop.balance(named_account(AccountKind.SUBSIDY, "canteen-2026")) == -30_000
    body = body | {"id": str(new_id()), "grants": [grants[0], grants[0]]}
    assert code(shop.client.post("/api/v1/subsidies", json=body, headers=admin)) == "person_repeated"
