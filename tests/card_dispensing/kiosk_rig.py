"""Server, line, dispenser and the loop between them, for tests that turn it by hand."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from campusgate.processes.dispenser import ReopenedLine
from card_dispensing.crt571 import Crt571, Timing
from card_dispensing.handing_out import CardIssuer
from card_dispensing.issues import HANDED_OUT_WITHIN
from card_dispensing.server_client import ServerClient, ServerError
from tests.card_dispensing.crt571_peer import Peer
from tests.card_dispensing.kiosk_campus import KioskCampus
from tests.waiting import PATIENCE_S

TIMING = Timing(received_s=PATIENCE_S, moved_s=PATIENCE_S, gap_s=PATIENCE_S, sent_s=PATIENCE_S)
SHORT = Timing(received_s=0.2, moved_s=0.2, gap_s=0.2, sent_s=PATIENCE_S, tries=1)
"""Where the peer says nothing: it is waited for in vain."""


class LossyServer:
    """The server over a network that loses an answer, once: what was asked is done."""

    def __init__(self, server: ServerClient) -> None:
        self._server, self.loses, self.is_away, self.away_for = server, "", False, ""

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            if self.is_away or self.away_for == name:
                raise ServerError("away")
            answer = getattr(self._server, name)(*arguments)
            if self.loses == name:
                self.loses = ""
                raise ServerError("lost")
            return answer

        return call


class Rig:
    """Server, line, dispenser and the loop between them, turned by hand."""

    def __init__(self, campus: KioskCampus, peer: Peer, client: ServerClient) -> None:
        self.campus, self.peer = campus, peer
        self.server = LossyServer(client)
        self._line = ReopenedLine(peer.path, 9600)
        self.issuer = self.restart()

    def restart(self, timing: Timing = TIMING) -> CardIssuer:
        """Another process, which knows nothing of the one before."""
        self._line.close()
        self.issuer = CardIssuer(Crt571(self._line, timing=timing), self.server)  # type: ignore[arg-type]
        return self.issuer

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.issuer.turn()

    def ask(self) -> UUID:
        self.turn()
        return self.campus.ask()

    def close(self) -> None:
        self._line.close()


def inside(peer: Peer) -> tuple[list[str], list[str], str | None]:
    """What was handed out, what is in the bin, and what is on its way."""
    machine = peer.machine
    return machine.out, machine.bin, machine.inside


def keep_fee(rig: Rig, campus: KioskCampus) -> UUID:
    """The wallet is suspended between the booking and its reversal."""
    issue = rig.ask()
    rig.server.loses = "book"
    rig.turn()
    campus.suspend()
    campus.clock.now += HANDED_OUT_WITHIN + timedelta(seconds=1)
    rig.turn()
    return issue
