"""Top-up: credited exactly once whatever the channel says and how often, cash, subsidies, reconciliation."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st

from accounts import audit
from accounts.ledger import AccountKind, named_account
from accounts.payment_channels import signing
from accounts.payment_channels.channel import BillKind, BillLine
from accounts.payments import charge_refunds
from accounts.topup import orders, refunds
from accounts.topup.reconciliation import Booked, DifferenceKind, compare
from accounts.vocabulary import DeviceRole, Role
from database import new_id


def code(answer: Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    found: str = answer.json()["code"]
    return found


def order(shop: Any, holder: Any, amount: int = 5_000, **body: Any) -> Response:
    body = {"id": str(new_id()), "channel": "wechat", "amount": amount} | body
    answer: Response = shop.client.post("/api/v1/me/top-ups", json=body, headers=shop.campus.as_person(holder.id))
    return answer


def ordered(shop: Any, holder: Any, amount: int = 5_000) -> UUID:
    return UUID(order(shop, holder, amount).json()["id"])


def notify(shop: Any, order_id: UUID, **headers: str) -> Response:
    signed, body = shop.providers["wechat"].notification(order_id)
    return deliver(shop, signed | headers, body)


def deliver(shop: Any, headers: dict[str, str], body: bytes) -> Response:
    answer: Response = shop.client.post("/api/v1/channels/wechat/notifications", content=body, headers=headers)
    return answer


def state(shop: Any, holder: Any, order_id: UUID) -> str:
    me = shop.campus.as_person(holder.id)
    found: str = shop.client.get(f"/api/v1/me/top-ups/{order_id}", headers=me).json()["state"]
    return found


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
    shop.providers["wechat"]._orders[str(odd)].amount = 1
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
    assert deliver(shop, headers, body).status_code == 200
    assert code(deliver(shop, headers, body)) == "notification_refused", "seen before"
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


def cashier(shop: Any) -> dict[str, str]:
    found: dict[str, str] = shop.campus.as_role(Role.CASHIER)
    return found


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


def credited(shop: Any, holder: Any, amount: int) -> UUID:
    order_id = ordered(shop, holder, amount)
    shop.providers["wechat"].pay(order_id)
    notify(shop, order_id)
    return order_id


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
    shop.providers["wechat"]._orders[str(order_id)].refunds["another"] = 5_000, shop.now
    body = {"id": str(new_id()), "amount": 2_000}
    answer = shop.client.post(f"/api/v1/top-ups/{order_id}/refunds", json=body, headers=cashier(shop))
    assert code(answer) == "channel_refund_refused"
    wallet = shop.client.get("/api/v1/me/wallet", headers=shop.campus.as_person(holder.id)).json()
    assert (wallet["balance"], wallet["available"]) == (5_000, 5_000)


def reconciled(shop: Any, day: date | None = None) -> Any:
    day = day or shop.now.astimezone(shop.money.accounts.zone).date()
    answer = shop.client.get(f"/api/v1/channels/wechat/days/{day}", headers=cashier(shop))
    assert answer.status_code == 200
    return answer.json()


def test_a_day_reconciles_to_zero_differences(shop: Any) -> None:
    holder = shop.holder()
    order_id = credited(shop, holder, 5_000)
    body = {"id": str(new_id()), "amount": 2_000}
    shop.client.post(f"/api/v1/top-ups/{order_id}/refunds", json=body, headers=cashier(shop))
    charge = shop.scan("130000000000000001", 1_500).json()["id"]
    shop.post(f"/payments/{charge}/refunds", id=str(new_id()), amount=500)
    ordered(shop, holder, 7_777)
    found = reconciled(shop)
    assert found["differences"] == []
    assert (found["lines"], found["ours"], found["theirs"]) == (4, 4_000, 4_000)
    assert reconciled(shop, date(2026, 8, 31))["lines"] == 0


def test_reconciliation_credits_what_only_the_channel_knew(shop: Any) -> None:
    holder = shop.holder()
    order_id = ordered(shop, holder)
    shop.providers["wechat"].pay(order_id)
    found = reconciled(shop)
    assert (found["differences"], found["ours"], found["theirs"]) == ([], 5_000, 5_000)
    assert shop.balance(holder.id) == 5_000


def test_reconciliation_lists_what_cannot_be_mended(shop: Any) -> None:
    holder = shop.holder()
    order_id = credited(shop, holder, 5_000)
    provider = shop.providers["wechat"]
    provider._orders[str(order_id)].amount = 4_999
    stranger = new_id()
    provider._create(str(stranger), 12)
    provider.pay(stranger)
    gone = credited(shop, holder, 800)
    del provider._orders[str(gone)]
    swollen = ordered(shop, holder, 300)
    provider._orders[str(swollen)].amount = 301
    provider.pay(swollen)
    found = {(one["kind"], one["id"], one["ours"], one["theirs"]) for one in reconciled(shop)["differences"]}
    assert found == {
        ("amount", str(order_id), 5_000, 4_999),
        ("not_in_our_books", str(stranger), None, 12),
        ("not_in_our_books", str(swollen), None, 301),
        ("not_in_the_bill", str(gone), 800, None),
    }


IDS = [new_id() for _ in range(4)]
SIDES = st.dictionaries(st.tuples(st.sampled_from(IDS), st.sampled_from(list(BillKind))), st.integers(1, 3), max_size=6)


@given(SIDES, SIDES)
def test_comparison_finds_exactly_what_differs(
    ours: dict[tuple[UUID, BillKind], int], theirs: dict[tuple[UUID, BillKind], int]
) -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    bill = [BillLine(one, kind, fen, "r", at) for (one, kind), fen in theirs.items()]
    booked = [Booked(one, kind, fen) for (one, kind), fen in ours.items()]
    expected = sorted(key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
    found = compare(booked, bill)
    assert sorted(difference.id for difference in found) == sorted(one for one, _ in expected)
    assert (found == []) == (ours == theirs)
    if bill:
        assert DifferenceKind.BILLED_TWICE in {difference.kind for difference in compare(booked, bill + bill[:1])}


def test_the_day_end_shows_each_merchant_channel_and_cash_box(shop: Any) -> None:
    holder = shop.holder()
    credited(shop, holder, 5_000)
    shop.pay(holder, 1_200)
    shop.scan("130000000000000001", 300)
    admin = shop.campus.as_role(Role.ADMIN)
    day = shop.now.astimezone(shop.money.accounts.zone).date()
    assert code(shop.client.post(f"/api/v1/days/{day}/close", headers=admin)) == "day_end_refused"
    assert code(shop.client.get(f"/api/v1/days/{day}", headers=admin)) == "not_found"
    shop.campus.clock.forward(days=1)
    admin = shop.campus.as_role(Role.ADMIN)
    closed = shop.client.post(f"/api/v1/days/{day}/close", headers=admin).json()
    assert {(one["kind"], one["closing"]) for one in closed} == {
        ("wallet", 3_800),
        ("merchant", 1_500),
        ("channel", -5_300),
    }
    assert shop.client.get(f"/api/v1/days/{day}", headers=admin).json() == closed


def test_the_office_keeps_merchants_services_and_odd_offline_payments(shop: Any) -> None:
    admin = shop.campus.as_role(Role.ADMIN)
    made = shop.client.post(
        "/api/v1/merchants", json={"name": "Clinic", "campus": "west", "service": "clinic"}, headers=admin
    )
    assert made.status_code == 201
    again = shop.client.post(
        "/api/v1/merchants", json={"name": "Clinic", "campus": "west", "service": "clinic"}, headers=admin
    )
    assert code(again) == "merchant_name_taken"
    listed = shop.client.get("/api/v1/merchants?limit=1", headers=admin).json()
    rest = shop.client.get(f"/api/v1/merchants?limit=5&cursor={listed['next']}", headers=admin).json()
    assert [one["name"] for one in rest["items"]] == ["Clinic"]
    path = "/api/v1/services/clinic/campuses"
    assert shop.client.put(path, json={"campuses": ["west", "north"]}, headers=admin).json() == {
        "campuses": ["north", "west"]
    }
    assert shop.client.get(path, headers=admin).json() == {"campuses": ["north", "west"]}
    holder = shop.holder()
    item = {"id": str(new_id()), "amount": 800, "card": {"uid": holder.uid}, "at": shop.now.isoformat()}
    shop.post("/payments/offline", items=[item])
    odd = shop.client.get("/api/v1/offline-payments", headers=admin).json()["items"]
    assert [(one["id"], one["state"], one["flags"]) for one in odd] == [(item["id"], "unpaid", [])]
