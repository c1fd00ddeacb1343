"""From the wish at the kiosk to the card in the hand, with every way in which it fails: a real API, a real line."""

from datetime import timedelta

import pytest

from accounts import cards, devices, people
from accounts.cards import loss
from accounts.cards.loss import ReissueFeeError, ReissueTooEarlyError
from accounts.ledger import AccountKind, Transfer, open_named, record
from accounts.people import AccountNotUsableError
from accounts.people.notices import AccountNotice
from accounts.vocabulary import DeviceRole, PersonState
from card_dispensing import sightings
from card_dispensing.contract import Fault, IssueOut, IssueState
from card_dispensing.issues import BOOKED_WITHIN, HANDED_OUT_WITHIN, DispenserBusyError
from card_dispensing.server_client import RejectedError, ServerClient, ServerError
from card_dispensing.sightings import DispenserNotReadyError
from database import new_id
from tests.card_dispensing.crt571_peer import UIDS
from tests.card_dispensing.kiosk_campus import LOST_UID, KioskCampus, add_person, client_of
from tests.card_dispensing.kiosk_rig import SHORT, TIMING, Rig, inside, keep_fee
from tests.databases import ON_BOTH, ON_SQLITE

pytestmark = ON_SQLITE


@ON_BOTH
def test_a_card_is_read_booked_and_handed_out(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    assert campus.state(issue) == "waiting"
    rig.turn()
    assert campus.state(issue) == "handed_out"
    campus.require_issued(UIDS[0])
    assert inside(rig.peer) == ([UIDS[0]], [], None)
    assert campus.told == [AccountNotice.CARD_ISSUED]
    rig.turn(2)
    assert rig.peer.machine.moves == ["take", "out"], "and that was all"


def test_nothing_moves_while_nobody_asks(rig: Rig) -> None:
    rig.turn(3)
    assert rig.peer.machine.moves == []


def test_the_same_wish_twice_is_one_card(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    assert campus.ask(issue) == issue
    rig.turn()
    assert campus.ask(issue) == issue
    rig.turn(2)
    campus.require_issued(UIDS[0])
    assert rig.peer.machine.out == [UIDS[0]]


@pytest.mark.parametrize(
    ("wrong", "fault", "binned"),
    [
        ({"jam": "take"}, Fault.JAM, False),
        ({"pull": "take"}, Fault.MOVED_BY_HAND, False),
        ({"unreadable": True}, Fault.UNREADABLE, True),
    ],
)
def test_what_goes_wrong_before_the_booking_costs_nothing(
    rig: Rig, campus: KioskCampus, wrong: dict[str, object], fault: Fault, *, binned: bool
) -> None:
    issue = rig.ask()
    rig.peer.set(**wrong)
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", fault.value)
    campus.require_nothing_taken()
    rig.peer.set(jam="", unreadable=False)
    rig.turn(2)
    out, bin_, on_the_way = inside(rig.peer)
    assert on_the_way is None
    if binned:
        assert (out, bin_) == ([], [UIDS[0]])
    second = rig.ask()
    rig.turn()
    assert campus.state(second) == "handed_out"
    assert campus.money() == (500, 1000)


@ON_BOTH
@pytest.mark.parametrize("wrong", [{"jam": "out"}])
def test_a_card_that_jams_on_its_way_out_is_taken_back(rig: Rig, campus: KioskCampus, wrong: dict[str, object]) -> None:
    issue = rig.ask()
    rig.peer.set(**wrong)
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", Fault.JAM.value)
    assert campus.issue(issue).booked_at is not None
    campus.require_nothing_taken()
    assert not campus.has_card(UIDS[0]), "whoever gets it out of the machine opens nothing with it"
    assert campus.told == [AccountNotice.CARD_ISSUED, AccountNotice.REISSUE_REVERSED]
    assert inside(rig.peer) == ([], [UIDS[0]], None)
    rig.peer.set(jam="")
    second = rig.ask()
    rig.turn()
    assert campus.state(second) == "handed_out"
    campus.require_issued(UIDS[1])


def test_a_card_that_is_pulled_out_of_the_gate_was_handed_out(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.peer.set(pull="out")
    rig.turn()
    assert campus.state(issue) == "handed_out"
    campus.require_issued(UIDS[0])


def test_a_card_that_left_without_an_answer_was_handed_out(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.peer.set(quits="out")
    rig.turn()
    assert campus.state(issue) == "handed_out"
    campus.require_issued(UIDS[0])
    assert rig.peer.machine.moves == ["take", "out"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"cards": []}, Fault.NO_CARDS), ({"bin_full": True}, Fault.BIN_FULL), ({"silent": True}, Fault.NO_ANSWER)],
)
def test_a_dispenser_that_cannot_is_known_before_anybody_waits(
    rig: Rig, campus: KioskCampus, wrong: dict[str, object], reason: Fault
) -> None:
    rig.turn()
    rig.peer.set(**wrong)
    rig.restart(SHORT if wrong.get("silent") else TIMING)
    rig.turn()
    with pytest.raises(DispenserNotReadyError) as refused:
        campus.ask()
    assert refused.value.members["reason"] == reason.value
    campus.require_nothing_taken()
    assert rig.peer.machine.moves == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"cards": []}, Fault.NO_CARDS), ({"bin_full": True}, Fault.BIN_FULL), ({"silent": True}, Fault.NO_ANSWER)],
)
def test_what_changes_after_the_wish_ends_it(
    rig: Rig, campus: KioskCampus, wrong: dict[str, object], reason: Fault
) -> None:
    issue = rig.ask()
    rig.peer.set(**wrong)
    rig.restart(SHORT if wrong.get("silent") else TIMING)
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", reason.value)
    campus.require_nothing_taken()
    assert rig.peer.machine.moves == []


