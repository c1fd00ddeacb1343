"""What a kiosk left for somebody at the card centre: it is listed, settled once, and by who may."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from accounts import people
from accounts.people.authority import AdminRequiredError, OwnAccountError
from accounts.people.notices import AccountNotice
from accounts.reissue import FeeNotReturnedError
from accounts.vocabulary import PersonState, Role
from card_dispensing import sightings, unsettled
from card_dispensing.issues import HANDED_OUT_WITHIN, IssueOverError
from database import new_id
from tests.card_dispensing.kiosk_campus import KioskCampus
from tests.card_dispensing.kiosk_rig import Rig
from tests.databases import ON_BOTH, ON_SQLITE
from web.problems import NotFoundError

pytestmark = ON_SQLITE


@dataclass(frozen=True)
class Staff:
    """Whoever acts."""

    person_id: UUID
    roles: frozenset[Role] = frozenset({Role.CASHIER})


CASHIER = Staff(new_id())


def keep_fee(rig: Rig, campus: KioskCampus) -> UUID:
    """The wallet is suspended between the booking and its reversal."""
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    campus.suspend()
    campus.clock.now += HANDED_OUT_WITHIN + timedelta(seconds=1)
    rig.turn()
    return issue


def release(campus: KioskCampus) -> None:
    with campus.database.begin() as session:
        person = people.get(session, campus.person, lock=True)
        people.set_state(session, person, PersonState.ACTIVE, by="test", now=campus.clock.now)


def return_fee(campus: KioskCampus, issue: UUID, *, by: Staff = CASHIER, person: UUID | None = None) -> None:
    with campus.database.begin() as session:
        unsettled.return_fee(campus.services, session, by, person or campus.person, issue, now=campus.clock.now)


def listed(campus: KioskCampus, person: UUID | None = None) -> list[tuple[UUID, str, str]]:
    with campus.database.read() as session:
        return [(one.person_id, one.kiosk, one.what) for one in unsettled.find_unsettled(session, person)]


@ON_BOTH
def test_a_fee_that_was_kept_is_given_back_once(rig: Rig, campus: KioskCampus) -> None:
    issue = keep_fee(rig, campus)
    assert listed(campus) == listed(campus, campus.person) == [(campus.person, "kiosk-1", sightings.FEE_KEPT)]
    assert listed(campus, new_id()) == []
    with pytest.raises(FeeNotReturnedError) as refused:
        return_fee(campus, issue)
    assert refused.value.members["reason"] == "account_suspended"
    assert listed(campus, campus.person) != []
    release(campus)
    return_fee(campus, issue)
    return_fee(campus, issue)
    campus.require_nothing_taken()
    assert campus.told == [AccountNotice.CARD_ISSUED, AccountNotice.REISSUE_FEE_KEPT, AccountNotice.REISSUE_REVERSED]
    assert listed(campus) == []
    with campus.database.read() as session:
        assert sightings.find_troubles(session, campus.clock.now).faults == []


def test_a_fee_is_given_back_by_who_may_and_of_what_was_kept(rig: Rig, campus: KioskCampus) -> None:
    issue = keep_fee(rig, campus)
    release(campus)
    with pytest.raises(OwnAccountError):
        return_fee(campus, issue, by=Staff(campus.person))
    with pytest.raises(NotFoundError):
        return_fee(campus, new_id())
    with campus.database.begin() as session:
        people.set_roles(
            session, people.get(session, campus.person, lock=True), {Role.REVIEWER}, by="t", now=campus.clock.now
        )
    with pytest.raises(AdminRequiredError):
        return_fee(campus, issue)
    assert campus.money() == (500, 1000)
    return_fee(campus, issue, by=Staff(new_id(), frozenset({Role.ADMIN})))
    assert campus.money() == (1500, 0)


def test_no_fee_of_a_card_that_was_handed_out_is_given_back(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.turn()
    with pytest.raises(IssueOverError):
        return_fee(campus, issue)
    campus.require_issued(rig.peer.machine.out[0])
