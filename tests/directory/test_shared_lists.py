"""Gates that cut people alike share one list, and each of them knows exactly whom it should, however they part."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import directory.api
from access.policy import Rule
from accounts.vocabulary import PersonState
from database import Base
from directory import gates, model_progress, visitor_passes
from directory.lag import find_behind, find_lags
from directory.list_tables import GateEntry, SharedEntry, SharedList
from tests.apps import LentApps
from tests.databases import ON_BOTH, ON_SQLITE, copied
from tests.directory.conftest import Campus, build

pytestmark = ON_SQLITE


GATES = ("east", "north", "west")


class House:
    """Three gates, a device at each, and a step for everything that changes whom they know."""

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        self.policies = {gate: campus.gate(gate, "students") for gate in GATES}
        self.people: list[UUID] = []
        self.closed: set[UUID] = set()
        self.passes: list[UUID] = []
        self.replicas = {gate: campus.replica(gate, name=gate) for gate in GATES}
        self.syncs = {gate: campus.sync(replica, page_limit=2) for gate, replica in self.replicas.items()}

    def person(self, groups: set[str]) -> None:
        number = len(self.people)
        self.people.append(self.campus.person(*groups, face=number, card=f"04A31B{number:02X}"))

    def groups(self, number: int, groups: set[str]) -> None:
        if (person := self._open_account(number)) is not None:
            self.campus.set_groups(person, *groups)

    def state(self, number: int, state: PersonState) -> None:
        if (person := self._open_account(number)) is not None:
            self.campus.set_state(person, state)

    def close(self, number: int) -> None:
        if (person := self._open_account(number)) is not None:
            self.campus.set_state(person, PersonState.CLOSED)
            self.closed.add(person)

    def policy(self, gates: set[str], groups: set[str]) -> None:
        for gate in sorted(gates):
            rules = tuple(Rule(group=group) for group in sorted(groups))
            self.campus.set_policy(self.policies[gate].model_copy(update={"rules": rules}))

    def give_pass(self, number: int, gates: set[str]) -> None:
        if (person := self._open_account(number)) is None or not gates:
            return
        now = self.campus.clock.now
        with self.campus.database.begin() as session:
            one, _ = visitor_passes.issue(
                session,
                person_id=person,
                gates=sorted(gates),
                valid_from=now,
                valid_until=now + timedelta(days=7),
                with_code=False,
                credential_key=self.campus.credential_key,
                by="system",
                now=now,
            )
            self.passes.append(one.id)

    def end_pass(self, number: int) -> None:
        if number < len(self.passes):
            with self.campus.database.begin() as session:
                visitor_passes.end(session, self.passes[number], by="system", now=self.campus.clock.now)

    def publish(self) -> None:
        self.campus.publisher.publish()

    def sync(self, gate: str) -> None:
        self.publish()
        self.syncs[gate].run_once()

    def require_right(self) -> None:
        """Every device is led to what a device that fetches everything anew gets, whose sums are right at once."""
        self.publish()
        with self.campus.database.read() as session:
            matched = {one.gate: sum(each.people for each in one.matched) for one in self._progress(session)}
        for gate, replica in self.replicas.items():
            self.syncs[gate].run_once()
            whole = self.campus.replica(gate)
            sync = self.campus.sync(whole, page_limit=2)
            sync.run_once()
            assert sync.status.rebuilds == 0, gate
            assert (replica.revision, replica.digest) == (whole.revision, whole.digest), gate
            for person in self.people:
                assert replica.person(person) == whole.person(person)
                assert person not in self.closed or whole.person(person) is None
            assert matched[gate] == len(set(whole.gallery().person_ids)), gate

    def _progress(self, session: Session) -> Sequence[model_progress.GateProgress]:
        return model_progress.find_progress(session).gates

    def _open_account(self, number: int) -> UUID | None:
        known = number < len(self.people) and self.people[number] not in self.closed
        return self.people[number] if known else None


@pytest.fixture
def house(campus: Campus) -> House:
    return House(campus)


def count(campus: Campus, table: type[Base]) -> int:
    with campus.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@ON_BOTH
def test_gates_of_one_cut_share_a_list(house: House) -> None:
    for _ in range(4):
        house.person({"students"})
    house.policies["east"] = house.policies["east"].model_copy(update={"accepts_bare_uid": False})
    house.campus.set_policy(house.policies["east"])  # its hours and rules cut nobody
    house.require_right()
    assert (count(house.campus, SharedList), count(house.campus, SharedEntry), count(house.campus, GateEntry)) == (
        1,
        4,
        0,
    )


def test_a_revoked_right_leaves_every_gate_in_one_publication(house: House) -> None:
    house.person({"students"})
    house.person({"students"})
    house.give_pass(0, {"north"})
    for gate in GATES:
        house.sync(gate)
    house.state(0, PersonState.SUSPENDED)
    moved = house.campus.publisher.publish_some().gates
    assert moved.keys() == set(GATES)
    assert {gate for gate, _ in house.campus.hints[-3:]} == set(GATES)
    for gate in GATES:
        house.syncs[gate].run_once()
        entry = house.replicas[gate].person(house.people[0])
        assert entry is not None
        assert entry.suspended
    house.close(1)
    house.require_right()
    assert all(replica.person(house.people[1]) is None for replica in house.replicas.values())


@ON_BOTH
def test_a_pass_is_known_at_its_gate_only_and_ends_there(house: House) -> None:
    house.person({"teachers"})
    house.person({"students"})
    house.give_pass(0, {"north"})
    house.give_pass(1, {"north"})
    house.require_right()
    known = {gate: replica.person(house.people[0]) is not None for gate, replica in house.replicas.items()}
    assert known == {"east": False, "north": True, "west": False}
    held = house.replicas["north"].person(house.people[1])
    assert held is not None
    assert held.grants
    for number in (0, 1):
        house.end_pass(number)
    house.require_right()
    assert house.replicas["north"].person(house.people[0]) is None
    held = house.replicas["north"].person(house.people[1])
    assert held is not None, "students pass without one"
    assert not held.grants
    house.state(1, PersonState.SUSPENDED)
    house.require_right()


def test_a_gate_that_leaves_its_list_is_told_of_those_who_differ(house: House) -> None:
    for groups in ({"students"}, {"students", "athletes"}, {"teachers"}, {"students"}):
        house.person(groups)
    for gate in GATES:
        house.sync(gate)
    before = house.replicas["west"].position
    house.policy({"west"}, {"students", "teachers"})
    house.publish()
    page = house.campus.page(house.replicas["west"])
    assert page.from_revision == before.revision
    assert [change.person_id for change in page.changes] == [house.people[2]]
    assert page.is_complete
    house.require_right()
    assert [sync.status.rebuilds for sync in house.syncs.values()] == [0, 0, 0]
    assert count(house.campus, SharedList) == 2

    house.policy({"west"}, {"students"})
    house.require_right()
    assert [sync.status.rebuilds for sync in house.syncs.values()] == [0, 0, 0]
    assert count(house.campus, SharedList) == 1, "a list that nobody shares goes"


def test_a_list_goes_with_the_last_gate_that_is_taken_away(house: House) -> None:
    house.person({"students"})
    house.policy({"west"}, {"students", "teachers"})
    house.publish()
    assert count(house.campus, SharedList) == 2
    with house.campus.database.begin() as session:
        gates.remove(session, gates.get(session, "west"), by="system", now=house.campus.clock.now)
    house.person({"students"})
    house.publish()
    assert count(house.campus, SharedList) == 1
    assert count(house.campus, SharedEntry) == 2


def test_a_device_that_was_behind_when_its_gate_left_starts_anew(house: House) -> None:
    for _ in range(3):
        house.person({"students"})
    house.sync("west")
    house.close(0)
    house.publish()
    house.policy({"west"}, {"students", "teachers"})
    house.require_right()
    assert house.syncs["west"].status.rebuilds == 1


@pytest.mark.parametrize("state", [PersonState.SUSPENDED, PersonState.CLOSED])
def test_a_revocation_still_waits_for_a_device_whose_gate_left_its_list(house: House, state: PersonState) -> None:
    for _ in range(3):
        house.person({"students"})
    house.sync("west")
    house.campus.set_state(house.people[0], state)
    house.publish()
    assert waiting(house.campus) == [1]
    house.campus.clock.forward(minutes=5)
    house.policy({"west"}, {"students", "teachers"})
    house.publish()
    assert waiting(house.campus) == [1]
    house.sync("west")
    assert waiting(house.campus) == [0]


def test_what_devices_lack_is_counted_for_each_by_what_it_holds(house: House) -> None:
    for _ in range(3):
        house.person({"students"})
    for gate in GATES:
        house.sync(gate)
    assert lacking(house.campus) == {}
    house.give_pass(2, {"west"})
    house.state(0, PersonState.SUSPENDED)
    house.publish()
    house.campus.clock.forward(seconds=10)
    house.sync("north")
    house.state(1, PersonState.SUSPENDED)
    house.publish()
    house.campus.clock.forward(seconds=5)
    # The pass is an entry of the west gate's own.
    assert lacking(house.campus) == {"east": (2, 2, 15), "north": (1, 1, 5), "west": (3, 2, 15)}
    house.policy({"north"}, {"students", "teachers"})
    house.publish()
    house.sync("north")
    house.campus.set_policy(house.policies["north"].model_copy(update={"accepts_bare_uid": False}))
    house.publish()
    assert lacking(house.campus)["north"] == (1, 0, 0), "a policy is one change"
    for gate in GATES:
        house.sync(gate)
    assert lacking(house.campus) == {}


def lacking(campus: Campus) -> dict[str, tuple[int, int, float]]:
    """Return how many changes each gate's device lacks, how many revocations, and since how many seconds."""
    with campus.database.read() as session:
        behind = find_behind(session, campus.clock.now)
        assert behind == [one for one in find_lags(session, campus.clock.now) if one.behind]
        return {one.gate: (one.behind, one.waiting_revocations, one.behind_s) for one in behind}


