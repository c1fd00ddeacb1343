"""What is left when a dispenser is replaced, starts anew, a clock is set back, or nobody takes a card: a real line."""

from contextlib import closing
from datetime import timedelta

import pytest

from accounts import devices
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from campusgate.processes.dispenser import ReopenedLine
from card_dispensing import sightings
from card_dispensing.contract import Fault
from card_dispensing.crt571 import Crt571
from card_dispensing.dispenser import DispenserError
from card_dispensing.frames import Command
from card_dispensing.handing_out import CardIssuer
from card_dispensing.issues import HANDED_OUT_WITHIN
from card_dispensing.server_client import ServerClient
from tests.card_dispensing.crt571_peer import UIDS, Peer
from tests.card_dispensing.kiosk_campus import KioskCampus
from tests.card_dispensing.kiosk_rig import TIMING, Rig, inside
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


def test_a_new_dispenser_brings_to_its_end_what_a_revoked_one_began(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    assert campus.state(issue) == "booked"
    with campus.database.begin() as session:
        devices.revoke(session, session.get_one(Device, campus.dispenser), by="test", now=campus.clock.now)
        _, token = devices.add(
            session, name="new", role=DeviceRole.DISPENSER, kiosk_id=campus.kiosk, by="test", now=campus.clock.now
        )
    with closing(ServerClient(campus.url, token)) as rig.server._server:
        rig.restart()
        rig.turn()
    assert campus.state(issue) == "handed_out"
    assert inside(rig.peer) == ([UIDS[0]], [], None)


def test_a_clock_set_back_hands_no_card_to_whoever_stands_there_later(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    campus.clock.now -= timedelta(minutes=30)
    rig.restart()
    rig.turn()
    assert campus.state(issue) == "failed"
    assert inside(rig.peer) == ([], [UIDS[0]], None)
    assert campus.issue(issue).problem == Fault.TOO_LATE


def test_a_wish_before_a_clock_was_set_back_is_given_up(rig: Rig, campus: KioskCampus) -> None:
    issue = rig.ask()
    campus.clock.now -= timedelta(minutes=30)
    rig.turn()
    assert campus.state(issue) == "failed"
    assert inside(rig.peer) == ([], [], None)


def test_a_card_that_nobody_takes_out_of_the_gate_is_told(rig: Rig, campus: KioskCampus) -> None:
    passed = [0.0]
    rig.issuer = CardIssuer(Crt571(rig._line, timing=TIMING), rig.server, monotonic=lambda: passed[0])  # type: ignore[arg-type]
    rig.peer.set(inside=UIDS[9], at_gate=True)
    rig.turn()
    assert campus.is_ready(), "somebody may be about to take it"
    passed[0] = 61.0
    rig.turn()
    assert not campus.is_ready()
    with campus.database.read() as session:
        assert [one.reason for one in sightings.find_troubles(session, campus.clock.now).faults] == [Fault.CARD_IN_GATE]
    rig.peer.set(inside=None)
    rig.turn()
    assert campus.is_ready()


class StartsAnew:
    """A line on which the dispenser starts anew, its card taken, just before it is told to move that."""

    def __init__(self, line: ReopenedLine, peer: Peer, before: Command) -> None:
        self._line, self._peer, self._before = line, peer, before

    def read(self, most: int, *, wait_s: float = 0.0) -> bytes:
        return self._line.read(most, wait_s=wait_s)

    def write(self, data: bytes) -> int:
        if data[:1] == b"\xf2" and data[5:7] == self._before.value:
            self._peer.set(started=False, inside=None)
        return self._line.write(data)

    def close(self) -> None:
        self._line.close()


@pytest.mark.parametrize("command", [Command.OUT_OF_GATE, Command.TO_BIN])
def test_a_dispenser_that_starts_anew_draws_no_card(rig: Rig, command: Command) -> None:
    rig.peer.set(inside=UIDS[0], cards=list(UIDS[1:]))
    dispenser = Crt571(StartsAnew(rig._line, rig.peer, command), timing=TIMING)
    dispenser.start()
    move = dispenser.hand_out if command is Command.OUT_OF_GATE else dispenser.discard
    with pytest.raises(DispenserError):
        move()
    machine = rig.peer.machine
    assert (machine.out, machine.bin, machine.cards) == ([], [], list(UIDS[1:]))


def test_a_fee_that_was_kept_is_told_whatever_the_dispenser_does_next(rig: Rig, campus: KioskCampus) -> None:
    rig.ask()
    rig.server.loses = "book"
    rig.turn()
    campus.suspend()
    campus.clock.now += HANDED_OUT_WITHIN + timedelta(seconds=1)
    rig.turn()

    def told() -> list[str]:
        with campus.database.read() as session:
            return [one.reason for one in sightings.find_troubles(session, campus.clock.now).faults]

    assert told() == [sightings.FEE_KEPT]
    campus.clock.now += timedelta(days=2)
    assert told() == [sightings.SILENT, sightings.FEE_KEPT]
    campus.clock.now += timedelta(days=7)
    assert told() == [sightings.SILENT]
