"""What time costs, and how far money goes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from network_access.terms import ServiceTerms, affordable_s, cost_fen, covered_s


@pytest.mark.parametrize(
    ("seconds", "fen_per_hour", "fen"),
    [(0, 100, 0), (3_600, 100, 100), (17, 100, 0), (18, 100, 1), (5_400, 101, 152), (-5, 100, 0), (9, 0, 0)],
)
def test_time_costs_by_the_second_half_a_fen_rounded_up(seconds: int, fen_per_hour: int, fen: int) -> None:
    assert cost_fen(seconds, fen_per_hour) == fen


@given(st.integers(1, 10**6), st.integers(1, 100_000))
def test_what_is_affordable_costs_no_more_and_a_second_longer_does(fen: int, fen_per_hour: int) -> None:
    seconds = affordable_s(fen, fen_per_hour)
    assert cost_fen(seconds, fen_per_hour) <= fen < cost_fen(seconds + 1, fen_per_hour)


def test_free_seconds_come_before_those_that_are_paid() -> None:
    assert covered_s(600, 100, 360) == 600 + affordable_s(100, 360)
    assert (covered_s(600, 0, 360), covered_s(600, 100, 0)) == (600, 600)


def test_terms_say_what_is_counted() -> None:
    assert not ServiceTerms().is_limited
    assert (ServiceTerms(free_minutes=0).quota_s, ServiceTerms(free_minutes=90).quota_s) == (0, 5_400)
    assert ServiceTerms(fen_per_hour=100).is_limited
    assert ServiceTerms(interim=timedelta(minutes=5)).silence == timedelta(minutes=16)
    for wrong in ({"kinds": ()}, {"interim": timedelta(seconds=30)}, {"welcome": "x" * 81}, {"longest": timedelta()}):
        with pytest.raises(ValidationError):
            ServiceTerms(**wrong)
