"""A template that is erased leaves every gate, and each of its devices says so."""

from datetime import timedelta
from uuid import UUID

import pytest

from accounts.people import changes
from accounts.tables import Person
from accounts.vocabulary import DeviceRole, PersonState, Role
from directory import template_receipts
from enrollment import templates
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


def _own(campus, person: UUID) -> dict:
    return campus.client.get("/api/v1/directory/me/template-receipts", headers=campus.as_role(person_id=person)).json()


@pytest.fixture
def enrolled(campus):
    """Somebody whose template is at two gates, one with a controller beside its edge; and the edges' syncs."""
    campus.gate("north")
    campus.gate("south")
    person = campus.person("students", face=1)
    campus.publisher.publish()
    syncs = {gate: campus.sync(campus.replica(gate)) for gate in ("north", "south")}
    campus.sync(campus.replica("north", view="cards")).run_once()
    for sync in syncs.values():
        sync.run_once()
    return person, syncs


@ON_BOTH
def test_each_edge_confirms_and_whoever_has_not_is_outstanding(campus, enrolled) -> None:
    person, syncs = enrolled
    assert _own(campus, person) == {"gates_with_template": ["north", "south"], "outstanding": 0, "receipts": []}
    with campus.database.begin() as session:
        templates.withdraw(session, person, at=campus.clock.now)
    campus.publisher.publish()
    account = _own(campus, person)
    assert account["gates_with_template"] == []
    assert [one["gate"] for one in account["receipts"]] == ["north", "south"], "a controller never held one"

    asked_at = campus.clock.forward(seconds=2)
    syncs["north"].run_once()
    account = _own(campus, person)
    assert account["outstanding"] == 1
    north, south = account["receipts"]
    assert north["confirmed_revision"] >= north["revision"]
    assert north["confirmed_at"].startswith(asked_at.isoformat()[:19])
    assert (south["confirmed_at"], south["device_revoked"]) == (None, False)

    admin = campus.as_role(Role.ADMIN)
    listed = campus.client.get("/api/v1/directory/template-receipts/outstanding?limit=1", headers=admin).json()
    assert [one["gate"] for one in listed["items"]] == ["south"]
    syncs["south"].run_once()
    listed = campus.client.get("/api/v1/directory/template-receipts/outstanding", headers=admin).json()
    assert listed == {"items": [], "next": None}
    refused = campus.client.get(
        f"/api/v1/directory/people/{person}/template-receipts", headers=campus.as_role(Role.FACILITIES)
    )
    assert refused.json()["code"] == "role_required"


@pytest.mark.parametrize("how", ["closed", "other group", "expired"])
def test_leaving_a_gate_in_any_way_is_receipted(campus, enrolled, how: str) -> None:
    person, syncs = enrolled
    if how == "closed":
        campus.set_state(person, PersonState.CLOSED)
    elif how == "other group":
        campus.set_groups(person, "alumni")
    else:
        with campus.database.begin() as session:
            session.get_one(Person, person).valid_until = campus.clock.now + timedelta(hours=1)
            changes.record(session, person)
        campus.publisher.publish()
        campus.clock.forward(days=2)
        campus.publisher.forget_expired()
    campus.publisher.publish()
    for sync in syncs.values():
        sync.run_once()
    # Whoever left can no longer sign in, and asks an administrator.
    path = f"/api/v1/directory/people/{person}/template-receipts"
    account = campus.client.get(path, headers=campus.as_role(Role.ADMIN)).json()
    assert (account["outstanding"], len(account["receipts"]), account["gates_with_template"]) == (0, 2, [])


def test_another_template_in_its_place_is_no_removal(campus, enrolled) -> None:
    person, _ = enrolled
    with campus.database.begin() as session:
        templates.withdraw(session, person, at=campus.clock.now)
        campus.store_face(session, person, 2)
    campus.publisher.publish()
    assert _own(campus, person)["receipts"] == []


def test_an_edge_that_was_added_and_never_heard_of_is_asked_too(campus, enrolled) -> None:
    person, _ = enrolled
    campus.token("north", DeviceRole.EDGE)
    with campus.database.begin() as session:
        templates.withdraw(session, person, at=campus.clock.now)
    campus.publisher.publish()
    assert len(_own(campus, person)["receipts"]) == 3


@ON_BOTH
def test_receipts_are_kept_until_confirmed(campus, enrolled) -> None:
    person, syncs = enrolled
    with campus.database.begin() as session:
        templates.withdraw(session, person, at=campus.clock.now)
    campus.publisher.publish()
    syncs["north"].run_once()
    with campus.database.begin() as session:
        template_receipts.forget(session, campus.clock.now + timedelta(days=1))
    assert [one["gate"] for one in _own(campus, person)["receipts"]] == ["south"]
