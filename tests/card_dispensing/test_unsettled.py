"""What a kiosk left for somebody at the card centre: it is listed, settled once, and by who may."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from accounts import people
from accounts.cards import loss
from accounts.people.authority import AdminRequiredError, OwnAccountError
from accounts.people.notices import AccountNotice
from accounts.reissue import FeeNotReturnedError
from accounts.vocabulary import PersonState, Role
from card_dispensing import sightings, unsettled
from card_dispensing.contract import IssueState
from card_dispensing.issues import IssueOverError
from card_dispensing.server_client import RejectedError
from database import new_id
from tests.card_dispensing.crt571_peer import UIDS
from tests.card_dispensing.kiosk_campus import KioskCampus, add_person, client_of
from tests.card_dispensing.kiosk_rig import Rig, keep_fee
from tests.databases import ON_BOTH, ON_SQLITE
from web.problems import NotFoundError

pytestmark = ON_SQLITE


@dataclass(frozen=True)
class Staff:
    """Whoever acts."""

    person_id: UUID
    roles: frozenset[Role] = frozenset({Role.CASHIER})


CASHIER = Staff(new_id())


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


def lose_card(rig: Rig, campus: KioskCampus) -> UUID:
    """A booked card is taken out through the opened machine while its process is away for long."""
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    rig.peer.set(inside=None)
    campus.clock.now += timedelta(hours=2)
    rig.restart()
    rig.turn()
    return issue


def settle(
    campus: KioskCampus, issue: UUID, *, has_card: bool, by: Staff = CASHIER, person: UUID | None = None
) -> None:
    with campus.database.begin() as session:
        unsettled.settle_gone(
            campus.services, session, by, person or campus.person, issue, has_card=has_card, now=campus.clock.now
        )


def troubles(campus: KioskCampus) -> list[str]:
    with campus.database.read() as session:
        return [one.reason for one in sightings.find_troubles(session, campus.clock.now).faults]


@ON_BOTH
def test_a_card_that_is_gone_is_concluded_by_a_person_alone(rig: Rig, campus: KioskCampus) -> None:
    issue = lose_card(rig, campus)
    assert campus.state(issue) == "unclear"
    assert listed(campus) == [(campus.person, "kiosk-1", sightings.GONE)]
    assert campus.told == [AccountNotice.CARD_ISSUED, AccountNotice.REISSUE_UNCLEAR]
    campus.require_issued(UIDS[0])
    campus.clock.now += timedelta(days=30)
    rig.restart()
    rig.turn()
    assert troubles(campus) == [sightings.GONE], "until somebody has settled it"
    settle(campus, issue, has_card=True)
    settle(campus, issue, has_card=True)
    assert (campus.state(issue), campus.issue(issue).problem) == ("handed_out", None)
    assert (listed(campus), troubles(campus)) == ([], [])
    campus.require_issued(UIDS[0])
    with pytest.raises(IssueOverError):
        settle(campus, issue, has_card=False)


@ON_BOTH
def test_a_card_that_its_holder_never_got_is_reversed_once(rig: Rig, campus: KioskCampus) -> None:
    issue = lose_card(rig, campus)
    settle(campus, issue, has_card=False)
    settle(campus, issue, has_card=False)
    campus.require_nothing_taken()
    assert not campus.has_card(UIDS[0]), "whoever has it opens nothing with it"
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", sightings.GONE)
    assert campus.told[-1] is AccountNotice.REISSUE_REVERSED
    assert listed(campus) == []
    rig.turn()
    assert troubles(campus) == []
    with pytest.raises(IssueOverError):
        settle(campus, issue, has_card=True)


def test_a_kiosk_goes_on_while_nobody_has_settled_a_card(rig: Rig, campus: KioskCampus) -> None:
    first = lose_card(rig, campus)
    with campus.database.begin() as session:
        other = add_person(campus.services, session, "20260002", campus.clock.now, uid="04BBBBBBBBBB80")
    rig.turn()
    second = campus.ask(person=other)
    rig.turn()
    assert (campus.state(first), campus.state(second)) == ("unclear", "handed_out")


def test_a_card_that_is_gone_whose_wallet_is_suspended_keeps_its_fee_for_later(rig: Rig, campus: KioskCampus) -> None:
    issue = lose_card(rig, campus)
    campus.suspend()
    settle(campus, issue, has_card=False)
    assert listed(campus) == [(campus.person, "kiosk-1", sightings.FEE_KEPT)]
    release(campus)
    return_fee(campus, issue)
    campus.require_nothing_taken()
    assert listed(campus) == []


def test_a_card_that_was_reported_lost_meanwhile_costs_its_holder_nothing(rig: Rig, campus: KioskCampus) -> None:
    issue = lose_card(rig, campus)
    with campus.database.begin() as session:
        person = people.get(session, campus.person, lock=True)
        loss.report(session, person, through="app", by="test", now=campus.clock.now)
    settle(campus, issue, has_card=False)
    campus.require_nothing_taken()


def test_a_card_is_settled_by_who_may(rig: Rig, campus: KioskCampus) -> None:
    issue = lose_card(rig, campus)
    with pytest.raises(OwnAccountError):
        settle(campus, issue, has_card=True, by=Staff(campus.person))
    with pytest.raises(NotFoundError):
        settle(campus, new_id(), has_card=True)
    assert campus.state(issue) == "unclear"


def test_a_card_that_this_process_saw_leave_was_handed_out_however_late_it_can_say_so(
    rig: Rig, campus: KioskCampus
) -> None:
    issue = rig.ask()
    rig.server.away_for = "end"
    rig.turn()
    assert (campus.state(issue), rig.peer.machine.out) == ("booked", [UIDS[0]])
    campus.clock.now += timedelta(hours=2)
    rig.server.away_for = ""
    rig.turn()
    assert campus.state(issue) == "handed_out"
    assert listed(campus) == []


def test_an_unclear_card_is_not_ended_by_a_machine(rig: Rig, campus: KioskCampus) -> None:
    issue = lose_card(rig, campus)
    with client_of(campus) as client:
        client.end(issue, IssueState.UNCLEAR)
        for outcome in (IssueState.HANDED_OUT, IssueState.FAILED):
            with pytest.raises(RejectedError) as refused:
                client.end(issue, outcome)
            assert refused.value.code == "card_issue_over"
    assert campus.state(issue) == "unclear"
    assert campus.told.count(AccountNotice.REISSUE_UNCLEAR) == 1


def test_no_fee_of_a_card_that_was_handed_out_is_given_back(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.turn()
    with pytest.raises(IssueOverError):
        return_fee(campus, issue)
    campus.require_issued(rig.peer.machine.out[0])
