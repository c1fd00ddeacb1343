"""Payments that a terminal took without a network and brings later, through the API."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from database import new_id
from tests.accounts.payments.steps import report_loss
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


def offline_item(shop: Any, holder: Any, amount: int, ago: timedelta, **fields: Any) -> dict[str, Any]:
    at = (shop.now - ago).isoformat()
    return {"id": str(new_id()), "amount": amount, "card": {"uid": holder.uid}, "at": at} | fields


def test_an_offline_batch_is_accepted_late_with_its_own_times_and_once(shop: Any) -> None:
    holder = shop.holder(5_000)
    shop.campus.clock.forward(hours=4)
    items = [offline_item(shop, holder, 100, timedelta(hours=ago)) for ago in (3, 2, 1)]
    first = shop.post("/payments/offline", items=items)
    assert [(one["state"], one["flags"]) for one in first.json()] == [("paid", [])] * 3
    assert shop.post("/payments/offline", items=items).json() == first.json()
    assert shop.balance(holder.id) == 4_700
    lines = shop.client.get("/api/v1/me/statement", headers=shop.campus.as_person(holder.id)).json()["items"]
    assert [line["at"][:13] for line in lines[:3]] == [
        (shop.now - timedelta(hours=ago)).isoformat()[:13] for ago in (1, 2, 3)
    ]


def test_an_offline_payment_after_the_loss_report_is_taken_and_flagged(shop: Any) -> None:
    holder = shop.holder(5_000)
    shop.campus.clock.forward(hours=2)
    report_loss(shop, holder)
    shop.campus.clock.forward(hours=1)
    before = offline_item(shop, holder, 100, timedelta(minutes=90))
    after = offline_item(shop, holder, 200, timedelta(minutes=30))
    answers = shop.post("/payments/offline", items=[before, after]).json()
    assert [one["state"] for one in answers] == ["paid", "paid"]
    assert "after_loss_report" not in answers[0]["flags"]
    assert "after_loss_report" in answers[1]["flags"]


def test_an_offline_payment_that_the_wallet_cannot_pay_stays_unpaid_until_it_can(shop: Any) -> None:
    from accounts.payments import offline

    holder = shop.holder(50)
    shop.campus.clock.forward(hours=2)
    item = offline_item(shop, holder, 100, timedelta(hours=1))
    assert shop.post("/payments/offline", items=[item]).json()[0]["state"] == "unpaid"
    assert offline.collect_unpaid(shop.money, holder.id, shop.now) == 0
    shop.give(holder, 60)
    assert offline.collect_unpaid(shop.money, holder.id, shop.now) == 1
    assert shop.balance(holder.id) == 10
    assert shop.post("/payments/offline", items=[item]).json()[0]["state"] == "paid"


def test_odd_offline_payments_are_flagged_for_the_card_centre(shop: Any) -> None:
    holder = shop.holder(50_000)
    stranger = shop.holder()
    stranger.uid = "04EEEEEEEEEEEE"
    garbled = shop.holder()
    garbled.uid = "??"
    items = [
        offline_item(shop, holder, 100, timedelta(days=8)),
        offline_item(shop, holder, 100, timedelta(hours=-1)),
        offline_item(shop, holder, 3_100, timedelta(0)),
        offline_item(shop, stranger, 100, timedelta(0)),
        offline_item(shop, garbled, 100, timedelta(0)),
    ]
    answers = shop.post("/payments/offline", items=items).json()
    assert [one["state"] for one in answers] == ["waiting", "waiting", "paid", "refused", "refused"]
    assert "late" in answers[0]["flags"]
    assert "clock_ahead" in answers[1]["flags"]
    assert "over_limit" in answers[2]["flags"]
    reused = offline_item(shop, holder, 7, timedelta(0), id=items[0]["id"])
    assert shop.post("/payments/offline", items=[reused]).json()[0] == {
        "id": items[0]["id"],
        "state": "refused",
        "flags": ["id_reused"],
    }


def test_an_id_taken_online_is_not_taken_again_offline(shop: Any) -> None:
    holder = shop.holder(5_000)
    paid = UUID(shop.pay(holder, 100).json()["id"])
    item = offline_item(shop, holder, 100, timedelta(0), id=str(paid))
    answer = shop.post("/payments/offline", items=[item]).json()[0]
    assert (answer["state"], answer["flags"]) == ("refused", ["id_reused"])
    assert shop.balance(holder.id) == 4_900
