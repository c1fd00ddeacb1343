"""A campus moves from one face model to another, gate by gate, and nobody who may pass stands before a closed door."""

import json
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from access.policy import Mode
from access.replica import DirectorySync, Replica, SyncError
from access.snapshot import ChangePage, View
from accounts.tables import AuditEntry
from accounts.vocabulary import PersonState, Role
from directory import gate_models, template_receipts
from directory.dry_run import Shown, dry_run
from directory.feed import NotPublishedError
from directory.gates import get as get_gate
from directory.look_alikes import LookAlikes
from directory.model_progress import find_progress
from directory.publisher import Publisher
from directory.tables import DirectoryState, LookAlikePair
from enrollment import templates
from tests.databases import ON_BOTH, ON_SQLITE
from tests.directory.conftest import MODEL, Campus

pytestmark = ON_SQLITE


OLD, NEW = MODEL, "test-model-2"


class Gate:
    """An edge of today at one gate; `runs` are the models whose weights its computer has."""

    def __init__(self, campus: Campus, *runs: str, name: str = "main") -> None:
        self.campus, self.runs = campus, list(runs)
        self.replica = Replica(campus.folder / f"{name}-edge.db", campus.sealer, gate=name, models=(OLD, NEW))
        campus.replicas.append(self.replica)
        token = campus.token(name)
        self.sync = DirectorySync(
            "http://testserver", name, token, self.replica, client=campus.client, models=lambda: self.runs
        )

    def follow(self, publisher: Publisher) -> dict[str, set[UUID]]:
        """Ask, wait for the publisher, ask again; return whom the gate knows by which model."""
        try:
            self.sync.run_once()
        except SyncError:
            publisher.publish()
            self.sync.run_once()
        publisher.publish()
        self.sync.run_once()
        return {model: set(gallery.person_ids) for model, gallery in self.replica.galleries().items()}


@pytest.fixture
def moving(campus: Campus) -> Publisher:
    """The publisher of a server whose settings name the new model; the one before has published everything."""
    campus.gate("main")
    campus.publisher.publish()
    return Publisher(campus.database, campus.sealer, model_id=NEW, clock=campus.clock)


def enrol(campus: Campus, *models: str, seed: int = 1) -> UUID:
    person = campus.person("students")
    with campus.database.begin() as session:
        for model in models:
            campus.store_face(session, person, seed, model=model)
    return person


def test_whoever_has_a_template_of_either_model_is_known_by_it(campus: Campus, moving: Publisher) -> None:
    old, new, both = enrol(campus, OLD), enrol(campus, NEW, seed=2), enrol(campus, OLD, NEW, seed=3)
    nobody, closed = enrol(campus), enrol(campus, OLD, seed=4)
    campus.set_state(closed, PersonState.CLOSED)
    moving.publish()
    north = Gate(campus, OLD, NEW)
    assert north.follow(moving) == {NEW: {new, both}, OLD: {old}}
    assert north.replica.model_id == NEW
    assert north.replica.person(old).model_id == OLD
    assert north.replica.person(nobody).templates == ()
    with campus.database.read() as session:
        for person in (old, new, both):
            asked = dry_run(session, campus.sealer, "main", person, at=campus.clock.now, shown=Shown.FACE)
            assert asked.decision.granted


def test_once_the_last_old_template_is_replaced_the_gate_runs_the_new_model_alone(
    campus: Campus, moving: Publisher
) -> None:
    people = [enrol(campus, OLD, seed=seed) for seed in range(3)]
    moving.publish()
    north = Gate(campus, OLD, NEW)
    assert north.follow(moving) == {OLD: set(people)}
    for number, person in enumerate(people):
        with campus.database.begin() as session:
            campus.store_face(session, person, 10 + number, model=NEW)
        known = north.follow(moving)
        assert set().union(*known.values()) == set(people), "at every step everybody is known"
        assert known[NEW] == set(people[: number + 1])
    assert north.follow(moving) == {NEW: set(people)}
    with campus.database.read() as session:
        progress = find_progress(session)
    assert progress.forgettable == (OLD,)
    assert progress.gates[0].is_done


