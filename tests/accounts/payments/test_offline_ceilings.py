"""Offline payments have no witness but the terminal: above the ceilings a person decides, and nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.vocabulary import Role
from database import new_id
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


@pytest.fixture
def open_shop(shop: Any) -> Any:
    """The shop ten days after its terminal and its cards came."""
    shop.client_holder = shop.holder(100_000)
    shop.campus.clock.forward(days=10)
    return shop


def item(shop: Any, amount: int, ago: timedelta = timedelta(hours=1), **fields: Any) -> dict[str, Any]:
    at = (shop.now - ago).isoformat()
    return {"id": str(new_id()), "amount": amount, "card": {"uid": shop.client_holder.uid}, "at": at} | fields


def upload(shop: Any, *items: dict[str, Any], terminal: Any = None) -> list[tuple[str, list[str]]]:
    answer = shop.client.post(
        "/api/v1/payments/offline", json={"items": list(items)}, headers=terminal or shop.terminal
    )
    assert answer.status_code == 200
    return [(one["state"], one["flags"]) for one in answer.json()]


def decide(shop: Any, payment_id: str, *, accept: bool) -> Any:
    return shop.client.post(
        f"/api/v1/offline-payments/{payment_id}/decision",
        json={"accept": accept},
        headers=shop.campus.as_role(Role.CASHIER),
    )


def test_one_terminals_token_does_not_drain_a_card(open_shop: Any) -> None:
    """1,000 yuan in pieces of 20, spread over past days as an attacker would."""
    pieces = [item(open_shop, 2_000, timedelta(days=number % 6, hours=1)) for number in range(50)]
    states = [state for state, _ in upload(open_shop, *pieces)]
    assert states == ["paid"] * 5 + ["waiting"] * 45
    assert open_shop.balance(open_shop.client_holder.id) == 90_000
    # A terminal that had no answer sends all of it again.
    assert [state for state, _ in upload(open_shop, *pieces)] == states
    assert open_shop.balance(open_shop.client_holder.id) == 90_000


def test_another_terminal_and_another_day_do_not_drain_it_either(open_shop: Any) -> None:
    _, other = open_shop.another_merchant()
    open_shop.campus.clock.forward(hours=1)
    assert upload(open_shop, item(open_shop, 9_000, timedelta(0)))[0][0] == "paid"
    state, flags = upload(open_shop, item(open_shop, 2_000, timedelta(0)), terminal=other)[0]
    assert (state, "above_card_day" in flags) == ("waiting", True)
    for _ in range(2):
        open_shop.campus.clock.forward(days=1, hours=1)
        assert upload(open_shop, item(open_shop, 9_500, timedelta(0)))[0][0] == "paid"
    open_shop.campus.clock.forward(days=1, hours=1)
    state, flags = upload(open_shop, item(open_shop, 9_500, timedelta(0)))[0]
    assert (state, "above_card_week" in flags) == ("waiting", True)
    open_shop.campus.clock.forward(days=7)
    assert upload(open_shop, item(open_shop, 9_500, timedelta(0)))[0][0] == "paid"


def test_one_terminal_does_not_drain_the_campus(open_shop: Any) -> None:
    from dataclasses import replace

    from accounts.payments.ceilings import Ceilings

    open_shop.client.app.state.money = replace(open_shop.money, ceilings=Ceilings(offline_terminal_day=5_000))
    found = upload(open_shop, *(item(open_shop, 2_000) for _ in range(3)))
    assert [state for state, _ in found] == ["paid", "paid", "waiting"]
    assert found[2][1] == ["above_terminal_day"]


@pytest.mark.parametrize(
    ("ago", "flag"),
    [
        (timedelta(minutes=-6), "clock_ahead"),
        (timedelta(days=-400), "clock_ahead"),
        (timedelta(days=8), "late"),
        (timedelta(days=11), "before_terminal"),
        (timedelta(days=11), "before_card"),
        (timedelta(days=9_000), "late"),
    ],
)
def test_what_can_hardly_have_happened_waits(open_shop: Any, ago: timedelta, flag: str) -> None:
    state, flags = upload(open_shop, item(open_shop, 100, ago))[0]
    assert (state, flag in flags) == ("waiting", True)
    assert open_shop.balance(open_shop.client_holder.id) == 100_000


def test_a_person_decides_once(open_shop: Any) -> None:
    taken, declined = (item(open_shop, 100, timedelta(days=8)) for _ in range(2))
    upload(open_shop, taken, declined)
    desk = open_shop.campus.as_role(Role.CASHIER)
    listed = open_shop.client.get("/api/v1/offline-payments?state=waiting", headers=desk).json()["items"]
    assert {one["id"] for one in listed} == {taken["id"], declined["id"]}
    for _ in range(2):
        assert decide(open_shop, taken["id"], accept=True).json()["state"] == "paid"
        assert decide(open_shop, declined["id"], accept=False).json()["state"] == "declined"
    assert decide(open_shop, declined["id"], accept=True).json()["code"] == "offline_payment_decided"
    assert decide(open_shop, taken["id"], accept=False).json()["code"] == "offline_payment_decided"
    assert open_shop.balance(open_shop.client_holder.id) == 99_900
    assert [state for state, _ in upload(open_shop, taken, declined)] == ["paid", "declined"]
    assert open_shop.balance(open_shop.client_holder.id) == 99_900
    assert open_shop.client.get("/api/v1/offline-payments?state=waiting", headers=desk).json()["items"] == []


def test_only_what_waits_is_decided(open_shop: Any) -> None:
    paid = item(open_shop, 100)
    upload(open_shop, paid)
    assert decide(open_shop, paid["id"], accept=False).json()["code"] == "offline_payment_decided"
    assert decide(open_shop, str(new_id()), accept=True).json()["code"] == "not_found"


def test_what_was_accepted_leaves_the_allowance_of_the_day_alone(open_shop: Any) -> None:
    late = item(open_shop, 9_000, timedelta(days=8))
    upload(open_shop, late)
    assert decide(open_shop, late["id"], accept=True).json()["state"] == "paid"
    assert upload(open_shop, item(open_shop, 9_000))[0][0] == "paid"
