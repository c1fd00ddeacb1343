"""What a session's reports say together: in any order, however often, with what cannot be kept apart."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.metering import SessionReport, SessionStep, WaterCount, WaterPrice
from metering.sessions.reading import Doubt, SessionReading, read
from metering.tariffs.water import PriceList, WaterUse, valid_at
from metering.vocabulary import Utility

DEVICE, BOOT = UUID(int=1), UUID(int=2)
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
K = 450_000
"""Pulses a cubic metre: 450 a litre."""


def count(litres: int, *, open_s: int | None = None, **fields: Any) -> WaterCount:
    given_ = {"begin": 1_000, "now": 1_000 + 450 * litres, "open_s": litres * 8 if open_s is None else open_s}
    return WaterCount(utility="hot_water", pulses_per_m3=K, **(given_ | fields))


def report(seq: int, step: str, *counts: WaterCount, **fields: Any) -> SessionReport:
    given_ = {
        "device": DEVICE,
        "boot_id": BOOT,
        "number": 1,
        "seq": seq,
        "step": step,
        "at": AT + timedelta(minutes=seq),
    }
    return SessionReport(**(given_ | {"counts": counts} | fields))


STARTED = report(1, "started", count(0), began_at=AT)
UPDATED = report(2, "updated", count(10))
ENDED = report(3, "ended", count(25), stop_reason="local")
TAIL = report(4, "updated", count(27))


def test_the_order_and_the_number_of_arrivals_change_nothing() -> None:
    right = read([STARTED, UPDATED, ENDED])
    assert (right.ml, right.open_s, right.has_ended, right.stop_reason) == (25_000, 200, True, "local")
    assert right.began_at == AT
    for order in permutations([STARTED, UPDATED, ENDED, UPDATED, ENDED]):
        assert read(order) == right


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_order_of_any_session_reads_the_same(steps: list[int], shuffler: Any) -> None:
    litres, reports = 0, []
    for seq, step in enumerate(steps):
        litres += step
        reports.append(report(seq, "updated", count(litres)))
    reports.append(report(len(steps), "ended", count(litres)))
    again = reports + shuffler.sample(reports, k=len(reports) // 2)
    shuffler.shuffle(again)
    assert read(again) == read(reports)
    assert read(reports).ml == litres * 1_000
    assert read(reports).doubts == frozenset()


def test_a_session_may_begin_with_its_end() -> None:
    only = read([ENDED])
    assert (only.ml, only.has_ended, only.doubts) == (25_000, True, frozenset())
    assert only.began_at == ENDED.at - timedelta(seconds=200)


def test_what_flows_after_the_end_is_a_loss_and_never_billed() -> None:
    reading = read([STARTED, ENDED, TAIL])
    assert (reading.ml, reading.loss_ml) == (25_000, 2_000)
    assert reading.has_ended, "an update does not revive a session"


def test_an_end_without_a_reading_is_settled_from_the_last_update() -> None:
    blind = report(3, "ended", count(0, now=None), stop_reason="power_lost")
    assert read([STARTED, UPDATED, blind]).ml == 10_000
    assert read([STARTED, UPDATED, report(3, "ended", stop_reason="power_lost")]).ml == 10_000
    unknown = report(3, "ended", count(0, now=-1))
    assert (read([UPDATED, unknown]).ml, read([UPDATED, unknown]).doubts) == (10_000, frozenset())


def test_a_later_end_corrects_an_earlier_one_by_the_counter_that_outlives_a_power_cut() -> None:
    by_total = {"begin": None, "now": None, "begin_total": 50_000, "total": 50_000 + 450 * 12}
    corrected = report(4, "ended", count(0, open_s=96, **by_total), stop_reason="power_lost")
    reading = read([STARTED, UPDATED, corrected])
    assert (reading.ml, reading.doubts) == (12_000, frozenset())


def test_an_end_is_kept_although_an_update_has_its_number() -> None:
    assert read([report(2, "ended", count(11)), UPDATED]).ml == 11_000


@pytest.mark.parametrize(
    ("reports", "doubt"),
    [
        ([UPDATED, report(3, "ended", count(9))], Doubt.COUNTER_WENT_BACK),
        ([report(3, "ended", count(0, now=999))], Doubt.COUNTER_WENT_BACK),
        ([report(3, "ended", count(0, begin_total=9, total=8))], Doubt.COUNTER_WENT_BACK),
        ([report(3, "ended", count(500, open_s=60))], Doubt.IMPLAUSIBLE_FLOW),
        ([report(3, "ended", count(9, begin_total=0, total=450 * 11))], Doubt.COUNTERS_DISAGREE),
        ([UPDATED, report(3, "ended", count(25, begin=0, now=450 * 25))], Doubt.BEGINS_DISAGREE),
    ],
)
def test_what_cannot_be_is_a_doubt(reports: list[SessionReport], doubt: Doubt) -> None:
    assert doubt in read(reports).doubts
    assert read(reports).ml >= 0


def test_nothing_but_a_question_says_nothing() -> None:
    asked = SessionReport(
        device=DEVICE, boot_id=BOOT, number=1, seq=0, step=SessionStep.AUTHORISE, at=AT, code="9" * 18
    )
    assert read([asked]) == SessionReading()


# --- prices ----------------------------------------------------------------------------------------------------------


def prices(*, is_pause_charged: bool = False, **of: tuple[int, int]) -> PriceList:
    listed = tuple(WaterPrice(utility=one, fen_per_m3=m3, fen_per_hour=hour) for one, (m3, hour) in of.items())
    return PriceList(UUID(int=9), AT, listed, is_pause_charged)


def test_cold_and_hot_water_have_their_own_price_by_litre_and_by_minute() -> None:
    # 25 yuan a tonne hot, 4 yuan cold, and 6 fen a minute of hot water.
    both = prices(hot_water=(2_500, 360), cold_water=(400, 0))
    hot, cold = WaterUse("hot_water", 40_000, open_s=300, paused_s=120), WaterUse("cold_water", 50_000, open_s=300)
    assert both.cost([hot]) == 100 + 30
    assert both.cost([hot, cold]) == 100 + 30 + 20
    assert both.hot_cost([hot, cold]) == 130
    assert prices(is_pause_charged=True, hot_water=(2_500, 360)).cost([hot]) == 100 + 30 + 12


@pytest.mark.parametrize(("ml", "fen"), [(0, 0), (199, 0), (200, 1), (599, 1), (600, 2), (40_001, 100)])
def test_a_session_is_rounded_once_half_up(ml: int, fen: int) -> None:
    assert prices(hot_water=(2_500, 0)).cost([WaterUse(Utility.HOT_WATER, ml)]) == fen


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20))
def test_charging_in_steps_comes_to_the_price_of_the_whole(steps: list[int]) -> None:
    listed, ml, charged = prices(hot_water=(2_573, 0)), 0, 0
    for step in steps:
        ml += step
        charged += listed.cost([WaterUse("hot_water", ml)]) - charged
    assert charged == listed.cost([WaterUse("hot_water", sum(steps))])


def test_a_price_holds_from_its_date() -> None:
    old = PriceList(UUID(int=1), AT, ())
    new = PriceList(UUID(int=2), AT + timedelta(days=1), ())
    assert valid_at([new, old], AT - timedelta(seconds=1)) is None
    assert valid_at([new, old], AT + timedelta(hours=23)) == old
    assert valid_at([new, old], AT + timedelta(days=1)) == new
