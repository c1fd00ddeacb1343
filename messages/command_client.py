"""The signed-command protocol from the asking side: one command out, one signed acknowledgement in, or none in time.

A command is made for the boot of the controller that its retained state names. Without a connection, without a known
boot, or with the controller gone there is no command at all; nothing is kept for later, and what is not answered in
time is over.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from bus.errors import NotConnectedError
from bus.port import Bus
from messages.commands import Ack, Action, CommandEffect, Method, NotSent, Refusal
from messages.controller_watch import ControllerView
from messages.keys import TrustedKey
from messages.signing import BadAckError, Signer, verify_ack
from messages.status import ProcessStatus
from messages.topics import GateTopics, Topic, every_gate
from messages.wire import MalformedMessageError

log = structlog.get_logger()

LEAST_TTL_MS = 100
"""A command with less to live would only be refused at the gate: a broker and a busy door need tens of milliseconds."""


class NotSentError(Exception):
    """No command was sent, and none will be; the text says what was missing, for people."""

    def __init__(self, reason: NotSent, text: str) -> None:
        super().__init__(text)
        self.reason = reason

    @property
    def effect(self) -> CommandEffect:
        """What the failure means for whoever asked."""
        return CommandEffect.EXPIRED if self.reason is NotSent.TOO_LATE else CommandEffect.UNREACHABLE


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of one command; times are monotonic seconds of this machine."""

    command_id: UUID
    effect: CommandEffect
    """`DONE`, `REFUSED` or `NO_ANSWER`."""
    refusal: Refusal | str | None
    """Why not; a code of a later version is a plain string."""
    sent_s: float
    answered_s: float
    energised_s: float | None
    """None when the controller runs on another machine, whose clock says nothing here, or when the relay was not
    energised for this command.
    """

    @property
    def code(self) -> str:
        """The refusal's code, else the effect's."""
        return self.effect.value if self.refusal is None else str(self.refusal)


AnswerHandler = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class _Pending:
    gate: str
    boot_id: UUID
    sent_s: float
    until_s: float
    handler: AnswerHandler


