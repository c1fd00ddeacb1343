"""Passages counted on the server for every gate of a zone, over the real API."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from access.passages import REMEMBERED, PresencePage
from access.policy import AntiPassback, Direction, Occupancy, Rule
from access.snapshot import TIME_HEADER
from accounts.vocabulary import DeviceRole
from database import new_id
from directory import gates, zone_passages
from directory.zone_standings import find_standings
from messages import Event
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


LIMIT = {"occupancy": Occupancy(limit=2), "inner_zone": "hall"}


@pytest.fixture
def hall(campus):
    """Two ways into a hall, one out of it, a gate elsewhere; two people who may pass all of them."""
    with campus.database.begin() as session:
        gates.put_zone(session, "hall", site="main", title="Hall", by="system", now=campus.clock.now)
    for name in ("west", "east"):
        campus.gate(name, direction=Direction.ENTRY, **LIMIT)
    campus.gate("out", direction=Direction.EXIT, inner_zone="hall", anti_passback=AntiPassback(kind="area"))
    campus.gate("elsewhere")
    campus.ann, campus.ben = campus.person("students"), campus.person("students")
    campus.publisher.publish()
    return campus


def walk(campus, person, gate: str, kind: str = "access_granted", second: float = 0) -> dict[str, int]:
    at = campus.clock.now + timedelta(seconds=second)
    event = Event(id=new_id(), gate=gate, at=at, kind=kind, person_id=person)
    with campus.database.begin() as session:
        return zone_passages.record(session, [event], now=campus.clock.now + timedelta(minutes=1))


def ask(campus, gate: str = "east", since: int = 0) -> PresencePage:
    token = campus.token(gate, DeviceRole.CONTROLLER)
    answer = campus.client.get(
        f"/api/v1/directory/gates/{gate}/presence",
        params={"since": since},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    return PresencePage.model_validate_json(answer.content)


def test_every_gate_of_the_zone_that_looks_back_is_told(hall) -> None:
    assert walk(hall, hall.ann, "west") == {"west": 1, "east": 1, "out": 1}
    assert walk(hall, hall.ann, "elsewhere") == {}
    assert walk(hall, hall.ann, "west", "access_denied") == {}
    page = ask(hall)
    assert (page.zone, page.inside, page.whole) == ("hall", 1, True)
    assert [(one.person_id, one.gate, one.direction) for one in page.passes] == [(hall.ann, "west", Direction.ENTRY)]


@pytest.mark.parametrize("believed", [True, False])
def test_an_answer_tells_the_servers_time_where_that_is_believed(hall, believed: bool) -> None:
    state = hall.client.app.state
    state.directory = replace(state.directory, clock_believed=lambda: believed)
    headers = {"Authorization": f"Bearer {hall.token('east', DeviceRole.CONTROLLER)}"}
    answer = hall.client.get("/api/v1/directory/gates/east/presence", headers=headers)
    assert answer.headers.get(TIME_HEADER) == (hall.clock.now.isoformat() if believed else None)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("asks", ["presence", "changes"])
def test_nobody_else_waits_while_the_clock_on_record_is_looked_at(hall, asks: str) -> None:
    """That may wait for the database, and whoever waits in the event loop keeps every other request waiting."""
    looked_in_loop: list[bool] = []

    def look() -> bool:
        looked_in_loop.append(asyncio._get_running_loop() is not None)
        return True

    state = hall.client.app.state
    state.directory = replace(state.directory, clock_believed=look)
    headers = {"Authorization": f"Bearer {hall.token('east', DeviceRole.EDGE)}"}
    answer = hall.client.get(f"/api/v1/directory/gates/east/{asks}", headers=headers)
    assert (answer.headers[TIME_HEADER], looked_in_loop) == (hall.clock.now.isoformat(), [False])


def test_only_what_is_new_travels(hall) -> None:
    walk(hall, hall.ann, "west")
    since = ask(hall).to_revision
    assert ask(hall, since=since).passes == ()
    walk(hall, hall.ben, "west", second=1)
    page = ask(hall, since=since)
    assert (page.whole, page.inside, [one.person_id for one in page.passes]) == (False, 2, [hall.ben])
    assert ask(hall, since=99).whole, "a gate that is ahead of a restored server starts anew"


def test_a_passage_counts_by_its_own_time_and_one_not_taken_is_taken_back(hall) -> None:
    walk(hall, hall.ann, "out", second=5)
    walk(hall, hall.ann, "west", second=1)
    assert ask(hall).inside == 0
    walk(hall, hall.ann, "west", second=6)
    assert ask(hall).inside == 1
    walk(hall, hall.ann, "west", "not_taken", second=9)
    [back] = ask(hall).passes
    assert (back.gate, back.direction, ask(hall).inside) == ("out", Direction.EXIT, 0)


def test_a_gate_hears_only_of_people_who_may_pass_it_and_counts_all(hall) -> None:
    stranger = hall.person("teachers")
    walk(hall, stranger, "west")
    assert (ask(hall).inside, ask(hall).passes) == (1, ())


@ON_BOTH
def test_of_whoever_comes_to_a_gates_directory_it_hears_where_they_are(hall) -> None:
    newcomer, teacher = hall.person("guests"), hall.person("teachers")
    hall.publisher.publish()
    for second, person in enumerate((newcomer, teacher)):
        walk(hall, person, "west", second=second)
    since = ask(hall).to_revision
    assert ask(hall, since=since).passes == ()
    hall.set_groups(newcomer, "students")
    hall.publisher.publish()
    page = ask(hall, since=since)
    assert (page.whole, [one.person_id for one in page.passes]) == (False, [newcomer])
    with hall.database.read() as session:
        policy = gates.policy_of(gates.get(session, "east"))
    opened = (*policy.rules, Rule(group="teachers"))
    hall.set_policy(policy.model_copy(update={"rules": opened}))
    hall.publisher.publish()
    assert [one.person_id for one in ask(hall, since=page.to_revision).passes] == [teacher]
    assert not hall.publisher.has_work()


def test_a_gate_whose_clock_runs_ahead_holds_nobody_in_the_future(hall) -> None:
    walk(hall, hall.ann, "west", second=86_000)
    hall.clock.forward(minutes=5)
    walk(hall, hall.ann, "out")
    assert ask(hall).inside == 0


def test_facilities_forgive_one_person_or_a_zone(hall) -> None:
    for number, person in enumerate((hall.ann, hall.ben)):
        walk(hall, person, "west", second=-number)
    since = ask(hall).to_revision
    with hall.database.begin() as session:
        told = zone_passages.forgive(session, "hall", person_id=hall.ann, by="person:x", now=hall.clock.now)
    assert set(told) == {"west", "east", "out"}
    [forgiven] = ask(hall, since=since).passes
    assert (forgiven.person_id, forgiven.gate, ask(hall).inside) == (hall.ann, None, 1)
    with hall.database.begin() as session:
        zone_passages.forgive(session, "hall", person_id=None, by="person:x", now=hall.clock.now)
    page = ask(hall, since=since + 1)
    assert (page.whole, page.inside, page.passes, page.forgiven_before) == (True, 0, (), hall.clock.now)


def test_what_a_restored_database_counts_is_fetched_anew_by_whoever_knew_more(hall, monkeypatch) -> None:
    monkeypatch.setattr(zone_passages, "PAGE", 1)
    for second, person in enumerate((hall.ann, hall.ben)):
        walk(hall, person, "west", second=second)
    with hall.database.begin() as session:
        gates.put_zone(session, "yard", site="main", title="Yard", by="system", now=hall.clock.now)
        zone_passages.count_anew(session)
    hall.gate("back", inner_zone="yard", occupancy=Occupancy(limit=9))
    lost = 40
    for second in range(2, lost + 5):
        walk(hall, hall.ben, "west", second=second)
    page = ask(hall, since=lost)
    assert (page.whole, [one.person_id for one in page.passes]) == (True, [hall.ann])
    page = ask(hall, since=page.to_revision)
    assert (page.whole, page.is_complete, [one.person_id for one in page.passes]) == (False, True, [hall.ben])
    assert ask(hall, gate="back", since=lost).whole, "also where nobody had passed before the backup"


@ON_BOTH
def test_how_every_zone_stands_is_told_with_the_gates_that_must_know(hall) -> None:
    campus, now = hall, hall.clock.now
    with campus.database.begin() as session:
        gates.put_zone(session, "yard", site="main", title="Yard", by="system", now=now)
    campus.gate("back", inner_zone="yard", occupancy=Occupancy(limit=1))
    campus.gate("side", inner_zone="yard")

    def stand(at=now) -> dict[str, tuple[int, int, object, list[str]]]:
        with campus.database.read() as session:
            found = find_standings(session, now=at)
        assert all(one.at == at for one in found)
        return {one.zone: (one.revision, one.inside, one.forgiven_before, names) for one, names in found.items()}

    assert stand() == {"hall": (0, 0, None, ["east", "out", "west"]), "yard": (0, 0, None, ["back"])}
    walk(hall, hall.ann, "west")
    walk(hall, hall.ben, "east", second=1)
    walk(hall, hall.ann, "out", second=2)
    page = ask(hall)
    assert stand()["hall"][:3] == (page.latest_revision, page.inside, page.forgiven_before) == (3, 1, None)
    assert stand(now + REMEMBERED + timedelta(minutes=1))["hall"][:2] == (3, 0), "a day later nothing counts"
    with campus.database.begin() as session:
        zone_passages.forgive(session, "hall", person_id=None, by="person:x", now=now)
    assert stand()["hall"][:3] == (4, 0, now)


@ON_BOTH
def test_a_day_later_nothing_counts_and_the_rows_go(hall) -> None:
    walk(hall, hall.ann, "west")
    hall.clock.forward(seconds=REMEMBERED.total_seconds())
    assert (ask(hall).inside, ask(hall).passes) == (0, ())
    with hall.database.begin() as session:
        assert zone_passages.forget(session, hall.clock.now) == 1


@ON_BOTH
def test_a_device_asks_for_its_own_gate_only_and_a_gate_without_a_zone_has_none(hall) -> None:
    headers = {"Authorization": f"Bearer {hall.token('elsewhere', DeviceRole.EDGE)}"}
    for gate, code in (("west", "wrong_gate"), ("elsewhere", "gate_without_zone")):
        answer = hall.client.get(f"/api/v1/directory/gates/{gate}/presence", headers=headers)
        assert answer.json()["code"] == code


def test_pages_follow_each_other(hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_passages, "PAGE", 1)
    walk(hall, hall.ann, "west")
    walk(hall, hall.ben, "west", second=1)
    first = ask(hall)
    assert (first.is_complete, len(first.passes)) == (False, 1)
    second = ask(hall, since=first.to_revision)
    assert (second.is_complete, second.whole, [one.person_id for one in second.passes]) == (True, False, [hall.ben])


def test_a_gate_that_knows_all_of_its_zone_is_told_the_same_as_one_that_does_not(hall) -> None:
    walk(hall, hall.ann, "west")
    walk(hall, hall.ben, "west", second=1)
    with hall.database.begin() as session:
        zone_passages.forgive(session, "hall", person_id=None, by="system", now=hall.clock.now)
    since = ask(hall).latest_revision
    with hall.database.read() as session:
        asked = [zone_passages.Asked(gate, since, hall.clock.now) for gate in ("east", "out", "elsewhere", "nowhere")]
        asked.append(zone_passages.Asked("east", since - 1, hall.clock.now))
        quiet = zone_passages.find_quiet(session, asked)
        assert quiet.keys() == set(asked[:2])
        for one, page in quiet.items():
            assert page == zone_passages.page_for(session, one.gate, since=since, now=hall.clock.now)
    assert ask(hall, since=since) == quiet[asked[0]]
    walk(hall, hall.ann, "out", second=2)
    assert [one.person_id for one in ask(hall, since=since).passes] == [hall.ann]
