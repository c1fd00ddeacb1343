"""`campusgate dispenser` as a process: killed (SIGKILL) wherever a card may be, and started again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from card_dispensing.contract import Fault
from card_dispensing.issues import HANDED_OUT_WITHIN
from database import Database
from tests import forked
from tests.accounts.conftest import Clock
from tests.card_dispensing.crt571_peer import UIDS, Peer, running_peer
from tests.card_dispensing.kiosk_campus import KioskCampus, populate, serving
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("imported_rooms")


@pytest.fixture
def campus(database: Database) -> Iterator[KioskCampus]:
    with serving(populate(database, Clock())) as campus:
        yield campus


@pytest.fixture
def peer() -> Iterator[Peer]:
    with running_peer() as peer:
        yield peer


@contextmanager
def dispensing(campus: KioskCampus, peer: Peer, folder: Path) -> Iterator[None]:
    """The process, from when it is ready until it is killed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CAMPUSGATE_SERVER_URL": campus.url,
        "CAMPUSGATE_DEVICE_TOKEN": campus.token,
        "CAMPUSGATE_DATA_DIR": str(folder / "data"),
        "CAMPUSGATE_DISPENSER__DEVICE": str(peer.path),
    }
    with forked.command(environment, "dispenser", errors=folder / "dispenser.log") as (process, pipe):
        assert pipe.poll(PATIENCE_S), (folder / "dispenser.log").read_text(encoding="utf-8")
        yield
        process.kill()
        process.join(PATIENCE_S)


def ask(campus: KioskCampus) -> UUID:
    until(campus.is_ready, "its process was never heard")
    return campus.ask()


def killed_at(campus: KioskCampus, peer: Peer, folder: Path, place: str) -> UUID:
    """Kill the process while the dispenser stands still at a move, or reads."""
    peer.set(hold=place)
    with dispensing(campus, peer, folder):
        issue = ask(campus)
        until(lambda: peer.machine.held, f"it never came to {place}")
    peer.set(hold="")
    return issue


def test_a_card_is_handed_out(campus: KioskCampus, peer: Peer, tmp_path: Path) -> None:
    with dispensing(campus, peer, tmp_path):
        campus.wait_for(ask(campus), "handed_out")
    campus.require_issued(UIDS[0])
    assert peer.machine.out == [UIDS[0]]
    assert UIDS[0] not in (tmp_path / "dispenser.log").read_text(encoding="utf-8")


def test_killed_between_booking_and_handing_out_the_card_is_handed_out(
    campus: KioskCampus, peer: Peer, tmp_path: Path
) -> None:
    issue = killed_at(campus, peer, tmp_path, "out")
    assert campus.state(issue) == "booked"
    assert (peer.machine.inside, peer.machine.out) == (UIDS[0], [])
    with dispensing(campus, peer, tmp_path):
        campus.wait_for(issue, "handed_out")
    campus.require_issued(UIDS[0])
    assert (peer.machine.out, peer.machine.bin) == ([UIDS[0]], [])


def test_killed_between_booking_and_handing_out_and_started_too_late_it_is_taken_back(
    campus: KioskCampus, peer: Peer, tmp_path: Path
) -> None:
    issue = killed_at(campus, peer, tmp_path, "out")
    campus.clock.now += 2 * HANDED_OUT_WITHIN
    with dispensing(campus, peer, tmp_path):
        assert campus.wait_for(issue, "failed").problem == Fault.TOO_LATE.value
        until(lambda: peer.machine.bin == [UIDS[0]], "the card stays inside")
    campus.require_nothing_taken()
    assert not campus.has_card(UIDS[0])
    assert peer.machine.out == []


@pytest.mark.parametrize("place", ["take", "read"])
def test_killed_before_the_booking_nothing_is_taken(
    campus: KioskCampus, peer: Peer, tmp_path: Path, place: str
) -> None:
    issue = killed_at(campus, peer, tmp_path, place)
    assert campus.state(issue) == "preparing"
    campus.require_nothing_taken()
    with dispensing(campus, peer, tmp_path):
        assert campus.wait_for(issue, "failed").problem == Fault.INTERRUPTED.value
        until(lambda: peer.machine.inside is None, "the card stays inside")
    campus.require_nothing_taken()
    assert peer.machine.out == []
    assert peer.machine.bin == ([UIDS[0]] if place == "read" else [])


def test_killed_after_the_card_has_left_it_was_handed_out(campus: KioskCampus, peer: Peer, tmp_path: Path) -> None:
    peer.set(lose="out")
    with dispensing(campus, peer, tmp_path):
        issue = ask(campus)
        until(lambda: peer.machine.out == [UIDS[0]], "the card never left")
    assert campus.state(issue) == "booked"
    with dispensing(campus, peer, tmp_path):
        campus.wait_for(issue, "handed_out")
    campus.require_issued(UIDS[0])
    assert (peer.machine.moves, peer.machine.out) == (["take", "out"], [UIDS[0]])


def test_the_dispenser_may_lose_its_power_meanwhile(campus: KioskCampus, peer: Peer, tmp_path: Path) -> None:
    issue = killed_at(campus, peer, tmp_path, "out")
    peer.set(started=False)
    with dispensing(campus, peer, tmp_path):
        campus.wait_for(issue, "handed_out")
    campus.require_issued(UIDS[0])
