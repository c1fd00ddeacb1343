"""Waiting between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from bus import Backoff


def test_waits_double_up_to_a_bound() -> None:
    backoff = Backoff(first_s=1, longest_s=10)
    assert [backoff.wait_s(failures, chance=0.5) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_a_refusal_waits_long_from_the_first() -> None:
    assert Backoff(first_s=1, refused_s=30).wait_s(1, refused=True, chance=0.5) == 30


@given(failures=st.integers(1, 10**9), chance=st.floats(0, 1))
def test_no_wait_is_zero_or_endless(failures: int, chance: float) -> None:
    assert 0.3 < Backoff().wait_s(failures, chance=chance) < 26


def test_without_spread_the_waits_are_exact() -> None:
    backoff = Backoff(first_s=0.5, longest_s=15, spread=0)
    assert [backoff.wait_s(failures) for failures in (1, 2, 3, 4, 5, 6, 1000)] == [0.5, 1, 2, 4, 8, 15, 15]