def test_a_card_in_the_gate_is_left_for_whoever_takes_it(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.peer.set(inside=UIDS[9], at_gate=True)
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", Fault.CARD_IN_GATE.value)
    assert rig.peer.machine.moves == []


def test_a_card_of_somebody_else_goes_into_the_bin(rig: Rig, campus: KioskCampus) -> None:
    with campus.database.begin() as session:
        add_person(campus.services, session, "20260002", campus.clock.now, uid=UIDS[0])
    with campus.database.begin() as session:
        other = people.by_number(session, "20260002")
        loss.release(session, people.get(session, other.id, lock=True), by="test", now=campus.clock.now)
    issue = rig.ask()
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", "card_uid_taken")
    campus.require_nothing_taken()
    assert inside(rig.peer) == ([], [UIDS[0]], None)


def test_a_booking_that_is_refused_puts_the_card_into_the_bin(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    campus.suspend()
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", "account_not_usable")
    campus.require_nothing_taken()
    assert inside(rig.peer) == ([], [UIDS[0]], None)


def test_an_answer_to_the_booking_that_is_lost_costs_once(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    assert campus.state(issue) == "booked"
    assert inside(rig.peer) == ([], [], UIDS[0])
    rig.turn()
    assert campus.state(issue) == "handed_out"
    campus.require_issued(UIDS[0])
    assert rig.peer.machine.moves == ["take", "out"]


@pytest.mark.parametrize("loses", ["send_status", "fetch_issue", "begin", "end"])
def test_any_other_answer_that_is_lost_leaves_nothing_half_done(rig: Rig, campus: KioskCampus, loses: str) -> None:
    issue = rig.ask()
    rig.server.loses = loses
    rig.turn(3)
    assert campus.state(issue) in {"handed_out", "failed"}
    out, _, on_the_way = inside(rig.peer)
    assert on_the_way is None
    if campus.state(issue) == "handed_out":
        campus.require_issued(out[0])
    else:
        campus.require_nothing_taken()
        assert out == []


def test_a_server_that_is_away_moves_no_card(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.server.is_away = True
    rig.turn(2)
    assert rig.peer.machine.moves == []
    rig.server.is_away = False
    rig.turn()
    assert campus.state(issue) == "handed_out"


def test_a_card_that_comes_too_late_is_booked_for_nobody(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    campus.clock.now += BOOKED_WITHIN + timedelta(seconds=1)
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", Fault.TOO_LATE.value)
    campus.require_nothing_taken()
    assert rig.peer.machine.moves == []


def test_a_booked_card_whose_holder_has_gone_is_taken_back(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    campus.clock.now += HANDED_OUT_WITHIN + timedelta(seconds=1)
    rig.restart()
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", Fault.TOO_LATE.value)
    campus.require_nothing_taken()
    assert inside(rig.peer) == ([], [UIDS[0]], None)


def test_another_card_than_the_booked_one_is_not_handed_out(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    rig.peer.set(inside=UIDS[7])
    rig.restart()
    rig.turn()
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", Fault.OTHER_CARD.value)
    campus.require_nothing_taken()
    assert inside(rig.peer) == ([], [UIDS[7]], None)


def test_a_card_that_nobody_booked_is_put_away(rig: Rig, campus: KioskCampus) -> None:
    rig.peer.set(inside=UIDS[5])
    rig.turn()
    assert inside(rig.peer) == ([], [UIDS[5]], None)
    campus.require_nothing_taken()


def test_one_dispenser_hands_out_one_card_at_a_time(rig: Rig, campus: KioskCampus) -> None:
    rig.turn()
    with campus.database.begin() as session:
        other = add_person(campus.services, session, "20260002", campus.clock.now, uid="04BBBBBBBBBB80")
    first = campus.ask()
    with pytest.raises(DispenserBusyError):
        campus.ask(person=other)
    rig.turn()
    second = campus.ask(person=other)
    rig.turn()
    assert (campus.state(first), campus.state(second)) == ("handed_out", "handed_out")
    assert rig.peer.machine.out == list(UIDS[:2])


def test_rules_of_a_reissue_hold_before_a_card_moves(rig: Rig, campus: KioskCampus) -> None:
    rig.turn()
    campus.suspend()
    with pytest.raises(AccountNotUsableError):
        campus.ask()
    with campus.database.begin() as session:
        person = people.get(session, campus.person, lock=True)
        people.set_state(session, person, PersonState.ACTIVE, by="t", now=campus.clock.now)
        loss.release(session, person, by="t", now=campus.clock.now)
        loss.report(session, person, through="app", by="t", now=campus.clock.now - timedelta(hours=23))
    with pytest.raises(ReissueTooEarlyError):
        campus.ask()
    campus.clock.forward(hours=2)
    rig.restart()
    rig.turn()
    with campus.database.begin() as session:
        cash = open_named(session, AccountKind.CASH, "counter", campus.clock.now)
        record(session, [Transfer(new_id(), "cash_out", campus.person, cash, 501)], campus.clock.now)[0].require()
    with pytest.raises(ReissueFeeError):
        campus.ask()
    assert rig.peer.machine.moves == []


def test_after_a_reversal_the_loss_may_be_released(rig: Rig, campus: KioskCampus) -> None:
    """The replaced card has ended and stays so; the virtual one works again."""
    rig.ask()
    rig.peer.set(jam="out")
    rig.turn()
    with campus.database.begin() as session:
        loss.release(session, people.get(session, campus.person, lock=True), by="test", now=campus.clock.now)
    assert campus.cards() == {"virtual": "active"}
    assert not campus.has_card(UIDS[0])
    assert not campus.has_card(LOST_UID)


def test_a_fee_that_the_wallet_does_not_take_back_is_said(rig: Rig, campus: KioskCampus) -> None:
    issue = keep_fee(rig, campus)
    assert (campus.state(issue), campus.issue(issue).problem) == ("failed", sightings.FEE_KEPT)
    assert campus.money() == (500, 1000)
    assert not campus.has_card(UIDS[0])
    assert inside(rig.peer) == ([], [UIDS[0]], None), "and the kiosk works for the next"
    assert campus.told == [AccountNotice.CARD_ISSUED, AccountNotice.REISSUE_FEE_KEPT]
    with campus.database.read() as session:
        (trouble,) = sightings.find_troubles(session, campus.clock.now).faults
    assert (trouble.kiosk, trouble.reason) == ("kiosk-1", sightings.FEE_KEPT)


def test_a_dispenser_ends_only_its_own(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    with campus.database.begin() as session:
        kiosk, _ = devices.add(session, name="kiosk-2", role=DeviceRole.KIOSK, by="test", now=campus.clock.now)
        _, token = devices.add(
            session, name="other", role=DeviceRole.DISPENSER, kiosk_id=kiosk.id, by="test", now=campus.clock.now
        )
    other = ServerClient(campus.url, token)
    assert other.fetch_issue() is None
    for call in (other.begin, lambda one: other.book(one, UIDS[0]), lambda one: other.end(one, IssueState.FAILED)):
        with pytest.raises(RejectedError) as refused:
            call(issue)
        assert refused.value.code == "not_found"
    other.close()
    stranger = ServerClient(campus.url, "cgd_nothing")
    with pytest.raises(ServerError):
        stranger.fetch_issue()
    stranger.close()
    assert campus.state(issue) == "waiting"


def test_what_has_ended_stays_as_it_ended(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.turn()
    with client_of(campus) as client:
        client.end(issue, IssueState.HANDED_OUT)
        for call in (
            lambda: client.end(issue, IssueState.FAILED, Fault.JAM),
            lambda: client.begin(issue),
            lambda: client.book(issue, UIDS[0]),
        ):
            with pytest.raises(RejectedError) as refused:
                call()
            assert refused.value.code == "card_issue_over"
    campus.require_issued(UIDS[0])


def test_what_is_wrong_is_found_for_the_operators(rig: Rig, campus: KioskCampus) -> None:
    def found() -> dict[str, list[str]]:
        with campus.database.read() as session:
            troubles = sightings.find_troubles(session, campus.clock.now)
        named = {"faults": troubles.faults, "cards": troubles.cards, "bins": troubles.bins}
        return {name: [one.reason for one in ones] for name, ones in named.items() if ones}

    assert found() == {"faults": [sightings.SILENT]}, "its process was never heard"
    rig.turn()
    assert found() == {}
    rig.peer.set(cards=list(UIDS[:2]))
    rig.turn()
    assert found() == {"cards": ["few_cards"]}
    rig.peer.set(cards=[], bin_full=True)
    rig.turn()
    assert found() == {"cards": ["no_cards"], "bins": ["card_bin_full"]}
    rig.peer.set(cards=list(UIDS), bin_full=False)
    rig.ask()
    rig.peer.set(jam="out")
    rig.turn()
    assert found() == {"faults": ["card_jam"]}
    rig.peer.set(jam="")
    rig.turn(2)
    assert found() == {"faults": ["card_jam"]}, "somebody must look for half an hour yet"
    campus.clock.now += sightings.FAILED_WITHIN
    rig.restart()
    rig.turn()
    assert found() == {}
    rig.server.loses = "book"
    rig.ask()
    rig.turn()
    campus.clock.now += sightings.UNDECIDED_AFTER
    assert found() == {"faults": [sightings.UNDECIDED]}


def test_the_uid_is_kept_as_every_other(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.turn()
    with campus.database.read() as session:
        card = cards.get(session, campus.issue(issue).card_id)  # type: ignore[arg-type]
        assert card.uid_digest == cards.uid_digest(session, UIDS[0])
    assert UIDS[0] not in repr(campus.issue(issue).__dict__)


def test_an_issue_says_no_more_than_it_must(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    with client_of(campus) as client:
        assert client.fetch_issue() == IssueOut(id=issue, state=IssueState.WAITING, may_hand_out=True)
