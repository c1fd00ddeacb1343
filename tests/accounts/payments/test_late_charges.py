"""Holds that are extended, and what a hold did not cover: taken once, whatever came first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from accounts.cards import virtual_cards
from accounts.ledger.expiry import expire_holds
from accounts.payments import late_charges, offline
from accounts.payments.offline_states import Flag, OfflineState
from accounts.payments.tables import OfflinePayment
from accounts.payments.wallet import Terminal
from accounts.tables import Card, Device, Person
from accounts.vocabulary import CardState, DeviceRole
from database import new_id
from tests.accounts.payments.test_holds import available, code, end, hold


@pytest.fixture
def meter(shop: Any) -> dict[str, str]:
    token: dict[str, str] = shop.campus.as_device(DeviceRole.METER, campus="north", merchant_id=shop.merchant_id)
    return token


def settle(shop: Any, meter: dict[str, str], hold_id: str, amount: int) -> Any:
    return end(shop, meter, hold_id, "settle", amount=amount, at=shop.now.isoformat())


def rows(shop: Any) -> list[OfflinePayment]:
    with shop.database.read() as session:
        found = session.query(OfflinePayment).order_by(OfflinePayment.id).all()
        session.expunge_all()
    return list(found)


def expire(shop: Any) -> None:
    with shop.database.begin() as session:
        expire_holds(session, shop.now)


def test_a_hold_is_extended_in_one_step_and_the_new_one_ends_as_any_other(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(1_000)
    first = hold(shop, meter, holder, 300, seconds=60).json()
    for _ in range(2):
        longer = end(shop, meter, first["id"], "extend", amount=900, seconds=600)
        assert (longer.status_code, longer.json()["amount"], longer.json()["state"]) == (201, 900, "open")
    assert available(shop, holder) == (1_000, 100)
    old = shop.client.get(f"/api/v1/holds/{first['id']}", headers=meter).json()
    assert (old["state"], old["extended_by"]) == ("extended", longer.json()["id"])
    assert code(end(shop, meter, first["id"], "extend", amount=901, seconds=600)) == "payment_id_reused"
    assert code(end(shop, meter, first["id"], "post", amount=1)) == "hold_ended"
    shop.campus.clock.forward(seconds=599)
    assert end(shop, meter, longer.json()["id"], "post", amount=850).json()["taken"] == 850
    assert available(shop, holder) == (150, 150)


def test_a_hold_becomes_neither_smaller_nor_shorter(shop: Any, meter: dict[str, str]) -> None:
    first = hold(shop, meter, shop.holder(1_000), 300, seconds=600).json()
    same = end(shop, meter, first["id"], "extend", amount=1, seconds=30).json()
    assert (same["amount"], same["expires_at"]) == (300, first["expires_at"])


def test_where_an_extension_is_refused_the_old_hold_stays(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(5_000)
    first = hold(shop, meter, holder, 300).json()["id"]
    assert code(end(shop, meter, first, "extend", amount=5_001, seconds=600)) == "insufficient_funds"
    assert code(end(shop, meter, first, "extend", amount=3_001, seconds=600)) == "consumption_password_required"
    assert available(shop, holder) == (5_000, 4_700)
    # Its own part of the limit counts once: 30 yuan a meal, all for this hold.
    assert end(shop, meter, first, "extend", amount=3_000, seconds=600).status_code == 201


def test_a_lost_card_extends_nothing(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(1_000)
    first = hold(shop, meter, holder, 300).json()["id"]
    with shop.database.begin() as session:
        session.get(Card, holder.card_id).state = CardState.LOST
    assert code(end(shop, meter, first, "extend", amount=400, seconds=600)) == "card_not_usable"
    assert end(shop, meter, first, "post", amount=250).json()["taken"] == 250


def test_an_expired_hold_is_not_extended(shop: Any, meter: dict[str, str]) -> None:
    first = hold(shop, meter, shop.holder(1_000), 300, seconds=60).json()["id"]
    shop.campus.clock.forward(seconds=60)
    assert code(end(shop, meter, first, "extend", amount=400, seconds=600)) == "hold_ended"


def test_what_goes_beyond_a_hold_is_a_charge_of_its_own(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(1_000)
    held = hold(shop, meter, holder, 200).json()["id"]
    for _ in range(2):
        settled = settle(shop, meter, held, 900).json()
        assert (settled["state"], settled["taken"], settled["late"]) == ("posted", 200, 700)
    assert available(shop, holder) == (100, 100)
    (row,) = rows(shop)
    assert (row.amount, row.state, row.flags, row.person_id) == (
        700,
        OfflineState.PAID,
        Flag.ABOVE_HOLD.value,
        holder.id,
    )
    assert shop.client.get(f"/api/v1/holds/{held}", headers=meter).json()["late"] == 700


def test_a_late_charge_that_the_wallet_cannot_pay_is_collected_when_it_can(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(300)
    held = hold(shop, meter, holder, 200).json()["id"]
    settle(shop, meter, held, 900)
    assert rows(shop)[0].state == OfflineState.UNPAID
    assert shop.balance(holder.id) == 100
    shop.give(holder, 1_000)
    assert offline.collect_unpaid(shop.money, holder.id, shop.now) == 1
    assert (shop.balance(holder.id), rows(shop)[0].state) == (400, OfflineState.PAID)
    settle(shop, meter, held, 900)
    assert shop.balance(holder.id) == 400


def test_a_hold_opened_with_a_code_has_the_same_late_path(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(1_000)
    with shop.database.read() as session:
        person = session.get(Person, holder.id)
        session.expunge_all()
    card_id = shop.campus.virtual_card(person)
    with shop.database.begin() as session:
        made = virtual_cards.code(session, session.get(Card, card_id), shop.money.accounts.code_key, now=shop.now)
    body = {"id": str(new_id()), "amount": 200, "code": made.digits, "seconds": 60}
    held = shop.client.post("/api/v1/holds", json=body, headers=meter).json()["id"]
    shop.campus.clock.forward(hours=2)
    expire(shop)
    assert settle(shop, meter, held, 150).json()["late"] == 150
    assert shop.balance(holder.id) == 850


def test_nothing_is_taken_twice_whatever_comes_first(shop: Any, meter: dict[str, str]) -> None:
    for order in permutations(("settle 120", "settle 260", "expire", "void")):
        holder = shop.holder(1_000)
        held = hold(shop, meter, holder, 200, seconds=60).json()["id"]
        for step in order:
            if step == "expire":
                shop.campus.clock.forward(seconds=61)
                expire(shop)
            elif step == "void":
                end(shop, meter, held, "void")
            else:
                assert settle(shop, meter, held, int(step.split()[1])).status_code == 200
        assert available(shop, holder) == (740, 740), order


def test_of_two_settled_at_the_same_moment_each_fen_is_taken_once(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(2_000)
    held = UUID(hold(shop, meter, holder, 200).json()["id"])
    with shop.database.read() as session:
        device_id = session.scalars(select(Device.id).where(Device.role == DeviceRole.METER)).one()
    terminal = Terminal(device_id, shop.merchant_id, "north")

    def take(amount: int) -> int:
        return late_charges.settle(shop.money, terminal, held, amount, at=shop.now, now=shop.now).late

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, [300, 700, 500, 700, 300, 600, 700, 400]))
    assert shop.balance(holder.id) == 1_300
    assert sum(row.amount for row in rows(shop)) == 500


def test_a_charge_above_the_ceiling_waits_for_a_person(shop: Any, meter: dict[str, str]) -> None:
    holder = shop.holder(50_000)
    held = hold(shop, meter, holder, 200).json()["id"]
    settle(shop, meter, held, 20_000)
    assert (rows(shop)[0].state, shop.balance(holder.id)) == (OfflineState.WAITING, 49_800)
    offline.decide(shop.money, rows(shop)[0].id, accept=False, by="person:x", now=shop.now + timedelta(minutes=1))
    settle(shop, meter, held, 20_000)
    assert shop.balance(holder.id) == 49_800, "what a person let go is not charged again"
