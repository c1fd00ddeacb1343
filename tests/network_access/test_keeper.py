"""Who is disconnected, and what is closed in silence, before a device that takes Disconnect-Requests over UDP."""

import hashlib
import hmac
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts import people
from accounts.vocabulary import PersonKind, PersonState
from network_access import keeper, sessions
from network_access.disconnect_client import DisconnectClient, Nas
from network_access.keeper import AGAIN, NetworkKeeper
from network_access.services import NetworkServices
from network_access.sessions import SessionEndedError
from network_access.vocabulary import GONE, SILENT, DisconnectOutcome, DisconnectReason, NetworkSessionState
from tests.databases import ON_BOTH, ON_SQLITE
from tests.network_access.lab import PRICE, Lab
from tests.waiting import PATIENCE_S
from web.problems import NotFoundError

pytestmark = ON_SQLITE

SECRET = b"of this switch alone"
ACK, NAK = 41, 42


class Switch:
    """A device that is strict: it answers what is authenticated twice, and nothing else."""

    def __init__(self) -> None:
        self.asked: list[dict[int, bytes]] = []
        self.answer, self.cause = ACK, 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while True:
            packet, whence = self._socket.recvfrom(4_096)
            if not packet:
                return
            if (attributes := self._read(packet)) is not None:
                self.asked.append(attributes)
                cause = struct.pack("!BBI", 101, 6, self.cause) if self.cause else b""
                head = struct.pack("!BBH", self.answer, packet[1], 20 + len(cause))
                self._socket.sendto(head + hashlib.md5(head + packet[4:20] + cause + SECRET).digest() + cause, whence)

    def _read(self, packet: bytes) -> dict[int, bytes] | None:
        blank = packet[:4] + bytes(16) + packet[20:]
        if packet[0] != 40 or hashlib.md5(blank + SECRET).digest() != packet[4:20]:
            return None
        found, at = {}, 20
        while at < len(packet):
            kind, length = packet[at], packet[at + 1]
            found[kind] = packet[at + 2 : at + length]
            if kind == 80:
                blank = blank[: at + 2] + bytes(16) + blank[at + 18 :]
            at += length
        return found if hmac.compare_digest(found.get(80, b""), hmac.digest(SECRET, blank, "md5")) else None


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    switch = Switch()
    yield switch
    switch.close()


@pytest.fixture
def begun(switch: Switch) -> Switch:
    switch.asked.clear()
    switch.answer, switch.cause = ACK, 0
    return switch


def make(lab: Lab, switch: Switch, secret: bytes = SECRET, name: str = "lab-3") -> NetworkKeeper:
    client = DisconnectClient([Nas(name, "127.0.0.1", secret, switch.port)], answers_within_s=0.02)
    return NetworkKeeper(lab.services, client)


def begin(lab: Lab, person: UUID, number: str = "1", **attributes: Any) -> str:
    login_class, _ = lab.log_in(person, **attributes)
    lab.tell(person, "Start", number, Class=login_class, **attributes)
    return login_class


def suspend(lab: Lab, person: UUID) -> None:
    with lab.database.begin() as session:
        row = people.get(session, person, lock=True)
        people.set_state(session, row, PersonState.SUSPENDED, by="test", now=lab.clock.now)


@ON_BOTH
def test_whoever_is_suspended_is_disconnected(lab: Lab, begun: Switch) -> None:
    person, other = lab.person(), lab.person()
    begin(lab, person)
    begin(lab, other, "2", Calling_Station_Id="02-00-00-00-00-02")
    looked_after = make(lab, begun)
    assert looked_after.disconnect_due(lab.clock.now) == 0
    suspend(lab, person)
    assert looked_after.disconnect_due(lab.clock.now) == 1
    (asked,) = begun.asked
    assert (asked[1], asked[44], asked[32]) == (lab.numbers[person].encode(), b"1", b"lab-3")
    row = lab.session(person)
    assert (row.state, row.disconnect_reason, row.disconnect_outcome) == (
        NetworkSessionState.RUNNING,
        DisconnectReason.NOT_IN_USE,
        DisconnectOutcome.DONE,
    ), "the device says itself when it has ended"
    assert looked_after.disconnect_due(lab.clock.now) == 0
    lab.forward(seconds=AGAIN.total_seconds())
    assert looked_after.disconnect_due(lab.clock.now) == 1, "it goes on all the same"


def test_everything_that_ends_a_right_ends_the_session(lab: Lab, begun: Switch) -> None:
    lab.offer(free_minutes=20)
    until = lab.clock.now + timedelta(minutes=10)
    leaver, long, other = lab.person(valid_until=until), lab.person(), lab.person()
    for number, person in enumerate((leaver, long, other)):
        begin(lab, person, str(number), Calling_Station_Id=str(number))
    lab.forward(minutes=11)
    assert make(lab, begun).disconnect_due(lab.clock.now) == 1
    lab.forward(minutes=10)
    make(lab, begun).disconnect_due(lab.clock.now)
    reasons = [lab.session(person).disconnect_reason for person in (leaver, long, other)]
    assert reasons == [DisconnectReason.NOT_IN_USE, DisconnectReason.TIME_OVER, DisconnectReason.TIME_OVER]
    lab.offer(kinds=(PersonKind.STAFF,))
    lab.forward(minutes=1)
    assert make(lab, begun).disconnect_due(lab.clock.now) == 3
    assert lab.session(long).disconnect_reason == DisconnectReason.NOT_FOR_KIND
    lab.services = NetworkServices(lab.services.money)
    lab.forward(minutes=1)
    make(lab, begun).disconnect_due(lab.clock.now)
    assert lab.session(long).disconnect_reason == DisconnectReason.NOT_OFFERED


