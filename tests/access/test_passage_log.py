"""What a gate remembers of who passed: its own passages, the server's word, and both joined."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from access.passages import REMEMBERED, TRUSTED_FOR, PassageLog, PresencePage, ZonePass
from access.policy import AntiPassback, Direction, FirstPerson, GatePolicy, Occupancy
from access.rules import AccessContext
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
def log(tmp_path: Path):
    log = PassageLog(tmp_path / "passes.db", Sealer(bytes(32)), gate="west")
    yield log
    log.close()


def apply(log: PassageLog, *passes: ZonePass, second: float = 0, policy: GatePolicy = POLICY, **changes) -> None:
    log.apply(page(*passes, **changes), policy, lambda _: ANN, NOW + second * SECOND)


def context(
    log: PassageLog, person: PersonEntry = ANN, second: float = 0, policy: GatePolicy = POLICY
) -> AccessContext:
    return log.context_for(person.person_id, policy, NOW + second * SECOND, NOW)


def test_the_later_of_what_was_seen_here_and_elsewhere_counts(log: PassageLog) -> None:
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW)
    apply(log, at_gate(ANN, "east", 5, Direction.EXIT))
    found = context(log, second=6).last_passage
    assert (found.gate, found.direction, found.zone) == ("east", Direction.EXIT, "campus")
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW + 7 * SECOND)
    found = context(log, second=8).last_passage
    assert (found.gate, found.zone) == ("west", "hall")


def test_what_others_saw_is_known_only_while_the_server_speaks(log: PassageLog) -> None:
    assert not context(log).passages_known
    apply(log, inside=1)
    assert (context(log).passages_known, context(log).inside) == (True, 1)
    late = (TRUSTED_FOR + SECOND).total_seconds()
    assert (context(log, second=late).passages_known, context(log, second=late).inside) == (False, None)
    assert not context(log, second=-late).passages_known, "a clock that was set back makes nothing fresh"


def test_a_gate_without_a_zone_has_no_others_to_ask(log: PassageLog) -> None:
    alone = GatePolicy(gate="west", anti_passback=AntiPassback())
    assert context(log, policy=alone).passages_known


def test_own_passages_count_before_the_server_has_counted_them(log: PassageLog) -> None:
    apply(log, at_gate(BEN, "east", 0), inside=1)
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW + SECOND)
    assert context(log, second=2).inside == 2
    log.record_passage(BEN, POLICY, Direction.EXIT, NOW + 2 * SECOND)
    assert context(log, second=3).inside == 1
    apply(log, at_gate(ANN, "west", 1), at_gate(BEN, "west", 2, Direction.EXIT), inside=1, second=3)
    assert context(log, second=3).inside == 1, "not counted twice"


def test_a_passage_that_was_not_taken_is_none(log: PassageLog) -> None:
    log.record_passage(ANN, POLICY, Direction.EXIT, NOW)
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW + SECOND)
    log.record_not_taken(ANN.person_id)
    assert context(log, second=2).last_passage.direction is Direction.EXIT
    log.record_not_taken(ANN.person_id)
    assert context(log, second=2).last_passage is None


def test_forgiven_people_and_zones_start_anew(log: PassageLog) -> None:
    for person in (ANN, BEN):
        log.record_passage(person, POLICY, Direction.ENTRY, NOW)
    apply(log, at_gate(ANN, None, 1, Direction.BOTH), inside=1, second=2)
    assert context(log, second=2).last_passage is None
    assert context(log, BEN, second=2).last_passage is not None
    apply(log, whole=True, forgiven_before=NOW + 3 * SECOND, second=4)
    assert (context(log, BEN, second=4).last_passage, context(log, BEN, second=4).inside) == (None, 0)


def test_a_day_later_a_passage_says_nothing(log: PassageLog) -> None:
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW)
    assert context(log, second=(REMEMBERED + SECOND).total_seconds()).last_passage is None


def test_the_first_person_counts_wherever_they_came_in(log: PassageLog) -> None:
    policy = POLICY.model_copy(update={"first_person": FirstPerson(groups=("students",))})
    apply(log, at_gate(ANN, "east", -60), policy=policy)
    assert context(log, BEN, policy=policy).first_passed_at == NOW - 60 * SECOND


def test_another_group_that_comes_first_or_another_zone_is_asked_for_anew(log: PassageLog) -> None:
    assert log.begin_fetch(POLICY) == 0
    apply(log, revision=7)
    assert log.begin_fetch(POLICY) == 7
    assert log.begin_fetch(POLICY.model_copy(update={"first_person": FirstPerson(groups=("staff",))})) == 0


def test_a_restart_forgets_nothing_but_how_fresh_it_is(log: PassageLog, tmp_path: Path) -> None:
    log.begin_fetch(POLICY)
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW)
    apply(log, at_gate(BEN, "east", 0), inside=1, revision=9)
    log.close()
    again = PassageLog(tmp_path / "passes.db", Sealer(bytes(32)), gate="west")
    assert (again.revision, again.begin_fetch(POLICY)) == (9, 9)
    assert context(again).last_passage.gate == "west"
    assert context(again, BEN).last_passage.gate == "east"
    assert not context(again).passages_known
    again.close()


@pytest.mark.parametrize("key", [bytes(32), b"k" * 32])
def test_a_file_that_cannot_be_read_is_begun_anew_and_nothing_in_it_names_anybody(tmp_path: Path, key: bytes) -> None:
    path = tmp_path / "passes.db"
    log = PassageLog(path, Sealer(bytes(32)), gate="west")
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW)
    log.close()
    assert b"entry" not in path.read_bytes()
    gate = "west" if key != bytes(32) else "south"
    again = PassageLog(path, Sealer(key), gate=gate)
    assert context(again).last_passage is None
    again.close()


def test_a_full_disk_closes_no_door(log: PassageLog) -> None:
    log._store._connection.execute("PRAGMA max_page_count = 1")
    for _ in range(200):
        log.record_passage(PersonEntry(person_id=uuid4()), POLICY, Direction.ENTRY, NOW)
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW)
    assert context(log).last_passage is not None
