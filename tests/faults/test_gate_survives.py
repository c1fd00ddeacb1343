"""Kills, restarts, a wrong clock, a full disk, with real processes; `python -m benchmarks.faults` runs for longer."""

import pytest

from access.reasons import Reason
from benchmarks.faults import campaign
from gate_controller.messages import Refusal


@pytest.mark.timeout(300)
def test_a_gate_survives_what_can_happen_without_losing_an_event_or_opening_wrongly() -> None:
    outcome = campaign(1, 1, seed=20261123)

    assert outcome.judgement.violations == []
    assert set(outcome.mishaps) == {"kill_controller", "kill_server", "restart_broker", "jump_clock", "fill_disk"}
    # Otherwise nothing was tried, and nothing is proven.
    assert outcome.judgement.openings > 0
    assert {Reason.CARD_LOST, Refusal.REPLAYED, Refusal.WRONG_BOOT} <= set(outcome.judgement.refusals)
