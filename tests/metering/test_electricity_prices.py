"""What electricity costs: tiers, time of use, quotas, rounding; and that parting the time changes nothing."""

from datetime import date, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.tariffs.electricity import (
    Period,
    PlanError,
    PricePerKwh,
    PricePlan,
    Quota,
    QuotaExpiry,
    QuotaShare,
    QuotaWindow,
    Rate,
    flat_plan,
    kwh_text,
    price_text,
    yuan_text,
)
from metering.tariffs.electricity_charge import BillState, Charge, Piece, RoomTerms, charge
from metering.tariffs.electricity_quota import Stay
from tests.metering.electricity_cases import (
    FIRST,
    HOUR,
    TERMS,
    ZONE,
    Series,
    at,
    day_and_night_plan,
    parted,
    price_plans,
    series,
    some_id,
    stays_of_a_room,
    wh,
)

ANNA, BO = some_id("Anna"), some_id("Bo")
LIVED_IN = (Stay(ANNA, date(2026, 1, 1)),)
FLAT = flat_plan(some_id("flat"), "flat", FIRST, PricePerKwh(5283))


def terms(*plans: PricePlan, stays: tuple[Stay, ...] = LIVED_IN) -> RoomTerms:
    return RoomTerms.until(at(date(2027, 12, 31)), plans, stays, ZONE)


def used(begins: date, kwh: int, days: int = 1) -> Piece:
    return Piece(at(begins), at(begins + timedelta(days=days)), wh(kwh * 1000))


def bill(pieces: list[Piece], room: RoomTerms, state: BillState | None = None) -> Charge:
    return charge(state or BillState(), pieces, room)


def free(result: Charge) -> int:
    return sum(line.wh for line in result.lines if line.grant)


def test_a_kilowatt_hour_costs_its_price_rounded_half_up() -> None:
    result = bill([used(FIRST, 1)], terms(FLAT))
    assert (result.fen, result.state.carried) == (53, -17_000)
    [line] = result.lines
    assert (line.wh, line.fen, line.price, line.rate, line.tier) == (1000, 53, 5283, "flat", 1)
    assert not line.is_estimated


def test_what_rounding_gave_is_carried_to_the_next_charge() -> None:
    state, charged = BillState(), []
    for day in range(10):
        result = bill([used(FIRST + timedelta(days=day), 1)], terms(FLAT), state)
        state, charged = result.state, [*charged, result.fen]
    assert sum(charged) == 528
    assert set(charged) == {52, 53}


def test_tiers_begin_where_the_year_has_used_them_up() -> None:
    plan = day_and_night_plan()
    result = bill([Piece(at(FIRST, 8), at(FIRST, 22), wh(100_000))], terms(plan))
    assert [(line.tier, line.wh, line.price) for line in result.lines] == [
        (1, 40_000, 6170),
        (2, 50_000, 6670),
        (3, 10_000, 9170),
    ]
    assert result.fen == 40 * 6170 // 100 + 50 * 6670 // 100 + 10 * 9170 // 100
    new_year = bill([Piece(at(date(2027, 1, 4), 9), at(date(2027, 1, 4), 10), wh(1000))], terms(plan), result.state)
    assert [line.tier for line in new_year.lines] == [1]


def test_tiers_by_month_begin_anew_each_month() -> None:
    rates = (Rate("flat", (PricePerKwh(5000), PricePerKwh(8000))),)
    plan = PricePlan(some_id("m"), "m", FIRST, rates, (Period(time(0), "flat"),), (), (wh(10_000),), QuotaWindow.MONTH)
    result = bill([used(date(2026, 9, 30), 12), used(date(2026, 10, 1), 12)], terms(plan))
    assert [(line.tier, line.wh) for line in result.lines] == [(1, 20_000), (2, 4_000)]


@pytest.mark.parametrize(
    ("day", "hour", "rate"),
    [
        (date(2026, 9, 1), 7, "valley"),
        (date(2026, 9, 1), 8, "peak"),
        (date(2026, 9, 1), 22, "valley"),
        (date(2026, 9, 5), 12, "valley"),  # a Saturday
        (date(2026, 10, 1), 12, "valley"),  # a listed day
        (date(2026, 10, 10), 12, "peak"),  # a Saturday that is worked
    ],
)
def test_workdays_and_holidays_have_periods_of_their_own(day: date, hour: int, rate: str) -> None:
    result = bill([Piece(at(day, hour), at(day, hour) + HOUR, wh(1000))], terms(day_and_night_plan()))
    assert [line.rate for line in result.lines] == [rate]


def test_a_piece_across_two_rates_is_parted_by_time_and_marked_as_estimated() -> None:
    result = bill([Piece(at(FIRST, 7), at(FIRST, 9), wh(2001))], terms(day_and_night_plan()))
    assert [(line.rate, line.wh, line.is_estimated) for line in result.lines] == [
        ("valley", 1000, True),
        ("peak", 1001, True),
    ]


