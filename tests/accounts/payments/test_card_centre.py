"""What the card centre looks after: a channel's bill against the books, the day's end, merchants, odd payments."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from accounts.payment_channels.channel import BillKind, BillLine
from accounts.topup.reconciliation import Booked, DifferenceKind, compare
from accounts.vocabulary import Role
from database import new_id
from tests.accounts.payments.steps import cashier, code, credited, ordered, reconciled
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


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
    provider._orders[order_id.hex].amount = 4_999
    stranger = new_id()
    provider._create(stranger.hex, 12)
    provider.pay(stranger)
    gone = credited(shop, holder, 800)
    del provider._orders[gone.hex]
    swollen = ordered(shop, holder, 300)
    provider._orders[swollen.hex].amount = 301
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
    bill = [BillLine(one, kind, fen, "r", at, new_id()) for (one, kind), fen in theirs.items()]
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


@ON_BOTH
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


def test_a_payment_that_the_bill_itself_gives_back_is_no_difference_and_a_part_of_it_is() -> None:
    at, order, refund = datetime(2026, 9, 1, tzinfo=UTC), new_id(), new_id()
    paid = BillLine(order, BillKind.PAYMENT, 1_500, "r", at, order)
    for back_id in (order, refund):
        assert compare([], [paid, BillLine(back_id, BillKind.REFUND, 1_500, "r", at, order)]) == []
    part = BillLine(refund, BillKind.REFUND, 1_499, "r", at, order)
    assert {one.id for one in compare([], [paid, part])} == {order, refund}
    booked = [Booked(order, BillKind.PAYMENT, 1_500)]
    assert [one.id for one in compare(booked, [paid, replace(part, amount=1_500)])] == [refund]
