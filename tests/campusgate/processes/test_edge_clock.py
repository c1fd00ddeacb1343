"""Whether an edge may erase by its clock: only when the server told the same time a short while ago."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from access.passages import PassageLog
from access.policy import Direction, GatePolicy
from access.snapshot import PersonEntry
from campusgate.processes import edge
from campusgate.processes.edge import VOUCHED, VouchedClock

ANN = PersonEntry(person_id=UUID(int=1), groups=("students",))
POLICY = GatePolicy(gate="north")


@pytest.mark.parametrize(("off", "believed"), [(timedelta(), True), (-VOUCHED * 2, False), (VOUCHED * 2, False)])
def test_an_edges_clock_is_vouched_for_by_the_same_time(off: timedelta, believed: bool) -> None:
    clock = VouchedClock(PassageLog.in_memory())
    assert not clock.is_vouched_for(), "nobody has said anything yet"
    clock.server_says(datetime.now(UTC) + off)
    assert clock.is_vouched_for() is believed


def test_the_servers_word_is_good_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VouchedClock(PassageLog.in_memory())
    clock.server_says(datetime.now(UTC))
    monkeypatch.setattr(edge, "_VOUCHED_FOR_S", -1.0)
    assert not clock.is_vouched_for()


def test_what_was_noted_while_the_clock_was_ahead_is_brought_down_to_now() -> None:
    passage_log = PassageLog.in_memory()
    ahead = datetime.now(UTC) + timedelta(days=400)
    passage_log.record_passage(ANN, POLICY, Direction.ENTRY, ahead)
    VouchedClock(passage_log).server_says(ahead)
    assert passage_log._own[ANN.person_id].at == ahead, "a server with another time changes nothing"
    VouchedClock(passage_log).server_says(datetime.now(UTC))
    assert passage_log._own[ANN.person_id].at < ahead - timedelta(days=399)
