"""Whether an edge may erase by its clock: only when the server told the same time a short while ago."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from access.passages import PassageLog
from access.policy import Direction, GatePolicy
from access.snapshot import PersonEntry
from campusgate.processes import confirmed_clock
from campusgate.processes.confirmed_clock import TOLERANCE, ConfirmedClock

ANN = PersonEntry(person_id=UUID(int=1), groups=("students",))
POLICY = GatePolicy(gate="north")


@pytest.mark.parametrize(("off", "believed"), [(timedelta(), True), (-TOLERANCE * 2, False), (TOLERANCE * 2, False)])
def test_an_edges_clock_is_confirmed_by_the_same_time(off: timedelta, believed: bool) -> None:
    clock = ConfirmedClock(PassageLog.in_memory())
    assert not clock.is_confirmed(), "nobody has said anything yet"
    clock.accept_server_time(datetime.now(UTC) + off)
    assert clock.is_confirmed() is believed


def test_the_servers_word_is_good_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ConfirmedClock(PassageLog.in_memory())
    clock.accept_server_time(datetime.now(UTC))
    monkeypatch.setattr(confirmed_clock, "_VALID_S", -1.0)
    assert not clock.is_confirmed()


def test_what_was_noted_while_the_clock_was_ahead_is_brought_down_to_now() -> None:
    passage_log = PassageLog.in_memory()
    ahead = datetime.now(UTC) + timedelta(days=400)
    passage_log.record_passage(ANN, POLICY, Direction.ENTRY, ahead)
    ConfirmedClock(passage_log).accept_server_time(ahead)
    assert passage_log._own[ANN.person_id].at == ahead, "a server with another time changes nothing"
    ConfirmedClock(passage_log).accept_server_time(datetime.now(UTC))
    assert passage_log._own[ANN.person_id].at < ahead - timedelta(days=399)
