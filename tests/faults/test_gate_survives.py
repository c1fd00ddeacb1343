"""Kills, restarts, a wrong clock, a full disk, with real processes; `python -m benchmarks.faults` runs for longer."""

import pytest

from access.reasons import Reason
from benchmarks.faults import campaign
from messages import Refusal

# Otherwise nothing was tried, and nothing is proven.
TRIED = {Reason.CARD_LOST, Refusal.REPLAYED, Refusal.WRONG_BOOT}


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("imported_rooms")
def test_a_gate_survives_what_can_happen_without_losing_an_event_or_opening_wrongly() -> None:
    outcome = campaign(1, 1, seed=20261123, tried=TRIED)
    assert outcome.judgement.violations == []
    assert set(outcome.mishaps) == {"kill_controller", "kill_server", "restart_broker", "jump_clock", "fill_disk"}
    assert outcome.judgement.openings > 0
    assert set(outcome.judgement.refusals) >= TRIED