def test_whoever_tops_up_in_time_is_left_alone(lab: Lab, begun: Switch) -> None:
    lab.offer(fen_per_hour=PRICE)
    person = lab.person(60)
    login_class = begin(lab, person)
    lab.forward(minutes=11)
    assert make(lab, begun).disconnect_due(lab.clock.now) == 1
    lab.give(person, 100)
    lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=660)
    lab.forward(minutes=1)
    assert make(lab, begun).disconnect_due(lab.clock.now) == 0


def test_a_session_that_the_device_does_not_know_is_over(lab: Lab, begun: Switch) -> None:
    person = lab.person()
    begin(lab, person)
    suspend(lab, person)
    begun.answer, begun.cause = NAK, 501
    make(lab, begun).disconnect_due(lab.clock.now)
    assert lab.session(person).disconnect_outcome == DisconnectOutcome.REFUSED
    lab.forward(minutes=1)
    begun.cause = 503
    make(lab, begun).disconnect_due(lab.clock.now)
    row = lab.session(person)
    assert (row.disconnect_outcome, row.end_reason) == (DisconnectOutcome.UNKNOWN_SESSION, GONE)


def test_a_wrong_secret_is_silence_and_an_unknown_device_has_no_address(lab: Lab, begun: Switch) -> None:
    lab.offer(most_sessions=2)
    person = lab.person()
    begin(lab, person)
    begin(lab, person, "2", Calling_Station_Id="02-00-00-00-00-02")
    suspend(lab, person)
    assert make(lab, begun, secret=b"another one").disconnect_due(lab.clock.now) == 1, "once a turn"
    assert begun.asked == []
    assert [row.disconnect_outcome for row in lab.sessions(person)] == [DisconnectOutcome.NO_ANSWER, None]
    lab.forward(minutes=1)
    assert make(lab, begun, name="lab-4").disconnect_due(lab.clock.now) == 2
    assert {row.disconnect_outcome for row in lab.sessions(person)} == {DisconnectOutcome.NO_ADDRESS}


def test_a_device_is_also_known_by_its_address(lab: Lab, begun: Switch) -> None:
    client = DisconnectClient([Nas("127.0.0.1", "127.0.0.1", SECRET, begun.port)], answers_within_s=0.02)
    person = lab.person()
    begin(lab, person, NAS_Identifier="", NAS_IP_Address="127.0.0.1")
    suspend(lab, person)
    NetworkKeeper(lab.services, client).disconnect_due(lab.clock.now)
    assert 32 not in begun.asked[0]


def test_holders_and_staff_end_sessions(lab: Lab, begun: Switch) -> None:
    lab.offer(most_sessions=2)
    person, other = lab.person(), lab.person()
    login_class = begin(lab, person)
    lab.forward(seconds=1)
    begin(lab, person, "2", Calling_Station_Id="02-00-00-00-00-02")
    (first, second), now = lab.sessions(person), lab.clock.now
    with pytest.raises(NotFoundError):
        sessions.ask_to_end(lab.services, first.id, person_id=other, by="person:x", now=now)
    for _ in range(2):
        sessions.ask_to_end(lab.services, first.id, person_id=person, by="person:x", now=now)
    sessions.ask_to_end(lab.services, second.id, person_id=None, by="person:y", now=now)
    assert make(lab, begun).disconnect_due(now) == 2
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=0, Acct_Terminate_Cause="Admin-Reset")
    with pytest.raises(SessionEndedError):
        sessions.ask_to_end(lab.services, first.id, person_id=person, by="person:x", now=now)


def test_what_is_silent_is_closed_at_its_last_report(lab: Lab, begun: Switch) -> None:
    lab.offer(fen_per_hour=PRICE, hold_fen=100)
    person = lab.person(1_000)
    login_class = begin(lab, person)
    looked_after = make(lab, begun)
    assert looked_after.close_silent(lab.clock.now) == 0
    lab.forward(minutes=10)
    lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=600)
    lab.forward(minutes=15)
    assert looked_after.close_silent(lab.clock.now) == 0
    lab.forward(minutes=2)
    assert make(lab, begun).close_silent(lab.clock.now) == 0, "a server that has just begun has heard nothing yet"
    assert looked_after.close_silent(lab.clock.now) == 1
    row = lab.session(person)
    assert (row.state, row.end_reason, row.billed) == (NetworkSessionState.ENDED, SILENT, 60)
    assert (lab.worth(person), lab.free(person)) == (940, 940)
    assert looked_after.close_silent(lab.clock.now) == 0


def test_old_sessions_are_forgotten(lab: Lab) -> None:
    person = lab.person()
    login_class = begin(lab, person)
    lab.forward(days=200)
    with lab.database.begin() as session:
        keeper.forget(session, lab.clock.now - timedelta(days=185))
    assert lab.session(person).state == NetworkSessionState.RUNNING
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=60)
    lab.forward(days=186)
    with lab.database.begin() as session:
        keeper.forget(session, lab.clock.now - timedelta(days=185))
    assert lab.sessions(person) == []
