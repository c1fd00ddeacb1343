"""From a change on the server to what a gate holds, over the real API and a real file."""

from datetime import timedelta

import numpy as np
import pytest

from access.decision import AccessRequest, FaceResult, decide
from access.policy import Mode
from access.reasons import Reason
from access.replica import Replica, SyncRefusedError
from accounts import cards
from accounts.cards import card_states
from accounts.tables import Person
from accounts.vocabulary import DeviceRole, PersonState
from database import new_id
from directory import people, visitor_passes
from directory.gate_publication import prune
from directory.tables import DirectoryPerson, GateRecord
from enrollment import templates
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


CARD = "04A31B72"


def shown_card(campus, replica: Replica) -> Reason:
    digest = campus.card_digest(CARD)
    assert replica.policy is not None
    entry = replica.by_credential("card", digest)
    return decide(AccessRequest(credential=digest), entry, replica.policy, campus.clock.now).reason


def test_a_gate_receives_who_may_pass_it_and_nobody_else(campus) -> None:
    campus.gate("main", "students")
    student = campus.person("students", "athletes", face=1, card=CARD)
    teacher = campus.person("teachers", face=2)
    campus.publisher.publish()
    replica = campus.replica()
    campus.sync(replica).run_once()

    entry = replica.person(student)
    assert entry is not None
    assert entry.groups == ("students",), "a gate learns only the groups that count there"
    assert replica.person(teacher) is None
    assert campus.people_in(replica) == [student]
    np.testing.assert_allclose(replica.gallery().matrix[0], campus.unit_vector(1), atol=1e-3)
    assert shown_card(campus, replica) is Reason.GRANTED


def test_the_gate_is_told_after_the_commit(campus) -> None:
    campus.gate("main")
    campus.person("students")
    revision = campus.publisher.publish()["main"]
    assert campus.hints[-1] == ("main", revision)


def test_what_does_not_concern_a_gate_is_no_new_revision(campus) -> None:
    campus.gate("main", "students")
    campus.gate("laboratory", "researchers")
    campus.publisher.publish()
    campus.person("students")
    assert list(campus.publisher.publish()) == ["main"]
    assert campus.publisher.publish() == {}


@pytest.mark.parametrize("page_limit", [1, 3, 100])
def test_a_closed_account_leaves_nothing_behind(campus, page_limit: int) -> None:
    campus.gate("main")
    stays, goes = campus.person("students", face=1), campus.person("students", face=2, card=CARD)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica, page_limit=page_limit)
    sync.run_once()
    campus.set_state(goes, PersonState.CLOSED)
    campus.publisher.publish()
    sync.run_once()
    assert replica.person(goes) is None
    assert replica.by_credential("card", campus.card_digest(CARD)) is None
    assert campus.people_in(replica) == [stays]
    with campus.database.read() as session:
        assert session.get(DirectoryPerson, goes) is None


def test_a_suspended_person_is_refused_by_name_of_the_reason_and_comes_back(campus) -> None:
    campus.gate("main")
    person = campus.person("students", card=CARD)
    replica = campus.replica()
    sync = campus.sync(replica)
    for state, reason in ((PersonState.SUSPENDED, Reason.SUSPENDED), (PersonState.ACTIVE, Reason.GRANTED)):
        campus.set_state(person, state)
        campus.publisher.publish()
        sync.run_once()
        assert shown_card(campus, replica) is reason


def test_a_lost_card_is_refused_and_its_finder_is_told_so(campus) -> None:
    campus.gate("main")
    person = campus.person("students", card=CARD)
    with campus.database.begin() as session:
        card = cards.physical_card(session, person)
        assert card is not None
        cards.apply(session, card, card_states.CardAction.REPORT_LOST, by="system", now=campus.clock.now)
    campus.publisher.publish()
    replica = campus.replica()
    campus.sync(replica).run_once()
    assert shown_card(campus, replica) is Reason.CARD_LOST


