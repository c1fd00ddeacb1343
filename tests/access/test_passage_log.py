"""What a gate remembers of who passed: its own passages, the server's word, and both joined."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from access.passages.log import PassageLog
from access.passages.model import REMEMBERED, TRUSTED_FOR, PresencePage, ZonePass
from access.policy import AntiPassback, Direction, FirstPerson, GatePolicy, Occupancy
from access.rules import PassState
from access.snapshot import PersonEntry
from database.sealing import Sealer

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLICY = GatePolicy(
    gate="west",
    inner_zone="hall",
    outer_zone="campus",
    anti_passback=AntiPassback(kind="area"),
    occupancy=Occupancy(limit=2),
)
ANN, BEN = (PersonEntry(person_id=uuid4(), groups=("students",)) for _ in range(2))


def at_gate(person: PersonEntry, gate: str | None, second: float, way: Direction = Direction.ENTRY) -> ZonePass:
    return ZonePass(person_id=person.person_id, gate=gate, direction=way, at=NOW + second * SECOND)


def page(*passes: ZonePass, inside: int = 0, whole: bool = False, revision: int = 1, **changes) -> PresencePage:
    fields = {"zone": "hall", "to_revision": revision, "latest_revision": revision} | changes
    return PresencePage(whole=whole, inside=inside, passes=passes, **fields)


@pytest.fixture
def book(tmp_path: Path):
    book = PassageLog(tmp_path / "passes.db", Sealer(bytes(32)), gate="west")
    yield book
    book.close()


def told(book: PassageLog, *passes: ZonePass, second: float = 0, policy: GatePolicy = POLICY, **changes) -> None:
    book.take(page(*passes, **changes), policy, lambda _: ANN, NOW + second * SECOND)


def state(book: PassageLog, person: PersonEntry = ANN, second: float = 0, policy: GatePolicy = POLICY) -> PassState:
    return book.state_for(person.person_id, policy, NOW + second * SECOND, NOW)


def test_the_later_of_what_was_seen_here_and_elsewhere_counts(book: PassageLog) -> None:
    book.passed(ANN, POLICY, Direction.ENTRY, NOW)
    told(book, at_gate(ANN, "east", 5, Direction.EXIT))
    found = state(book, second=6).last_pass
    assert (found.gate, found.direction, found.zone) == ("east", Direction.EXIT, "campus")
    book.passed(ANN, POLICY, Direction.ENTRY, NOW + 7 * SECOND)
    assert (state(book, second=8).last_pass.gate, state(book, second=8).last_pass.zone) == ("west", "hall")


def test_what_others_saw_is_known_only_while_the_server_speaks(book: PassageLog) -> None:
    assert not state(book).passages_known
    told(book, inside=1)
    assert (state(book).passages_known, state(book).inside) == (True, 1)
    late = (TRUSTED_FOR + SECOND).total_seconds()
    assert (state(book, second=late).passages_known, state(book, second=late).inside) == (False, None)
    assert not state(book, second=-late).passages_known, "a clock that was set back makes nothing fresh"


def test_a_gate_without_a_zone_has_no_others_to_ask(book: PassageLog) -> None:
    alone = GatePolicy(gate="west", anti_passback=AntiPassback())
    assert state(book, policy=alone).passages_known


def test_own_passages_count_before_the_server_has_counted_them(book: PassageLog) -> None:
    told(book, at_gate(BEN, "east", 0), inside=1)
    book.passed(ANN, POLICY, Direction.ENTRY, NOW + SECOND)
    assert state(book, second=2).inside == 2
    book.passed(BEN, POLICY, Direction.EXIT, NOW + 2 * SECOND)
    assert state(book, second=3).inside == 1
    told(book, at_gate(ANN, "west", 1), at_gate(BEN, "west", 2, Direction.EXIT), inside=1, second=3)
    assert state(book, second=3).inside == 1, "not counted twice"


def test_a_passage_that_was_not_taken_is_none(book: PassageLog) -> None:
    book.passed(ANN, POLICY, Direction.EXIT, NOW)
    book.passed(ANN, POLICY, Direction.ENTRY, NOW + SECOND)
    book.not_taken(ANN.person_id)
    assert state(book, second=2).last_pass.direction is Direction.EXIT
    book.not_taken(ANN.person_id)
    assert state(book, second=2).last_pass is None


def test_forgiven_people_and_zones_start_anew(book: PassageLog) -> None:
    for person in (ANN, BEN):
        book.passed(person, POLICY, Direction.ENTRY, NOW)
    told(book, at_gate(ANN, None, 1, Direction.BOTH), inside=1, second=2)
    assert state(book, second=2).last_pass is None
    assert state(book, BEN, second=2).last_pass is not None
    told(book, whole=True, forgiven_before=NOW + 3 * SECOND, second=4)
    assert (state(book, BEN, second=4).last_pass, state(book, BEN, second=4).inside) == (None, 0)


def test_a_day_later_a_passage_says_nothing(book: PassageLog) -> None:
    book.passed(ANN, POLICY, Direction.ENTRY, NOW)
    assert state(book, second=(REMEMBERED + SECOND).total_seconds()).last_pass is None


def test_the_first_person_counts_wherever_they_came_in(book: PassageLog) -> None:
    policy = POLICY.model_copy(update={"first_person": FirstPerson(groups=("students",))})
    told(book, at_gate(ANN, "east", -60), policy=policy)
    assert state(book, BEN, policy=policy).first_passed_at == NOW - 60 * SECOND


def test_another_group_that_comes_first_or_another_zone_is_asked_for_anew(book: PassageLog) -> None:
    assert book.expects(POLICY) == 0
    told(book, revision=7)
    assert book.expects(POLICY) == 7
    assert book.expects(POLICY.model_copy(update={"first_person": FirstPerson(groups=("staff",))})) == 0


def test_a_restart_forgets_nothing_but_how_fresh_it_is(book: PassageLog, tmp_path: Path) -> None:
    book.expects(POLICY)
    book.passed(ANN, POLICY, Direction.ENTRY, NOW)
    told(book, at_gate(BEN, "east", 0), inside=1, revision=9)
    book.close()
    again = PassageLog(tmp_path / "passes.db", Sealer(bytes(32)), gate="west")
    assert (again.revision, again.expects(POLICY)) == (9, 9)
    assert state(again).last_pass.gate == "west"
    assert state(again, BEN).last_pass.gate == "east"
    assert not state(again).passages_known
    again.close()


@pytest.mark.parametrize("key", [bytes(32), b"k" * 32])
def test_a_file_that_cannot_be_read_is_begun_anew_and_nothing_in_it_names_anybody(tmp_path: Path, key: bytes) -> None:
    path = tmp_path / "passes.db"
    book = PassageLog(path, Sealer(bytes(32)), gate="west")
    book.passed(ANN, POLICY, Direction.ENTRY, NOW)
    book.close()
    assert b"entry" not in path.read_bytes()
    gate = "west" if key != bytes(32) else "south"
    again = PassageLog(path, Sealer(key), gate=gate)
    assert state(again).last_pass is None
    again.close()


def test_a_full_disk_closes_no_door(book: PassageLog) -> None:
    book._store._connection.execute("PRAGMA max_page_count = 1")
    for _ in range(200):
        book.passed(PersonEntry(person_id=uuid4()), POLICY, Direction.ENTRY, NOW)
    book.passed(ANN, POLICY, Direction.ENTRY, NOW)
    assert state(book).last_pass is not None
