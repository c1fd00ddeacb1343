"""The limit on tries in a sliding period."""

from datetime import UTC, datetime, timedelta

import pytest

from web import rate_limits
from web.rate_limits import RateLimiter, TooManyTriesError

START = datetime(2026, 9, 1, tzinfo=UTC)


def test_the_period_slides():
    limiter = RateLimiter(2, timedelta(seconds=60))
    limiter.count_try("a", START)
    limiter.count_try("a", START + timedelta(seconds=30))
    with pytest.raises(TooManyTriesError) as error:
        limiter.count_try("a", START + timedelta(seconds=31))
    assert error.value.members == {"retry_after_s": 30}
    limiter.count_try("b", START + timedelta(seconds=31))
    limiter.count_try("a", START + timedelta(seconds=60))
    with pytest.raises(TooManyTriesError):
        limiter.count_try("a", START + timedelta(seconds=61))


def test_what_was_no_guess_is_given_back():
    limiter = RateLimiter(1, timedelta(seconds=60))
    limiter.count_try("a", START)
    limiter.forgive_try("a", START)
    limiter.forgive_try("b", START)
    limiter.count_try("a", START)
    with pytest.raises(TooManyTriesError):
        limiter.count_try("a", START)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(rate_limits, "_MAX_KEYS", 10)
    limiter = RateLimiter(1, timedelta(seconds=60))
    for number in range(100):
        limiter.count_try(f"address {number}", START)
    assert len(limiter._tries) == 10
    with pytest.raises(TooManyTriesError):
        limiter.count_try("address 99", START)
