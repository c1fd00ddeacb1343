"""Two accounts of one person become one: what moves, what is ended, what stands in the way."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from accounts import audit, cards, merging, people
from accounts.cards import loss
from accounts.ledger import chart, posting
from accounts.ledger.transfer import AccountKind, AccountState, Action, Transfer
from accounts.people.merge_parts import MergeMove, MergeObstacle
from accounts.people.notices import notify_nobody
from accounts.principals import Principal
from accounts.tables import Person, PersonRole
from accounts.vocabulary import PersonKind, PersonState, Role
from campusgate.wiring.accounts import MERGE_PARTS
from database import Database, new_id
from directory import people as gate_people
from directory.tables import GatePerson
from enrollment import consent, photo_states
from enrollment.tables import Notice, PhotoRecord, PhotoState, TemplateRecord, TemplateState
from metering.rooms import registry, residents
from tests.console.page_server import Pages, hire, signed_in

NOW = datetime(2026, 9, 1, 4, tzinfo=UTC)
ADMIN = Principal(new_id(), new_id(), frozenset({Role.HOLDER, Role.ADMIN}))


def enrol(database: Database, number: str) -> UUID:
    with database.begin() as session:
        given = people.Particulars(
            number=number, name="王芳", kind=PersonKind.STUDENT, valid_from=NOW - timedelta(days=1)
        )
        return people.create(session, given, by="test", now=NOW).id


def give_card(database: Database, person_id: UUID, uid: str) -> UUID:
    with database.begin() as session:
        return cards.issue(session, people.get(session, person_id), uid, key_number=None, by="test", now=NOW).id


def give_money(database: Database, person_id: UUID, fen: int) -> None:
    with database.begin() as session:
        cash = chart.open_named(session, AccountKind.CASH, "counter", NOW)
        posting.record(session, [Transfer(id=new_id(), purpose="cash", debit=cash, credit=person_id, amount=fen)], NOW)


def give_photo(database: Database, person_id: UUID, state: PhotoState = PhotoState.APPROVED) -> None:
    with database.begin() as session:
        consent.give(session, person_id, "3", {}, present="3", by="test", now=NOW)
        photo = PhotoRecord(person_id=person_id, state=state, digest=new_id().hex, uploaded_at=NOW)
        session.add(photo)
        session.flush()
        session.add(
            TemplateRecord(
                person_id=person_id, photo_id=photo.id, model_id="m", state=TemplateState.ACTIVE, made_at=NOW
            )
        )


@pytest.fixture
def two(database: Database) -> tuple[UUID, UUID]:
    return enrol(database, "20260001"), enrol(database, "20260002")


def merge(database: Database, keep: UUID, gone: UUID) -> None:
    with database.begin() as session:
        merging.merge(session, ADMIN, keep, gone, MERGE_PARTS, notify=notify_nobody, now=NOW)


def test_what_the_other_has_moves_to_an_account_without(database: Database, two: tuple[UUID, UUID]) -> None:
    keep, gone = two
    card_id = give_card(database, gone, "04A1B2C3D4E580")
    give_money(database, gone, 1234)
    give_photo(database, gone)
    with database.begin() as session:
        gate_people.set_needs(session, gone, extended_time=True, by="test", now=NOW)
        session.add(Notice(person_id=gone, at=NOW, kind="x", content={}, read_at=None))
        foreseen = merging.foresee(session, keep, gone, MERGE_PARTS, now=NOW)
    assert foreseen.obstacles == frozenset()
    assert foreseen.moves == {
        MergeMove.MONEY: 1234,
        MergeMove.CARDS_MOVED: 1,
        MergeMove.PHOTOS_MOVED: 1,
        MergeMove.NEEDS_KEPT: 1,
        MergeMove.NOTICES_MOVED: 1,
    }
    merge(database, keep, gone)
    with database.read() as session:
        assert cards.get(session, card_id).person_id == keep
        assert chart.account(session, keep).balance == 1234
        assert chart.account(session, gone).state is AccountState.CLOSED
        assert photo_states.find_states(session, [keep, gone]) == {keep: PhotoState.APPROVED}
        assert consent.find_current(session, keep) is not None
        needs = session.get(GatePerson, keep)
        assert needs is not None
        assert needs.extended_time
        closed = people.get(session, gone)
        assert (closed.state, closed.merged_into) == (PersonState.CLOSED, keep)
        assert [one.action for one in audit.find(session, subject=f"person:{keep}", action="person.merge")] == [
            "person.merge"
        ]
        assert audit.verify(session).intact


def test_what_both_have_is_ended_with_the_account_that_goes(database: Database, two: tuple[UUID, UUID]) -> None:
    keep, gone = two
    own, other = give_card(database, keep, "04A1B2C3D4E580"), give_card(database, gone, "04A1B2C3D4E581")
    give_photo(database, keep)
    give_photo(database, gone)
    merge(database, keep, gone)
    with database.read() as session:
        assert (cards.get(session, own).state.value, cards.get(session, other).state.value) == ("active", "returned")
        states = sorted(one.state for one in session.query(PhotoRecord).filter_by(person_id=keep))
        assert states == [PhotoState.APPROVED, PhotoState.WITHDRAWN]
        assert session.query(TemplateRecord).filter_by(person_id=gone).count() == 0


def obstruct(database: Database, what: MergeObstacle, keep: UUID, gone: UUID) -> None:
    with database.begin() as session:
        person: Person = people.get(session, gone)
        match what:
            case MergeObstacle.CLOSED:
                people.set_state(session, people.get(session, keep), PersonState.CLOSED, by="test", now=NOW)
            case MergeObstacle.SUSPENDED:
                people.set_state(session, person, PersonState.SUSPENDED, by="test", now=NOW)
            case MergeObstacle.HAS_ROLES:
                session.add(PersonRole(person_id=gone, role=Role.REVIEWER))
            case MergeObstacle.LOSS_OPEN:
                cards.issue(session, person, "04A1B2C3D4E580", key_number=None, by="test", now=NOW)
                loss.report(session, person, through="counter", by="test", now=NOW)
            case MergeObstacle.MONEY_HELD:
                cash = chart.open_named(session, AccountKind.CASH, "counter", NOW)
                paid = Transfer(id=new_id(), purpose="cash", debit=cash, credit=gone, amount=500)
                held = Transfer(
                    id=new_id(),
                    purpose="water",
                    debit=gone,
                    credit=cash,
                    amount=100,
                    action=Action.HOLD,
                    expires_after=timedelta(hours=1),
                )
                posting.record(session, [paid, held], NOW)
            case MergeObstacle.LIVES_IN_ROOM:
                building = registry.add_building(session, "b1", "B1", by="test", now=NOW)
                room = registry.add_room(session, building.id, "101", 4, by="test", now=NOW)
                residents.move_in(session, room.id, gone, NOW.date(), by="test", now=NOW)


@pytest.mark.parametrize(
    "what",
    [
        MergeObstacle.CLOSED,
        MergeObstacle.SUSPENDED,
        MergeObstacle.HAS_ROLES,
        MergeObstacle.LOSS_OPEN,
        MergeObstacle.MONEY_HELD,
        MergeObstacle.LIVES_IN_ROOM,
    ],
)
def test_what_is_open_stands_in_the_way(database: Database, two: tuple[UUID, UUID], what: MergeObstacle) -> None:
    obstruct(database, what, *two)
    with pytest.raises(merging.MergeRefusedError) as refused:
        merge(database, *two)
    assert refused.value.members["obstacles"] == [what.value]
    with database.read() as session:
        assert people.get(session, two[1]).merged_into is None


def test_a_photo_that_waits_is_decided_first(database: Database, two: tuple[UUID, UUID]) -> None:
    give_photo(database, two[1], PhotoState.IN_REVIEW)
    with database.read() as session:
        assert merging.foresee(session, *two, MERGE_PARTS, now=NOW).obstacles == {MergeObstacle.PHOTO_UNDECIDED}
        assert merging.foresee(session, two[0], two[0], MERGE_PARTS, now=NOW).obstacles == {MergeObstacle.SAME_ACCOUNT}


def test_the_page_shows_what_moves_before_anything_does(served_pages: Pages) -> None:
    office = served_pages
    hire(office.database, office.app.state.console.accounts, "A1", "Staff A1", Role.ADMIN)
    keep, gone = enrol(office.database, "M001"), enrol(office.database, "M002")
    give_money(office.database, gone, 500)
    address = f"/console/office/people/{keep}/merge"
    with signed_in(office, "A1") as admin:
        assert "Nobody has this number." in admin.get(address, params={"number": "M999"}).text
        preview = admin.get(address, params={"number": "M002"})
        assert "Money moved" in preview.text
        assert "¥5.00" in preview.text
        swapped = admin.get(address, params={"number": "M002", "swapped": "true"})
        assert f'action="/console/office/people/{gone}/merge"' in swapped.text
        assert admin.post(address, data={"gone_id": str(gone)}).status_code == 422
        merged = admin.post(address, data={"gone_id": str(gone), "sure": "true"})
        assert "The accounts were merged." in merged.text
        assert "was merged into" in admin.get(f"/console/office/people/{gone}").text
        again = admin.post(address, data={"gone_id": str(gone), "sure": "true"})
        assert again.status_code == 409
        assert "One of the accounts is closed." in again.text