def test_an_edge_of_the_version_before_keeps_the_model_it_has_and_every_byte(campus: Campus) -> None:
    campus.gate("main")
    person = enrol(campus, OLD)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica)
    sync.run_once()
    before = replica.digest
    moving = Publisher(campus.database, campus.sealer, model_id=NEW, clock=campus.clock)
    moving.publish()
    assert (sync.run_once(), replica.digest) == (replica.revision, before)
    with campus.database.begin() as session:
        campus.store_face(session, person, 7, model=NEW)
    later = enrol(campus, OLD, NEW, seed=5)
    moving.publish()
    sync.run_once()
    assert set(replica.gallery().person_ids) == {person, later}
    assert (replica.model_id, replica.person(person).model_id) == (OLD, None)
    page = json.loads(campus.page(campus.replica()).model_dump_json())
    assert all("model_id" not in change["entry"] for change in page["changes"])


def test_an_old_edge_put_in_the_place_of_a_new_one_gets_one_model_it_can_read(
    campus: Campus, moving: Publisher
) -> None:
    old, new = enrol(campus, OLD), enrol(campus, NEW, seed=2)
    moving.publish()
    assert Gate(campus, OLD, NEW).follow(moving) == {NEW: {new}, OLD: {old}}
    campus.publisher.publish()
    headers = {"Authorization": f"Bearer {campus.token('main')}"}

    def ask() -> httpx.Response:
        return campus.client.get("/api/v1/directory/gates/main/changes?since=0", headers=headers)

    refused = ask()
    assert (refused.status_code, refused.json()["code"]) == (503, NotPublishedError.code)
    moving.publish()
    page = ChangePage.model_validate_json(ask().content)
    assert {change.entry.model_id for change in page.changes if change.entry} == {None}


@ON_BOTH
def test_a_computer_without_the_new_weights_goes_on_with_what_it_has_and_is_told_what_it_lacks(
    campus: Campus, moving: Publisher
) -> None:
    old, both = enrol(campus, OLD), enrol(campus, OLD, NEW, seed=2)
    moving.publish()
    north = Gate(campus, OLD)
    assert north.follow(moving) == {OLD: {old, both}}
    assert north.sync.status.models_wanted == (NEW, OLD)
    with campus.database.read() as session:
        assert find_progress(session).gates[0].missing == (NEW,)
    north.runs.append(NEW)
    assert north.follow(moving) == {NEW: {both}, OLD: {old}}
    north.runs.remove(OLD)
    assert north.follow(moving) == {NEW: {both}}
    assert north.replica.person(old).templates == ()
    assert north.sync.status.models_wanted == (NEW, OLD), "one person is recognised by the old one alone"


def test_gate_by_gate_administrators_choose_the_model(campus: Campus, moving: Publisher) -> None:
    campus.gate("south")
    both = enrol(campus, OLD, NEW)
    moving.publish()
    north, south = Gate(campus, OLD, NEW), Gate(campus, OLD, NEW, name="south")
    admin = campus.as_role(Role.ADMIN)
    with campus.database.begin() as session:
        gate_models.set_model(session, get_gate(session, "south"), OLD, by="system", now=campus.clock.now)
    moving.publish()
    assert north.follow(moving) == {NEW: {both}}
    assert south.follow(moving) == {OLD: {both}}
    with campus.database.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "gate.model")).one()
        assert (entry.subject, json.loads(entry.details)) == ("gate:south", {"model": OLD})
        shown = {gate.gate: gate for gate in find_progress(session).gates}
        with pytest.raises(gate_models.UnknownFaceModelError, match="other-1"):
            gate_models.set_model(session, get_gate(session, "main"), "other-1", by="system", now=campus.clock.now)
    assert (shown["south"].model_id, shown["south"].is_own_choice) == (OLD, True)
    assert (shown["main"].model_id, shown["main"].is_own_choice) == (NEW, False)
    told = campus.client.get("/api/v1/directory/face-models", headers=admin).json()
    assert told["models"] == [NEW, OLD]
    assert {gate["gate"]: [one["people"] for one in gate["matched"]] for gate in told["gates"]} == {
        "main": [1],
        "south": [1],
    }


def test_what_an_edge_can_run_is_no_reason_to_publish_a_gate_without_faces(campus: Campus, moving: Publisher) -> None:
    campus.gate("cards", mode=Mode.CARD)
    moving.publish()
    Gate(campus, OLD, NEW, name="cards").sync.run_once()
    with campus.database.read() as session:
        assert not get_gate(session, "cards").is_dirty


