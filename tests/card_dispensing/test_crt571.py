"""The driver of the CRT-571 against a peer on a real pseudo-terminal."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from campusgate.processes.dispenser import ReopenedLine
from card_dispensing.contract import Fault, Stacker
from card_dispensing.crt571 import Crt571, Timing
from card_dispensing.dispenser import CardDispenser, DispenserError, DispenserState, Position
from card_dispensing.registry import DISPENSERS
from tests.card_dispensing.crt571_peer import UIDS, Peer, running_peer
from tests.waiting import PATIENCE_S

PATIENT = Timing(received_s=PATIENCE_S, moved_s=PATIENCE_S, gap_s=PATIENCE_S, sent_s=PATIENCE_S)
HASTY = replace(PATIENT, received_s=0.05, moved_s=0.05, gap_s=0.05)
"""For what never comes."""


@pytest.fixture
def peer(imported_rooms: None) -> Iterator[Peer]:
    with running_peer() as peer:
        yield peer


@pytest.fixture
def line(peer: Peer) -> Iterator[ReopenedLine]:
    line = ReopenedLine(peer.path, 9600)
    yield line
    line.close()


@pytest.fixture
def dispenser(line: ReopenedLine) -> CardDispenser:
    dispenser = Crt571(line, timing=PATIENT)
    dispenser.start()
    return dispenser


def fault_of(call: object) -> Fault:
    with pytest.raises(DispenserError) as caught:
        call()  # type: ignore[operator]
    return caught.value.fault


def test_a_card_goes_from_the_stacker_to_the_reader_and_out(peer: Peer, dispenser: CardDispenser) -> None:
    assert dispenser.read_state() == DispenserState(Position.NONE, Stacker.ENOUGH, is_bin_full=False)
    dispenser.take_card()
    assert dispenser.read_state().position is Position.READER
    assert dispenser.read_uid() == UIDS[0]
    dispenser.hand_out()
    assert dispenser.read_state().position is Position.NONE
    dispenser.take_card()
    dispenser.discard()
    machine = peer.machine
    assert (machine.out, machine.bin) == ([UIDS[0]], [UIDS[1]])


def test_no_card_is_drawn_from_the_stacker_for_the_gate_or_the_bin(peer: Peer, dispenser: CardDispenser) -> None:
    assert fault_of(dispenser.hand_out) is Fault.CARD_MISSING
    assert fault_of(dispenser.discard) is Fault.CARD_MISSING
    assert peer.machine.moves == []


@pytest.mark.parametrize(
    ("cards", "stacker"), [(0, Stacker.EMPTY), (1, Stacker.FEW), (4, Stacker.FEW), (5, Stacker.ENOUGH)]
)
def test_it_says_how_many_cards_are_left(peer: Peer, dispenser: CardDispenser, cards: int, stacker: Stacker) -> None:
    peer.set(cards=list(UIDS[:cards]), bin_full=True)
    assert dispenser.read_state() == DispenserState(Position.NONE, stacker, is_bin_full=True)


def test_faults_have_names(peer: Peer, dispenser: CardDispenser) -> None:
    peer.set(cards=[])
    assert fault_of(dispenser.take_card) is Fault.NO_CARDS
    peer.set(cards=list(UIDS), jam="take")
    assert fault_of(dispenser.take_card) is Fault.JAM
    peer.set(jam="", unreadable=True)
    dispenser.take_card()
    assert fault_of(dispenser.read_uid) is Fault.UNREADABLE
    peer.set(unreadable=False, pull="out")
    assert fault_of(dispenser.hand_out) is Fault.MOVED_BY_HAND
    assert dispenser.read_state().position is Position.NONE


def test_a_dispenser_that_lost_its_power_is_started_again(peer: Peer, dispenser: CardDispenser) -> None:
    dispenser.take_card()
    peer.set(started=False)
    assert dispenser.read_uid() == UIDS[0], "the card stays where it was"
    peer.set(started=False)
    dispenser.hand_out()
    assert peer.machine.out == [UIDS[0]]


@pytest.mark.parametrize("moves", ["flip", "refuse"])
def test_what_arrives_damaged_is_sent_again_and_done_once(peer: Peer, dispenser: CardDispenser, moves: str) -> None:
    peer.set(**{moves: 2})
    dispenser.take_card()
    peer.set(**{moves: 1})
    assert dispenser.read_uid() == UIDS[0]
    peer.set(**{moves: 2})
    dispenser.hand_out()
    machine = peer.machine
    assert (machine.moves, machine.out) == (["take", "out"], [UIDS[0]])


def test_a_move_whose_answers_are_all_damaged_is_not_sent_again(peer: Peer, dispenser: CardDispenser) -> None:
    dispenser.take_card()
    peer.set(spoil="out")
    assert fault_of(dispenser.hand_out) is Fault.NO_ANSWER
    machine = peer.machine
    assert (machine.moves, machine.out) == (["take", "out"], [UIDS[0]])
    assert dispenser.read_state().position is Position.NONE


def test_a_move_that_is_given_up_is_not_sent_again(peer: Peer, dispenser: CardDispenser) -> None:
    dispenser.take_card()
    peer.set(quits="out")
    assert fault_of(dispenser.hand_out) is Fault.NO_ANSWER
    assert peer.machine.moves == ["take", "out"]


def test_silence_is_a_fault_and_ends(peer: Peer, line: ReopenedLine, dispenser: CardDispenser) -> None:
    peer.set(silent=True)
    hasty = Crt571(line, timing=HASTY)
    assert fault_of(hasty.read_state) is Fault.NO_ANSWER
    peer.set(silent=False)
    assert dispenser.read_state().position is Position.NONE, "what was given up disturbs nothing"


def test_an_answer_in_single_bytes_is_understood(peer: Peer, dispenser: CardDispenser) -> None:
    peer.set(chop=True)
    dispenser.take_card()
    assert dispenser.read_uid() == UIDS[0]


def test_a_line_that_is_not_there_is_a_fault_until_it_is(peer: Peer, tmp_path: object) -> None:
    place = peer.path.parent / "none" / "here"
    line = ReopenedLine(place, 9600)
    dispenser = DISPENSERS["crt571"].open(line, 0)
    assert fault_of(dispenser.start) is Fault.NO_ANSWER
    line._path = peer.path
    dispenser.start()
    assert dispenser.read_state().stacker is Stacker.ENOUGH
    line.close()
