"""Debts by arithmetic, forecasts, and shares that add up."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.tariffs.electricity import Fen, PricePerKwh, PricePlan, Quota, WattHours, flat_plan
from metering.tariffs.electricity_charge import BillState, Piece, RoomTerms, charge
from metering.tariffs.electricity_credit import (
    MOST_DAYS,
    LoungeQuota,
    TopUpEffect,
    days_left,
    energy_left,
    lounge_excess,
    split_equally,
    top_up_effect,
    warning_level,
)
from metering.tariffs.electricity_quota import DAY, Stay
from tests.metering.electricity_cases import FIRST, ZONE, at, some_id, wh

FLAT = flat_plan(some_id("flat"), "flat", FIRST, PricePerKwh(5000))
STAYS = (Stay(some_id("Anna"), date(2026, 1, 1)),)


def terms(plan: PricePlan = FLAT) -> RoomTerms:
    return RoomTerms.until(at(FIRST) + (MOST_DAYS + 2) * DAY, (plan,), STAYS, ZONE)


def test_a_top_up_repays_the_debt_first_and_says_what_is_missing() -> None:
    assert top_up_effect(Fen(-1234), Fen(1000)) == TopUpEffect(Fen(1000), Fen(-234), Fen(235))
    assert top_up_effect(Fen(-1234), Fen(1234)) == TopUpEffect(Fen(1234), Fen(0), Fen(1))
    assert top_up_effect(Fen(-1234), Fen(5000)) == TopUpEffect(Fen(1234), Fen(3766), Fen(0))
    assert top_up_effect(Fen(100), Fen(5000)) == TopUpEffect(Fen(0), Fen(5100), Fen(0))


@given(st.integers(-(10**6), 10**6), st.lists(st.integers(1, 10**5), min_size=1, max_size=5))
def test_top_ups_repay_a_debt_once_however_they_are_parted(available: int, amounts: list[int]) -> None:
    balance, repaid = Fen(available), 0
    for amount in amounts:
        effect = top_up_effect(balance, Fen(amount))
        balance, repaid = effect.balance, repaid + effect.repays
    whole = top_up_effect(Fen(available), Fen(sum(amounts)))
    assert (balance, repaid) == (whole.balance, whole.repays)
    assert balance == available + sum(amounts)


def test_more_beds_are_warned_earlier() -> None:
    assert [warning_level(beds) for beds in (1, 4, 5, 10, 12)] == [20_000, 20_000, 30_000, 30_000, 30_000]


def test_days_left_count_the_free_energy_to_come() -> None:
    assert days_left(Fen(1000), BillState(), at(FIRST), wh(2000), terms()) == 10
    with_quota = flat_plan(some_id("q"), "q", FIRST, PricePerKwh(5000), quota=Quota(wh(20_000)))
    assert days_left(Fen(1000), BillState(), at(FIRST), wh(2000), terms(with_quota)) == 20
    assert days_left(Fen(2100), BillState(), at(FIRST), wh(2000), terms(with_quota)) == 41
    assert days_left(Fen(1000), BillState(), at(FIRST), wh(0), terms()) is None
    assert days_left(Fen(-1), BillState(), at(FIRST), wh(2000), terms()) == 0


@given(st.integers(-5_000, 20_000), st.integers(0, 30_000))
def test_what_is_left_is_the_most_that_the_credit_pays(available: int, quota: int) -> None:
    room = terms(flat_plan(some_id("q"), "q", FIRST, PricePerKwh(5283), quota=Quota(wh(quota))))
    left = energy_left(Fen(available), BillState(), at(FIRST), room, wh(10**6))

    def cost(energy: int) -> Fen:
        return charge(BillState(), [Piece(at(FIRST), at(FIRST), wh(energy))], room).fen

    assert cost(left) <= max(0, available) < cost(left + 1)


@given(st.integers(0, 10**7), st.integers(1, 12))
def test_shares_add_up_and_differ_by_one_at_most(amount: int, parties: int) -> None:
    shares = split_equally(amount, range(parties))
    assert sum(shares.values()) == amount
    assert max(shares.values()) - min(shares.values()) <= 1
    with pytest.raises(ValueError, match="nobody"):
        split_equally(amount, ())


def test_a_lounge_costs_its_rooms_only_the_excess_and_each_the_same() -> None:
    def shares(used: int, residents: int) -> list[WattHours]:
        quota = LoungeQuota(wh(50_000))
        return list(lounge_excess(wh(used), quota, residents=residents, beds=12, rooms=("a", "b", "c")).values())

    assert shares(50_000, 12) == [0, 0, 0]
    assert shares(50_002, 6) == [1, 1, 0]
    assert shares(30_000, 5) == [10_000, 10_000, 10_000]  # below half of the beds no quota is given