def test_a_price_change_frozen_by_a_reading_is_exact() -> None:
    later = flat_plan(some_id("later"), "later", date(2026, 10, 1), PricePerKwh(6000))
    frozen = [used(date(2026, 9, 30), 2), used(date(2026, 10, 1), 3)]
    result = bill(frozen, terms(FLAT, later))
    assert [(line.wh, line.price, line.is_estimated) for line in result.lines] == [
        (2000, 5283, False),
        (3000, 6000, False),
    ]
    [one, other] = bill([used(date(2026, 9, 30), 5, days=2)], terms(FLAT, later)).lines
    assert (one.wh, other.wh, one.is_estimated, other.is_estimated) == (2500, 2500, True, True)


def test_a_gap_of_days_with_one_price_is_not_called_estimated() -> None:
    [line] = bill([used(FIRST, 20, days=9)], terms(FLAT)).lines
    assert not line.is_estimated


def quota_plan(quota: Quota) -> PricePlan:
    return flat_plan(some_id(repr(quota)), "with a quota", FIRST, PricePerKwh(5000), quota=quota)


def test_a_quota_by_person_and_month_is_used_before_money() -> None:
    plan = quota_plan(Quota(wh(7000), months_without=frozenset({2, 8})))
    room = terms(plan, stays=(Stay(ANNA, FIRST), Stay(BO, FIRST)))
    result = bill([used(FIRST, 20)], room)
    assert (free(result), result.fen) == (14_000, 6 * 50)
    assert free(bill([used(date(2026, 10, 1), 20)], room, result.state)) == 14_000
    assert free(bill([used(date(2027, 2, 1), 20)], room)) == 0


def test_an_unused_quota_expires_with_its_month_or_is_kept() -> None:
    for expiry, kept in [
        (QuotaExpiry.WINDOW, 5_000),
        (QuotaExpiry.TERM, 10_000),
        (QuotaExpiry.YEAR, 10_000),
        (QuotaExpiry.NEVER, 10_000),
    ]:
        room = terms(quota_plan(Quota(wh(5000), expiry=expiry, terms=TERMS)), stays=(Stay(ANNA, FIRST),))
        assert free(bill([used(date(2026, 10, 1), 100)], room)) == kept, expiry
    room = terms(quota_plan(Quota(wh(5000), expiry=QuotaExpiry.TERM, terms=TERMS)), stays=(Stay(ANNA, FIRST),))
    assert free(bill([used(date(2027, 1, 16), 100)], room)) == 0  # after the autumn term only what has no term
    room = terms(quota_plan(Quota(wh(5000), expiry=QuotaExpiry.YEAR)), stays=(Stay(ANNA, FIRST),))
    assert free(bill([used(date(2027, 1, 1), 100)], room)) == 5_000


def test_a_quota_by_term_is_not_given_in_the_holidays() -> None:
    room = terms(
        quota_plan(Quota(wh(40_000), QuotaShare.ROOM, QuotaWindow.TERM, terms=TERMS)), stays=(Stay(ANNA, FIRST),)
    )
    assert free(bill([used(date(2026, 9, 2), 50)], room)) == 40_000
    assert free(bill([used(date(2027, 2, 1), 50)], room)) == 0


def test_a_quota_by_year_knows_kinds_of_people() -> None:
    by_kind = (("master", wh(154_000)), ("doctor", wh(160_000)))
    plan = quota_plan(Quota(wh(140_000), window=QuotaWindow.YEAR, by_kind=by_kind, head_count_day=1))
    stays = (Stay(ANNA, FIRST, kinds=("student", "master")), Stay(BO, FIRST, kinds=("student", "bachelor")))
    assert free(bill([used(date(2027, 1, 1), 500)], terms(plan, stays=stays))) == 294_000


def test_heads_are_counted_on_the_day_the_rule_names() -> None:
    plan = quota_plan(Quota(wh(6000), head_count_day=1))
    stays = (Stay(ANNA, FIRST), Stay(BO, date(2026, 9, 2)))
    assert free(bill([used(date(2026, 9, 10), 50)], terms(plan, stays=stays))) == 6_000
    assert free(bill([used(date(2026, 10, 1), 50)], terms(plan, stays=stays))) == 12_000


def test_a_quota_by_days_of_residence_is_shared_with_nobody_before_or_after() -> None:
    plan = quota_plan(Quota(wh(30_000)))
    stays = (Stay(ANNA, FIRST, date(2026, 9, 11)), Stay(BO, date(2026, 9, 21)))
    room = terms(plan, stays=stays)
    before = bill([used(FIRST, 50)], room)
    assert free(before) == 10_000
    after = bill([used(date(2026, 9, 21), 50)], room, before.state)
    assert free(after) == 10_000
    between = bill([used(date(2026, 9, 15), 50)], room)
    assert (free(between), between.fen, [line.is_vacant for line in between.lines]) == (0, 0, [True])


def test_a_vacant_room_costs_nobody_and_uses_no_tier() -> None:
    plan = day_and_night_plan()
    result = bill([used(FIRST, 226)], terms(plan, stays=()))
    assert (result.fen, result.wh, result.state.tier_wh) == (0, 226_000, 0)
    assert all(line.is_vacant for line in result.lines)