def test_a_withdrawn_template_leaves_the_gallery_while_the_card_goes_on(campus) -> None:
    campus.gate("main")
    person = campus.person("students", face=1, card=CARD)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica)
    sync.run_once()
    with campus.database.begin() as session:
        templates.withdraw(session, person, at=campus.clock.now)
    campus.publisher.publish()
    sync.run_once()
    assert replica.gallery().person_ids == ()
    assert shown_card(campus, replica) is Reason.GRANTED


def test_a_gate_without_a_camera_gets_no_templates(campus) -> None:
    campus.gate("shower", "students", kind="wet_room", mode=Mode.CARD)
    person = campus.person("students", face=1, card=CARD)
    campus.publisher.publish()
    replica = campus.replica("shower")
    campus.sync(replica).run_once()
    entry = replica.person(person)
    assert entry is not None
    assert entry.templates == ()
    assert replica.model_id is None


def test_a_door_controller_gets_cards_and_no_templates(campus) -> None:
    campus.gate("main")
    campus.person("students", face=1, card=CARD)
    campus.publisher.publish()
    replica = campus.replica(view="cards")
    campus.sync(replica).run_once()
    assert replica.gallery().person_ids == ()
    assert shown_card(campus, replica) is Reason.GRANTED
    answer = campus.client.get(
        "/api/v1/directory/gates/main/changes",
        params={"view": "full"},
        headers={"Authorization": f"Bearer {campus.token('main', DeviceRole.CONTROLLER)}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "templates_not_for_controllers")


def test_revocations_come_first_however_long_the_rest_is(campus) -> None:
    campus.gate("main")
    first = campus.person("students", face=1)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica, page_limit=2)
    sync.run_once()
    campus.person("students", face=99)
    for face in range(2, 9):
        campus.person("students", face=face)
    campus.set_state(first, PersonState.CLOSED)
    campus.publisher.publish()

    page = campus.page(replica, limit=2)
    assert page.changes[0].person_id == first
    assert page.changes[0].entry is None
    assert not page.is_complete
    replica.apply(page, campus.clock.now)
    assert first not in replica.gallery().person_ids
    sync.run_once()
    assert sync.status.rebuilds == 0
    assert replica.count() == 8


def test_a_revocation_overtakes_the_queue_of_the_publisher(campus, monkeypatch) -> None:
    monkeypatch.setattr("directory.publisher.MOST_PEOPLE", 2)
    campus.gate("main")
    person = campus.person("students", face=1)
    campus.publisher.publish()
    for face in range(2, 12):
        campus.person("students", face=face)
    campus.set_state(person, PersonState.SUSPENDED)
    campus.publisher.publish_some()
    replica = campus.replica()
    campus.sync(replica).run_once()
    entry = replica.person(person)
    assert entry is not None
    assert entry.suspended
    campus.publisher.publish()
    campus.sync(replica).run_once()
    assert replica.count() == 11


def test_new_hours_need_no_new_entries(campus) -> None:
    policy = campus.gate("main", "students", "teachers")
    campus.person("students")
    before = campus.publisher.publish()["main"]
    campus.set_policy(policy.model_copy(update={"accepts_bare_uid": False}))
    assert campus.publisher.publish() == {"main": before + 1}
    replica = campus.replica()
    campus.sync(replica).run_once()
    assert replica.policy is not None
    assert not replica.policy.accepts_bare_uid


def test_a_group_that_loses_a_gate_leaves_it(campus) -> None:
    policy = campus.gate("main", "students", "teachers")
    student, teacher = campus.person("students", face=1), campus.person("teachers", face=2)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica)
    sync.run_once()
    campus.set_policy(policy.model_copy(update={"rules": policy.rules[:1]}))
    campus.publisher.publish()
    sync.run_once()
    assert campus.people_in(replica) == [student]
    assert replica.person(teacher) is None


