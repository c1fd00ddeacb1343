"""Looking for events of all gates, and one row for one passage on whatever page it falls."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from access.reasons import Notice
from database import Database, new_id
from operations.event_search import EventSearch, count_reasons, count_results, find_events, find_passages
from operations.tables import GateEvent

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LI, WANG = new_id(), new_id()
DAY = {"since": NOW - timedelta(hours=1), "until": NOW + timedelta(hours=1)}


class History:
    """What happened, stored."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def happen(self, kind: str, seconds: float = 0, gate: str = "north", **fields: object) -> None:
        at = NOW + timedelta(seconds=seconds)
        given = {"details": {}, "source": "controller", "historical": False, "received_at": at} | fields
        with self.database.begin() as session:
            session.add(GateEvent(id=new_id(), gate=gate, at=at, kind=kind, **given))

    def pass_through(self, seconds: float, person: UUID, gate: str = "north") -> UUID:
        """A face that the edge saw and the controller let in: four events of one command."""
        command = new_id()
        given = {"gate": gate, "command_id": command, "person_id": person}
        self.happen("access_granted", seconds, granted=True, reason="granted", method="face", **given)
        self.happen("face_granted", seconds + 0.1, granted=True, source="edge", **given)
        self.happen("passed", seconds + 1, **given)
        self.happen("closed", seconds + 3, **given)
        return command

    def passages(self, limit: int = 50, **conditions: object) -> list[list[str]]:
        """The kinds of each passage found, read page by page."""
        found, cursor = [], None
        with self.database.read() as session:
            while True:
                page, cursor = find_passages(session, EventSearch(**(DAY | conditions)), before=cursor, limit=limit)
                assert len(page) <= limit
                found += page
                if cursor is None:
                    return [[event.kind for event in passage.events] for passage in found]


@pytest.fixture
def history(database: Database) -> History:
    return History(database)


WHOLE = ["access_granted", "face_granted", "passed", "closed"]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_passage_is_one_row_on_whatever_page_its_events_fall(history: History, limit: int) -> None:
    for at in range(0, 50, 10):
        history.pass_through(at, LI)
    history.happen("door_forced", 5)
    assert history.passages(limit) == [WHOLE, WHOLE, WHOLE, WHOLE, ["door_forced"], WHOLE]


def test_passages_that_overlap_are_not_mixed(history: History) -> None:
    history.pass_through(0, LI)
    history.pass_through(0.5, WANG)
    history.pass_through(0.2, WANG, gate="south")
    assert history.passages(1) == [WHOLE] * 3


def test_each_condition_narrows(history: History) -> None:
    history.pass_through(0, LI)
    history.pass_through(10, WANG, gate="south")
    history.happen("access_denied", 20, person_id=LI, granted=False, reason="outside_schedule")
    history.happen("access_denied", 30, granted=False, reason="unknown_face", gate="south")
    denied = ["access_denied"]
    assert history.passages(people=frozenset({LI})) == [denied, WHOLE]
    assert history.passages(gates=frozenset({"south"})) == [denied, WHOLE]
    assert history.passages(granted=False) == [denied, denied]
    assert history.passages(granted=True) == [WHOLE, WHOLE]
    assert history.passages(reason="outside_schedule") == [denied]
    assert history.passages(kinds=frozenset({"passed"}), people=frozenset({WANG})) == [WHOLE]
    assert history.passages(people=frozenset()) == []
    assert history.passages(since=NOW + timedelta(seconds=15), until=NOW + timedelta(seconds=30)) == [denied]


def test_the_end_of_the_time_is_not_included_and_its_beginning_is(history: History) -> None:
    history.happen("door_forced", 0)
    assert history.passages(since=NOW, until=NOW + timedelta(seconds=1)) == [["door_forced"]]
    assert history.passages(since=NOW - timedelta(seconds=1), until=NOW) == []


def test_late_returns_are_found_by_their_notice(history: History) -> None:
    history.happen("access_granted", 0, granted=True, person_id=LI, details={"late_return": True})
    history.happen("access_granted", 1, granted=True, person_id=WANG, details={"late_return": False})
    history.happen("access_granted", 2, granted=True, person_id=WANG)
    with history.database.read() as session:
        [found] = find_events(session, EventSearch(**DAY, notice=Notice.LATE_RETURN))
    assert found.person_id == LI


def test_counts_are_by_gate_and_kind_and_by_reason(history: History) -> None:
    history.pass_through(0, LI)
    history.happen("access_denied", 20, granted=False, reason="curfew")
    history.happen("access_denied", 30, granted=False, reason="curfew", gate="south")
    with history.database.read() as session:
        results = count_results(session, EventSearch(**DAY, kinds=frozenset({"access_granted", "access_denied"})))
        reasons = count_reasons(session, EventSearch(**DAY, granted=False))
    assert results == {("north", "access_granted"): 1, ("north", "access_denied"): 1, ("south", "access_denied"): 1}
    assert reasons == {"curfew": 2}
