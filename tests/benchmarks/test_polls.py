"""How often a gate at rest asks for passages is what its own thread does."""

import pytest

from access.passages import PassageLog
from access.passages.sync import INTERVAL
from benchmarks.polls_heartbeats import presence_every_s


def test_a_device_that_hears_heartbeats_asks_at_its_start_only() -> None:
    assert presence_every_s() == 3600


def test_a_device_from_before_heartbeats_asks_at_every_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(PassageLog, "confirm")
    assert presence_every_s() == pytest.approx(INTERVAL.total_seconds(), rel=0.02)