def waiting(campus: Campus) -> list[int]:
    with campus.database.read() as session:
        return [one.waiting_revocations for one in find_lags(session, campus.clock.now, gate="west")]


def test_what_was_overtaken_while_a_gate_left_its_list_is_still_believed(house: House) -> None:
    house.person({"students"})
    house.publish()
    page = house.campus.page(house.campus.replica("west"))
    house.policy({"west", "north", "east"}, {"students", "teachers"})
    house.policy({"west"}, {"teachers"})
    house.publish()
    answer = house.campus.client.post(
        "/api/v1/directory/gates/west/applied",
        json={"view": "full", "revision": page.to_revision, "digest": page.digest_when_complete},
        headers={"Authorization": f"Bearer {house.campus.token('west')}"},
    )
    assert answer.status_code == 204


NUMBERS = st.integers(0, 3)
GROUPS = st.sets(st.sampled_from(["students", "teachers"]))
SOME_GATES = st.sets(st.sampled_from(GATES), min_size=1)
STEPS = st.one_of(
    st.tuples(st.just("person"), GROUPS),
    st.tuples(st.just("groups"), NUMBERS, GROUPS),
    st.tuples(st.just("state"), NUMBERS, st.sampled_from([PersonState.ACTIVE, PersonState.SUSPENDED])),
    st.tuples(st.just("close"), NUMBERS),
    st.tuples(st.just("policy"), SOME_GATES, GROUPS),
    st.tuples(st.just("give_pass"), NUMBERS, SOME_GATES),
    st.tuples(st.just("end_pass"), NUMBERS),
    st.tuples(st.just("publish")),
    st.tuples(st.just("sync"), st.sampled_from(GATES)),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=16))
def test_any_history_of_gates_that_share_and_part_ends_right(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, lent_apps: LentApps, steps: list[Any]
) -> None:
    folder: Path = tmp_path_factory.mktemp("lists")
    database = copied(sqlite_template, folder)
    with lent_apps.lend(directory.api.router) as app, lent_apps.ask(app) as client:
        campus = build(database, folder, client)
        try:
            house = House(campus)
            for step, *given_ in [("person", {"students"}), ("person", {"teachers"}), *steps]:
                getattr(house, step)(*given_)
            house.require_right()
        finally:
            for replica in campus.replicas:
                replica.close()
            database.close()
