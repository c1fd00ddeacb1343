"""Two people whom a gate could take for each other: from the approved photo to the gate that asks for the card."""

from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from access.decision import AccessRequest, FaceResult, decide
from access.reasons import Reason
from accounts.tables import AuditEntry
from accounts.vocabulary import PersonState
from directory.look_alikes import LookAlikes
from directory.tables import LookAlikePair
from enrollment import templates
from enrollment.tables import TemplateState
from models.template import Template
from tests.databases import ON_BOTH, ON_SQLITE
from tests.directory.conftest import MODEL, Campus, unit_vector

pytestmark = ON_SQLITE


LEAST = 0.9


@pytest.fixture
def watch(campus: Campus) -> LookAlikes:
    return LookAlikes(campus.database, campus.sealer, models={MODEL: lambda _: LEAST}, clock=campus.clock)


def looks_like(seed: int, share: float = 0.1) -> np.ndarray:
    vector = unit_vector(seed) + share * unit_vector(seed + 1000)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def twin_of(campus: Campus, seed: int, *, state: TemplateState = TemplateState.ACTIVE, model: str = MODEL) -> UUID:
    person = campus.person("students")
    with campus.database.begin() as session:
        template = Template(model, looks_like(seed))
        templates.store(session, campus.sealer, person, template, at=campus.clock.now, state=state)
    return person


def flagged(campus: Campus, *people: UUID) -> list[bool]:
    """What the gate was told about each."""
    campus.publisher.publish()
    replica = campus.replica()
    campus.sync(replica).run_once()
    entries = [replica.person(person) for person in people]
    return [entry is not None and entry.needs_card_and_face for entry in entries]


def test_two_who_look_alike_need_the_card_beside_the_face_and_nobody_else_does(campus, watch) -> None:
    campus.gate("main")
    one, stranger = campus.person("students", face=1), campus.person("students", face=2)
    assert flagged(campus, one, stranger) == [False, False]
    watch.follow()
    twin = twin_of(campus, 1)
    campus.publisher.publish()
    assert watch.follow() == 1
    assert flagged(campus, one, twin, stranger) == [True, True, False]

    replica = campus.replicas[-1]
    face = AccessRequest(face=FaceResult.MATCHED, face_model=MODEL)
    reasons = [
        decide(face, replica.person(person), replica.policy, campus.clock.now).reason for person in (one, stranger)
    ]
    assert reasons == [Reason.CARD_REQUIRED, Reason.GRANTED]


@pytest.mark.parametrize("how", ["closed", "withdrawn"])
def test_the_pair_ends_when_one_of_them_leaves(campus, watch, how: str) -> None:
    campus.gate("main")
    one, twin = campus.person("students", face=1), twin_of(campus, 1)
    watch.follow()
    assert flagged(campus, one, twin) == [True, True]
    if how == "closed":
        campus.set_state(twin, PersonState.CLOSED)
    else:
        with campus.database.begin() as session:
            templates.withdraw(session, twin, at=campus.clock.now)
    assert watch.follow() == 1
    assert flagged(campus, one) == [False]


@ON_BOTH
def test_what_staff_asked_for_stays_when_the_pair_ends(campus, watch, facilities) -> None:
    campus.gate("main")
    one, twin = campus.person("students", face=1), twin_of(campus, 1)
    watch.follow()
    answer = campus.client.put(
        f"/api/v1/directory/people/{one}/needs", json={"needs_card_and_face": True}, headers=facilities
    )
    assert (answer.status_code, answer.json()["look_alikes"]) == (200, 1)
    campus.set_state(twin, PersonState.CLOSED)
    watch.follow()
    assert flagged(campus, one) == [True]


def test_photos_that_wait_for_their_review_and_other_models_count_for_nothing(campus, watch) -> None:
    one = campus.person("students", face=1)
    twin_of(campus, 1, state=TemplateState.CANDIDATE)
    twin_of(campus, 1, model="another-model-1")
    assert watch.follow() == 0
    campus.gate("main")
    assert flagged(campus, one) == [False]


@ON_BOTH
def test_it_finds_everybody_on_a_database_that_never_looked_and_again_for_a_new_model(campus) -> None:
    for seed in range(4):
        campus.person("students", face=seed)
    twin_of(campus, 2)
    first = LookAlikes(campus.database, campus.sealer, models={MODEL: lambda _: LEAST}, clock=campus.clock)
    first.follow()
    with campus.database.read() as session:
        assert len(session.scalars(select(LookAlikePair)).all()) == 1
    other = LookAlikes(campus.database, campus.sealer, models={"new-1": lambda _: LEAST}, clock=campus.clock)
    other.follow()
    with campus.database.read() as session:
        assert session.scalars(select(LookAlikePair)).all() == []


@ON_BOTH
def test_a_second_process_sees_what_the_first_was_told_of(campus, watch) -> None:
    second = LookAlikes(campus.database, campus.sealer, models={MODEL: lambda _: LEAST}, clock=campus.clock)
    one = campus.person("students", face=1)
    watch.follow()
    second.follow()
    other = campus.person("students", face=2)
    watch.follow()
    twins = [twin_of(campus, seed) for seed in (1, 2)]
    assert second.follow() == 2
    assert watch.follow() == 0
    with campus.database.read() as session:
        pairs = {pair.people for pair in session.scalars(select(LookAlikePair))}
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("look_alike.%"))).all()
    assert pairs == {tuple(sorted(pair)) for pair in ((one, twins[0]), (other, twins[1]))}
    assert told == ["look_alike.found"] * 4