def test_a_replica_older_than_the_forgotten_removals_is_fetched_anew(campus) -> None:
    campus.gate("main")
    stays, goes = campus.person("students", face=1), campus.person("students", face=2)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica, page_limit=1)
    sync.run_once()
    campus.set_state(goes, PersonState.CLOSED)
    campus.publisher.publish()
    with campus.database.begin() as session:
        assert prune(session, campus.clock.forward(days=1)) == 1
    sync.run_once()
    assert sync.status.rebuilds == 1
    assert campus.people_in(replica) == [stays]


def test_a_server_restored_from_a_backup_is_followed(campus) -> None:
    campus.gate("main")
    campus.person("students", face=1)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica)
    sync.run_once()
    with campus.database.begin() as session:
        gate = session.get_one(GateRecord, "main")
        gate.own_revision, gate.shared.revision = 1, 1
    sync.run_once()
    assert sync.status.rebuilds == 1
    assert len(campus.people_in(replica)) == 1


def test_a_replica_that_differs_is_fetched_anew_and_never_empty_meanwhile(campus) -> None:
    campus.gate("main")
    for face in range(5):
        campus.person("students", face=face)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica, page_limit=2)
    sync.run_once()
    with replica._store.writing() as cursor:
        cursor.execute("UPDATE meta SET value = '7' WHERE name = 'total'")
    replica._meta.total = 7
    seen = []
    original = replica.apply

    def watched(page, at):
        applied = original(page, at)
        seen.append(len(replica.gallery().person_ids))
        return applied

    replica.apply = watched
    sync.run_once()
    assert sync.status.rebuilds == 1
    assert seen == [5] * len(seen)
    assert replica.synced_at is not None


def test_the_server_learns_what_is_in_force_and_shows_the_lag(campus, facilities) -> None:
    campus.gate("main")
    campus.person("students")
    campus.publisher.publish()
    replica = campus.replica()
    campus.sync(replica).run_once()
    lag = campus.client.get("/api/v1/directory/lags", headers=facilities).json()[0]
    assert (lag["behind"], lag["behind_s"], lag["waiting_revocations"]) == (0, 0, 0)
    person = campus.person("students")
    campus.set_state(person, PersonState.SUSPENDED)
    campus.publisher.publish()
    campus.clock.forward(seconds=40)
    lag = campus.client.get("/api/v1/directory/lags", headers=facilities).json()[0]
    assert (lag["behind"], lag["behind_s"], lag["waiting_revocations"]) == (1, 40, 1)


def test_an_expired_person_is_told_so_for_a_day_and_then_forgotten(campus) -> None:
    campus.gate("main")
    person = campus.person("students", card=CARD, valid_until=campus.clock.now + timedelta(hours=1))
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica)
    sync.run_once()
    campus.clock.forward(hours=2)
    assert shown_card(campus, replica) is Reason.EXPIRED
    campus.clock.forward(days=2)
    campus.publisher.forget_expired()
    campus.publisher.publish()
    sync.run_once()
    assert replica.person(person) is None


def test_a_visitor_passes_with_a_code_within_the_hours(campus) -> None:
    campus.gate("main", "students")
    campus.gate("back", "students")
    visitor = campus.person(kind="visitor")
    now = campus.clock.now
    with campus.database.begin() as session:
        one, code = visitor_passes.issue(
            session,
            person_id=visitor,
            gates=["main"],
            valid_from=now + timedelta(hours=1),
            valid_until=now + timedelta(hours=3),
            with_code=True,
            credential_key=campus.credential_key,
            by="system",
            now=now,
        )
    assert code is not None
    campus.publisher.publish()
    replica, other = campus.replica("main"), campus.replica("back")
    sync = campus.sync(replica)
    sync.run_once()
    campus.sync(other).run_once()
    digest = campus.code_digest(code)
    assert other.by_credential("code", digest) is None

    def ask(after: timedelta) -> Reason:
        assert replica.policy is not None
        entry = replica.by_credential("code", digest)
        return decide(AccessRequest(credential=digest), entry, replica.policy, now + after).reason

    assert ask(timedelta()) is Reason.CREDENTIAL_NOT_YET_VALID
    assert ask(timedelta(hours=2)) is Reason.GRANTED
    assert ask(timedelta(hours=3)) is Reason.CREDENTIAL_EXPIRED
    with campus.database.begin() as session:
        visitor_passes.end(session, one.id, by="system", now=now)
    campus.publisher.publish()
    sync.run_once()
    assert ask(timedelta(hours=2)) is Reason.UNKNOWN_CREDENTIAL


