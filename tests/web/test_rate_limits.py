"""The limit on tries in a sliding period."""

from datetime import UTC, datetime, timedelta

import pytest

from web import rate_limits
from web.rate_limits import RateLimiter, TooManyTriesError

START = datetime(2026, 9, 1, tzinfo=UTC)


def test_the_period_slides():
    limiter = RateLimiter(2, timedelta(seconds=60))
    limiter.count("a", START)
    limiter.count("a", START + timedelta(seconds=30))
    with pytest.raises(TooManyTriesError) as error:
        limiter.require("a", START + timedelta(seconds=31))
    assert error.value.members == {"retry_after_s": 30}
    limiter.require("b", START + timedelta(seconds=31))
    limiter.require("a", START + timedelta(seconds=60))
    limiter.count("a", START + timedelta(seconds=60))
    with pytest.raises(TooManyTriesError):
        limiter.require("a", START + timedelta(seconds=61))


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(rate_limits, "_MAX_KEYS", 10)
    limiter = RateLimiter(1, timedelta(seconds=60))
    for number in range(100):
        limiter.count(f"address {number}", START)
    assert len(limiter._tries) == 10
    with pytest.raises(TooManyTriesError):
        limiter.require("address 99", START)