class CommandClient:
    """Sends commands to the controllers of a site, and matches their acknowledgements. Safe for threads.

    It has no thread of its own: acknowledgements come on the connection's, and `expire` or `give_up` ends what is not
    answered.
    """

    def __init__(
        self,
        bus: Bus,
        site: str,
        signer: Signer,
        trusted: Mapping[str, TrustedKey],
        controller_of: Callable[[str], ControllerView],
        *,
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
        answer_wait_s: float,
    ) -> None:
        """Take the connection, the keys and the time; `listen` subscribes.

        `trusted` are the keys that acknowledgements must carry, by sender. `controller_of` returns what is known of a
        gate's controller. `now` is the wall clock (aware), which only dates commands and keys and may jump; every wait
        goes by `monotonic_s`. An answer counts for `answer_wait_s` after its command was sent: let that be no less than
        commands live, so that what was not answered will not move a door later either.
        """
        self._bus = bus
        self._site = site
        self._signer = signer
        self._trusted = trusted
        self._controller_of = controller_of
        self._now = now
        self._monotonic_s = monotonic_s
        self._answer_wait_s = answer_wait_s
        self._lock = threading.Lock()
        self._pending: dict[UUID, _Pending] = {}

    def listen(self, gate: str | None = None) -> None:
        """Subscribe to the acknowledgements of `gate`, or of every gate; call once."""
        topic = every_gate(self._site, Topic.ACK) if gate is None else GateTopics(self._site, gate).ack
        self._bus.subscribe(topic, self._on_ack)

    def send(
        self,
        gate: str,
        action: Action,
        *,
        method: Method,
        reason: str,
        ttl_ms: Callable[[], int],
        on_answer: AnswerHandler,
        person_id: UUID | None = None,
        tap_id: UUID | None = None,
        extended: bool = False,
        notices: tuple[str, ...] = (),
    ) -> UUID:
        """Sign and publish one command, and return its id.

        `ttl_ms` tells how long the command may live, 0 when it is not wanted any more; it is asked last thing before
        the command is signed. `on_answer` is called exactly once: from the connection's thread, `expire` or `give_up`.

        Raises:
            NotSentError: nothing was sent, and nothing will be.
        """
        # One at a time: commands must leave in the order of their nonces, or the earlier one is void at the gate.
        with self._lock:
            boot_id = self._boot_to_ask(gate)
            # Before the life is asked for: should this process stand still in between, the gate finds it stale.
            now = self._now()
            life_ms = ttl_ms()
            if life_ms < LEAST_TTL_MS:
                raise NotSentError(NotSent.TOO_LATE, "it is not wanted any more")
            signed = self._signer.issue(
                gate=gate,
                action=action,
                method=method,
                reason=reason,
                boot_id=boot_id,
                now=now,
                ttl_ms=life_ms,
                person_id=person_id,
                tap_id=tap_id,
                extended=extended,
                notices=notices,
            )
            sent_s = self._monotonic_s()
            try:
                self._bus.publish(GateTopics(self._site, gate).command, signed.payload)
            except NotConnectedError as error:
                raise NotSentError(NotSent.NO_BROKER, _NO_BROKER) from error
            command_id = signed.command.id
            # An acknowledgement that is here already waits for the lock.
            self._pending[command_id] = _Pending(gate, boot_id, sent_s, sent_s + self._answer_wait_s, on_answer)
        return command_id

    def expire(self) -> None:
        """End the commands whose answers are overdue; call often where nobody waits for them."""
        now_s = self._monotonic_s()
        with self._lock:
            overdue = [command_id for command_id, pending in self._pending.items() if now_s > pending.until_s]
        self.give_up(overdue)

    def give_up(self, command_ids: Iterable[UUID]) -> None:
        """End commands without an answer now; those that were answered stay so."""
        now_s = self._monotonic_s()
        with self._lock:
            ended = [(one, pending) for one in command_ids if (pending := self._pending.pop(one, None)) is not None]
        for command_id, pending in ended:
            pending.handler(Answer(command_id, CommandEffect.NO_ANSWER, None, pending.sent_s, now_s, None))

    def _boot_to_ask(self, gate: str) -> UUID:
        if not self._bus.connected:
            raise NotSentError(NotSent.NO_BROKER, _NO_BROKER)
        controller = self._controller_of(gate)
        # One whose status is not known is asked: in an emergency a guess is better than none, and no answer is said.
        if controller.status in {ProcessStatus.OFFLINE, ProcessStatus.STOPPED}:
            raise NotSentError(NotSent.CONTROLLER_OFFLINE, f"the controller is {controller.status}")
        if controller.boot_id is None:
            raise NotSentError(NotSent.CONTROLLER_UNKNOWN, "nothing was heard of this gate")
        return controller.boot_id

    def _on_ack(self, _topic: str, payload: bytes, retained: bool) -> None:
        arrived_s = self._monotonic_s()
        try:
            ack = verify_ack(payload, self._trusted, now=self._now())
        except (BadAckError, MalformedMessageError) as error:
            log.warning("acknowledgement_not_believed", error=str(error))
            return
        if retained or ack.command_id is None:
            return
        with self._lock:
            pending = self._pending.get(ack.command_id)
            if pending is None or not _is_answer(ack, pending, arrived_s):
                return
            del self._pending[ack.command_id]
        effect = CommandEffect.DONE if ack.accepted else CommandEffect.REFUSED
        energised_s = _energised_s(ack, pending.sent_s, arrived_s)
        pending.handler(Answer(ack.command_id, effect, ack.refusal, pending.sent_s, arrived_s, energised_s))


_NO_BROKER = "there is no connection to the broker"


def _is_answer(ack: Ack, pending: _Pending, arrived_s: float) -> bool:
    """Tell whether it comes from the boot that was asked, at the gate that was asked, and in time."""
    return ack.gate == pending.gate and ack.boot_id == pending.boot_id and arrived_s <= pending.until_s


def _energised_s(ack: Ack, sent_s: float, arrived_s: float) -> float | None:
    """Return when the relay was energised if the clock is ours: the time lies between sent and answered then."""
    if ack.energised_ns is None:
        return None
    energised_s = ack.energised_ns / 1e9
    return energised_s if sent_s <= energised_s <= arrived_s else None
