"""Staff commands on their way: signed, published, and answered by the gates, or not."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import structlog

from bus import Connection, NotConnectedError
from messages import (
    Ack,
    Action,
    BadAckError,
    Channel,
    GateTopics,
    MalformedMessageError,
    Method,
    ProcessStatus,
    SignedCommand,
    Signer,
    TrustedKey,
    every_gate,
    verify_ack,
)
from operations.board import Board

log = structlog.get_logger()

ANSWER_WAIT_S = 3.0
"""As long as a command lives: when staff are told that a gate did not answer, it will not move later either."""
_TTL_MS = round(ANSWER_WAIT_S * 1000)
_LEAST_TTL_MS = 100
"""A command with less to live would only be refused at the gate."""


class Effect(StrEnum):
    """What became of a command at one gate."""

    DONE = "done"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    """It may have been carried out or not, and will not be any more; look at the gate's state."""
    UNREACHABLE = "unreachable"
    """Nothing was sent: the gate or the broker is not there. Nothing is kept for later."""
    EXPIRED = "expired"
    """Nothing was sent: it was asked for too long ago, or was cancelled meanwhile."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """The effect at one gate; `detail` is the refusal's code or what was missing."""

    gate: str
    effect: Effect
    detail: str | None = None
    command: UUID | None = None
    """What was sent; the gate's events name it."""


class Dispatcher:
    """Sends staff commands to any gate of the site and waits for the signed answers. Safe for threads."""

    def __init__(
        self,
        bus: Connection,
        site: str,
        signer: Signer,
        controllers: Mapping[str, TrustedKey],
        board: Board,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        answer_wait_s: float = ANSWER_WAIT_S,
    ) -> None:
        """Prepare; `controllers` are the keys that acknowledgements must carry, by sender.

        `bus` is best a connection of its own, so that answers never wait behind events.
        """
        self._bus = bus
        self._site = site
        self._signer = signer
        self._controllers = controllers
        self._board = board
        self._now = now
        self._answer_wait_s = answer_wait_s
        self._sending = threading.Lock()
        """A gate obeys no command with a lower nonce than it has seen: two orders must not overtake each other."""
        self._answers: dict[UUID, Ack | None] = {}
        self._answered = threading.Condition()
        bus.subscribe(every_gate(site, Channel.ACK), self._on_ack)

    def send(
        self,
        gates: Iterable[str],
        action: Action,
        left_s: Callable[[], float] | None = None,
        *,
        extended: bool = False,
    ) -> list[GateResult]:
        """Send `action` to all `gates` at once, and return the effect at each, in the same order.

        `left_s` tells for how many seconds it is still wanted: it is asked last thing before each command is signed,
        and no command outlives it. None: it is wanted now, whatever it waited for.
        """
        with self._sending:
            issued = {gate: self._issue(gate, action, left_s, extended=extended) for gate in dict.fromkeys(gates)}
            sent = {gate: self._publish(one) if isinstance(one, SignedCommand) else one for gate, one in issued.items()}
        waiting = {one for one in sent.values() if isinstance(one, UUID)}
        with self._answered:
            self._answered.wait_for(
                lambda: all(self._answers[command] is not None for command in waiting), self._answer_wait_s
            )
            answers = {command: self._answers.pop(command) for command in waiting}
        return [one if isinstance(one, GateResult) else _result(gate, one, answers[one]) for gate, one in sent.items()]

    def _issue(
        self, gate: str, action: Action, left_s: Callable[[], float] | None, *, extended: bool
    ) -> SignedCommand | GateResult:
        """Return the command for a gate, or why there is none."""
        view = self._board.view(gate)
        if view is None or view.door is None:
            return GateResult(gate, Effect.UNREACHABLE, "nothing was heard of this gate")
        # One whose presence is not known is asked: in an emergency a guess is better than none, and no answer is said.
        if view.controller in {ProcessStatus.OFFLINE, ProcessStatus.STOPPED}:
            return GateResult(gate, Effect.UNREACHABLE, f"the controller is {view.controller}")
        # Before it is asked what is left: should this process stand still in between, the gate finds the command stale.
        now = self._now()
        ttl_ms = _TTL_MS if left_s is None else min(_TTL_MS, int(left_s() * 1000))
        if ttl_ms < _LEAST_TTL_MS:
            return GateResult(gate, Effect.EXPIRED)
        return self._signer.issue(
            gate=gate,
            action=action,
            method=Method.STAFF,
            reason="staff",
            boot_id=view.door.boot_id,
            now=now,
            ttl_ms=ttl_ms,
            extended=extended,
        )

    def _publish(self, signed: SignedCommand) -> UUID | GateResult:
        """Return the id of the published command, or why it was not."""
        command, gate = signed.command.id, signed.command.gate
        with self._answered:
            self._answers[command] = None
        try:
            self._bus.publish(GateTopics(self._site, gate).command, signed.payload)
        except NotConnectedError:
            with self._answered:
                del self._answers[command]
            return GateResult(gate, Effect.UNREACHABLE, "there is no connection to the broker")
        return command

    def _on_ack(self, _topic: str, payload: bytes, retained: bool) -> None:
        try:
            ack = verify_ack(payload, self._controllers)
        except (BadAckError, MalformedMessageError) as error:
            log.warning("acknowledgement_not_believed", error=str(error))
            return
        with self._answered:
            if not retained and ack.command_id in self._answers:
                self._answers[ack.command_id] = ack
                self._answered.notify_all()


def _result(gate: str, command: UUID, ack: Ack | None) -> GateResult:
    if ack is None or ack.gate != gate:
        return GateResult(gate, Effect.NO_ANSWER, command=command)
    if ack.refusal is not None:
        return GateResult(gate, Effect.REFUSED, str(ack.refusal), command)
    return GateResult(gate, Effect.DONE, command=command)