def test_energy_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="backwards"):
        bill([Piece(at(FIRST), at(FIRST, 1), wh(-1))], terms(FLAT))


def test_units_are_written_with_their_names() -> None:
    assert kwh_text(wh(12_345)) == "12.345 kWh"
    assert yuan_text(bill([used(FIRST, 10)], terms(FLAT)).fen) == "¥5.28"
    assert price_text(PricePerKwh(5283)) == "¥0.5283/kWh"


@pytest.mark.parametrize(
    "change",
    [
        {"rates": ()},
        {"rates": (Rate("flat", ()),)},
        {"rates": (Rate("flat", (PricePerKwh(-1),)),)},
        {"workday_periods": (Period(time(1), "flat"),)},
        {"workday_periods": (Period(time(0), "peak"),)},
        {"workday_periods": tuple(Period(time(hour), "flat") for hour in range(9))},
        {"tier_limits": (wh(5), wh(5)), "rates": (Rate("flat", (PricePerKwh(1),) * 3),)},
        {"tier_window": QuotaWindow.TERM},
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    good: dict[str, object] = {"rates": FLAT.rates, "workday_periods": FLAT.workday_periods}
    with pytest.raises(PlanError):
        PricePlan(some_id("bad"), "bad", FIRST, **{**good, **change})  # type: ignore[arg-type]


@given(series(), price_plans(), stays_of_a_room(), st.lists(st.integers(0, 100), max_size=6))
@settings(max_examples=150)
def test_any_parting_of_the_time_gives_the_same_total(
    meter: Series, plans: tuple[PricePlan, ...], stays: tuple[Stay, ...], cuts: list[int]
) -> None:
    room = terms(*plans, stays=stays)
    whole = bill(meter.pieces(), room)
    state, fen, counted, given_free = BillState(), 0, 0, 0
    for run in parted(meter.pieces(), cuts):
        part = bill(run, room, state)
        state, fen, counted, given_free = part.state, fen + part.fen, counted + part.wh, given_free + free(part)
    assert (fen, counted, given_free) == (whole.fen, whole.wh, free(whole))
    assert (state.carried, state.tier_wh) == (whole.state.carried, whole.state.tier_wh)


@given(series(), price_plans(), stays_of_a_room())
@settings(max_examples=150)
def test_charges_add_up_and_are_never_negative(
    meter: Series, plans: tuple[PricePlan, ...], stays: tuple[Stay, ...]
) -> None:
    result = bill(meter.pieces(), terms(*plans, stays=stays))
    assert all(line.fen >= 0 and line.wh >= 0 for line in result.lines)
    assert sum(line.fen for line in result.lines) == result.fen
    assert result.wh == meter.totals[-1] - meter.totals[0]
    exact = sum(Fraction(line.wh * line.price, 100_000) for line in result.lines)
    assert abs(exact - result.fen) <= Fraction(1, 2)


@given(series(), price_plans(), stays_of_a_room())
@settings(max_examples=150)
def test_free_energy_never_exceeds_what_was_granted(
    meter: Series, plans: tuple[PricePlan, ...], stays: tuple[Stay, ...]
) -> None:
    room = terms(*plans, stays=stays)
    state, drawn = BillState(), dict[str, int]()
    limits = {grant.key: grant.wh for grant in room.grants}
    assert len(limits) == len(room.grants)
    for piece in meter.pieces():
        result = bill([piece], room, state)
        state = result.state
        drawn.update(state.used)
    assert all(drawn[key] <= limits[key] for key in drawn)
    given_out = free(bill(meter.pieces(), room))
    assert given_out <= sum(limits.values())


@given(series(), price_plans())
@settings(max_examples=60)
def test_residents_change_nothing_but_quota_and_vacancy(meter: Series, plans: tuple[PricePlan, ...]) -> None:
    alone = bill(meter.pieces(), terms(*plans, stays=(Stay(ANNA, date(2026, 1, 1)),)))
    nobody = bill(meter.pieces(), terms(*plans, stays=()))
    assert nobody.fen == 0
    assert nobody.wh == alone.wh


@given(
    st.integers(0, 3000),
    st.frozensets(st.integers(1, 24 * 100 - 1), max_size=20),
    price_plans(),
    stays_of_a_room(),
)
@settings(max_examples=100)
def test_more_readings_of_an_even_use_change_nothing(
    per_hour: int, hours: frozenset[int], plans: tuple[PricePlan, ...], stays: tuple[Stay, ...]
) -> None:
    def read_at(places: list[int]) -> Series:
        return Series(tuple(at(FIRST) + hour * HOUR for hour in places), tuple(hour * per_hour for hour in places))

    room = terms(*plans, stays=stays)
    few, many = (bill(read_at([0, *places, 24 * 100]).pieces(), room) for places in ([], sorted(hours)))
    assert (few.fen, few.wh, few.state.carried) == (many.fen, many.wh, many.state.carried)
    assert free(few) == free(many)