@ON_BOTH
def test_progress_counts_everybody_once(campus: Campus, moving: Publisher) -> None:
    for models in ((OLD,), (OLD,), (NEW,), (OLD, NEW), ()):
        enrol(campus, *models)
    campus.gate("cards", mode=Mode.CARD)
    moving.publish()
    with campus.database.read() as session:
        progress = find_progress(session)
    assert [(one.model_id, one.people, one.with_picture) for one in progress.people.models] == [
        (NEW, 2, 0),
        (OLD, 2, 0),
    ]
    assert (progress.people.without, progress.people.people) == (1, 5)
    (gate,) = progress.gates
    assert [(one.model_id, one.people) for one in gate.matched] == [(NEW, 2), (OLD, 2)]
    assert not progress.forgettable


def test_withdrawal_erases_templates_of_every_model_and_the_receipt_names_what_the_gate_had(
    campus: Campus, moving: Publisher
) -> None:
    old, both = enrol(campus, OLD), enrol(campus, OLD, NEW, seed=2)
    moving.publish()
    north = Gate(campus, OLD, NEW)
    north.follow(moving)
    with campus.database.begin() as session:
        assert templates.withdraw(session, both, at=campus.clock.now) == 2
        assert templates.withdraw(session, old, at=campus.clock.now) == 1
    assert north.follow(moving) == {}
    with campus.database.read() as session:
        for person, model in ((old, OLD), (both, NEW)):
            found = template_receipts.whereabouts_of(session, person)
            assert found.gates_with_template == []
            assert [(one.model_id, one.confirmed_at is not None) for one in found.receipts] == [(model, True)]


@ON_BOTH
def test_forgetting_a_model_takes_its_people_from_the_gates(campus: Campus, moving: Publisher) -> None:
    old, both = enrol(campus, OLD), enrol(campus, OLD, NEW, seed=2)
    moving.publish()
    north = Gate(campus, OLD, NEW)
    north.follow(moving)
    with campus.database.begin() as session:
        gate_models.forget(session, OLD)
    assert templates.forget_model(campus.database, OLD, now=campus.clock.now) == 2
    assert north.follow(moving) == {NEW: {both}}
    assert north.replica.person(old).templates == ()
    with campus.database.read() as session:
        assert session.get_one(DirectoryState, 1).models == [NEW]


def test_two_who_look_alike_to_either_model_need_the_card(campus: Campus, moving: Publisher) -> None:
    one, other = enrol(campus, OLD), enrol(campus, OLD, seed=1)
    with campus.database.begin() as session:
        campus.store_face(session, other, 9, model=NEW)
    watch = LookAlikes(
        campus.database, campus.sealer, models={NEW: lambda _: 0.9, OLD: lambda _: 0.9}, clock=campus.clock
    )
    watch.follow()
    with campus.database.read() as session:
        assert [pair.people for pair in session.scalars(select(LookAlikePair))] == [tuple(sorted((one, other)))]


@pytest.mark.parametrize("mode", [Mode.FACE_OR_CARD, Mode.CARD])
def test_whoever_expired_long_ago_when_the_models_change_leaves_every_gate(campus: Campus, mode: Mode) -> None:
    campus.gate("main", mode=mode)
    over = campus.person("students", face=1, valid_until=campus.clock.now + timedelta(hours=1))
    stays = enrol(campus, OLD, seed=2)
    campus.publisher.publish()
    view: View = "cards" if mode is Mode.CARD else "full"
    device = campus.replica(view=view)
    sync = campus.sync(device)
    sync.run_once()
    campus.clock.forward(days=2)
    # Whoever is assembled for the new models is gone before the hourly look for expired people has found them.
    moving = Publisher(campus.database, campus.sealer, model_id=NEW, clock=campus.clock)
    moving.publish()
    sync.run_once()
    anew = campus.replica(view=view)
    fresh = campus.sync(anew)
    fresh.run_once()
    assert (sync.status.rebuilds, fresh.status.rebuilds) == (0, 0)
    for replica in (device, anew):
        assert (replica.person(over), replica.person(stays) is not None) == (None, True)
    assert device.digest == anew.digest
