"""A top-up goes back through the channel it came by, once, whatever the channel answers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from accounts import audit
from accounts.payments import charge_refunds
from accounts.topup import refunds
from database import new_id
from tests.accounts.payments.steps import cashier, code, credited, reconciled
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


def test_a_top_up_goes_back_through_its_channel(shop: Any) -> None:
    holder = shop.holder()
    order_id = credited(shop, holder, 5_000)
    desk, path = cashier(shop), f"/api/v1/top-ups/{order_id}/refunds"
    part = {"id": str(new_id()), "amount": 2_000}
    shop.providers["wechat"].answers_to_lose = 1
    assert code(shop.client.post(path, json=part, headers=desk)) == "channel_failed"
    wallet = shop.client.get("/api/v1/me/wallet", headers=shop.campus.as_person(holder.id)).json()
    assert (wallet["balance"], wallet["available"]) == (5_000, 3_000), "held until the channel answers"
    for _ in range(2):
        assert shop.client.post(path, json=part, headers=desk).json()["state"] == "paid"
    assert shop.balance(holder.id) == 3_000
    more = {"id": str(new_id()), "amount": 3_001}
    assert code(shop.client.post(path, json=more, headers=desk)) == "refund_too_large"
    shop.pay(holder, 2_500)
    rest = {"id": str(new_id()), "amount": 3_000}
    assert code(shop.client.post(path, json=rest, headers=desk)) == "insufficient_funds"


@pytest.mark.parametrize("heard", [True, False], ids=["answer lost", "never arrived"])
def test_a_refund_whose_answer_was_lost_is_settled_once_by_asking_the_channel(shop: Any, heard: bool) -> None:
    holder, provider = shop.holder(), shop.providers["wechat"]
    order_id = credited(shop, holder, 5_000)
    charge = shop.scan("130000000000000001", 1_500).json()["id"]
    desk = cashier(shop)
    ours = [new_id(), new_id()]
    provider.answers_to_lose = 2
    top_up = {"id": str(ours[0]), "amount": 2_000}
    assert code(shop.client.post(f"/api/v1/top-ups/{order_id}/refunds", json=top_up, headers=desk)) == "channel_failed"
    assert code(shop.post(f"/payments/{charge}/refunds", id=str(ours[1]), amount=500)) == "channel_failed"
    if not heard:
        for order in provider._orders.values():
            order.refunds.clear()
    provider.answers_to_lose = 2
    jobs = (refunds.resolve_refunds, charge_refunds.resolve_refunds)
    assert [job(shop.money, shop.now) for job in jobs] == [0, 0], "the channel is still away"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda job: job(shop.money, shop.now), jobs * 2))
    assert shop.client.post(f"/api/v1/top-ups/{order_id}/refunds", json=top_up, headers=desk).json()["state"] == "paid"
    assert shop.post(f"/payments/{charge}/refunds", id=str(ours[1]), amount=500).json()["state"] == "paid"
    assert (shop.balance(holder.id), shop.balance(shop.merchant_id)) == (3_000, 1_000)
    with shop.database.read() as session:
        (line,) = [one for one in audit.find(session, limit=1000) if one.action == "top_up.refund"]
    assert (line.actor[:7], line.subject) == ("person:", f"person:{holder.id}")
    assert sum(len(order.refunds) for order in provider._orders.values()) == 2
    assert reconciled(shop)["differences"] == []


def test_nothing_is_reserved_for_a_refund_through_a_channel_that_is_not_connected_any_more(shop: Any) -> None:
    holder = shop.holder()
    order_id = credited(shop, holder, 5_000)
    charge = shop.scan("130000000000000001", 1_500).json()["id"]
    top_up = f"/api/v1/top-ups/{order_id}/refunds", {"id": str(new_id()), "amount": 2_000}, cashier(shop)
    paid = f"/api/v1/payments/{charge}/refunds", {"id": str(new_id()), "amount": 500}, shop.terminal
    connected, shop.client.app.state.money = shop.money, replace(shop.money, channels={})
    for path, body, headers in (top_up, paid):
        assert code(shop.client.post(path, json=body, headers=headers)) == "channel_not_connected"
    assert refunds.resolve_refunds(connected, shop.now) + charge_refunds.resolve_refunds(connected, shop.now) == 0
    shop.client.app.state.money = connected
    for path, body, headers in (top_up, paid):
        assert shop.client.post(path, json=body, headers=headers).json()["state"] == "paid"
    assert (shop.balance(holder.id), shop.balance(shop.merchant_id)) == (3_000, 1_000)


def test_a_refund_that_the_channel_refuses_is_released(shop: Any) -> None:
    holder = shop.holder()
    order_id = credited(shop, holder, 5_000)
    shop.providers["wechat"]._refund(order_id.hex, new_id().hex, 5_000, 5_000)
    body = {"id": str(new_id()), "amount": 2_000}
    answer = shop.client.post(f"/api/v1/top-ups/{order_id}/refunds", json=body, headers=cashier(shop))
    assert code(answer) == "channel_refund_refused"
    wallet = shop.client.get("/api/v1/me/wallet", headers=shop.campus.as_person(holder.id)).json()
    assert (wallet["balance"], wallet["available"]) == (5_000, 5_000)