def test_a_pin_travels_as_a_digest_and_is_asked_for(campus) -> None:
    campus.gate("laboratory", "researchers", mode=Mode.CARD_AND_PIN)
    person = campus.person("researchers", card=CARD)
    with campus.database.begin() as session:
        people.set_pin(session, person, "7305", credential_key=campus.credential_key, by="system", now=campus.clock.now)
    campus.publisher.publish()
    replica = campus.replica("laboratory")
    campus.sync(replica).run_once()
    entry, policy = replica.person(person), replica.policy
    assert entry is not None
    assert policy is not None
    card = campus.card_digest(CARD)
    for pin, reason in ((None, Reason.PIN_REQUIRED), ("1111", Reason.PIN_WRONG), ("7305", Reason.GRANTED)):
        shown = AccessRequest(credential=card, pin=pin and campus.pin_digest(person, pin))
        assert decide(shown, entry, policy, campus.clock.now).reason is reason


@pytest.mark.parametrize("gate", ["other", "nowhere"])
def test_a_device_is_held_to_its_gate(campus, gate: str) -> None:
    campus.gate("main")
    campus.gate("other")
    answer = campus.client.get(
        f"/api/v1/directory/gates/{gate}/changes", headers={"Authorization": f"Bearer {campus.token('main')}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_gate")


def test_a_wrong_token_is_refused_and_said_to_be(campus) -> None:
    campus.gate("main")
    campus.publisher.publish()
    sync = campus.sync(campus.replica())
    sync._headers["Authorization"] = "Bearer cgd_nonsense"
    with pytest.raises(SyncRefusedError, match="not_a_device"):
        sync.run_once()


def test_a_look_alike_needs_the_card_beside_the_face(campus) -> None:
    campus.gate("main")
    person = campus.person("students", face=1, card=CARD)
    with campus.database.begin() as session:
        people.set_needs(session, person, needs_card_and_face=True, by="system", now=campus.clock.now)
    campus.publisher.publish()
    replica = campus.replica()
    campus.sync(replica).run_once()
    entry, policy = replica.person(person), replica.policy
    assert policy is not None
    face = AccessRequest(face=FaceResult.MATCHED, face_model=policy.model_id)
    assert decide(face, entry, policy, campus.clock.now).reason is Reason.CARD_REQUIRED
    assert shown_card(campus, replica) is Reason.GRANTED


def test_somebody_who_was_deleted_from_the_accounts_is_removed(campus) -> None:
    campus.gate("main")
    person = campus.person("students", face=1)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica)
    sync.run_once()
    with campus.database.begin() as session:
        templates.withdraw(session, person, at=campus.clock.now)
    campus.set_groups(person)
    campus.publisher.publish()
    sync.run_once()
    assert replica.count() == 0
    assert new_id() not in replica.gallery().person_ids
    with campus.database.read() as session:
        assert session.get_one(Person, person).groups == frozenset()


def test_a_gate_with_another_credential_key_says_so_and_still_takes_every_revocation(campus) -> None:
    campus.gate("main", "students")
    student = campus.person("students", face=1, card=CARD)
    campus.publisher.publish()
    replica = campus.replica()
    sync = campus.sync(replica, credential_key=b"another key of the same length 1")
    for state, held in ((PersonState.ACTIVE, [student]), (PersonState.CLOSED, [])):
        campus.set_state(student, state)
        campus.publisher.publish()
        with pytest.raises(SyncRefusedError, match="CREDENTIAL_KEY is another here than at the server"):
            sync.run_once()
        assert campus.people_in(replica) == held
    assert "CREDENTIAL_KEY" in str(sync.status.error)
    campus.sync(campus.replica()).run_once()
