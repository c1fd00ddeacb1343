"""Asking the controller: signed commands out, acknowledgements in. Nothing here is kept for later.

A command is made for the boot of the controller that its retained state names. Without a connection, without a known
boot, or with the controller gone there is no command at all; and one that is not answered within its life is over.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import structlog

from bus.errors import NotConnectedError
from edge.clock import Clock
from messages import (
    Ack,
    Action,
    Availability,
    BadAckError,
    DoorState,
    GateTopics,
    MalformedMessageError,
    Method,
    ProcessStatus,
    Refusal,
    Signer,
    TrustedKey,
    verify_ack,
)

_log = structlog.get_logger()


class Bus(Protocol):
    """What the edge needs of its connection; `bus.Connection` is one."""

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        ...

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, wait_s: float | None = None
    ) -> None:
        """Publish now or raise NotConnectedError."""
        ...

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None], *, qos: int = 1) -> None:
        """Call `handler` with topic, payload and whether it was retained."""
        ...

    def on_connect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after every connection."""
        ...

    def on_disconnect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after a connection was lost."""
        ...


class CannotAskError(Exception):
    """No command was sent; `reason` is the code an event carries."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


NO_BROKER = "no_broker"
CONTROLLER_UNKNOWN = "controller_unknown"
CONTROLLER_OFFLINE = "controller_offline"
NO_ANSWER = "no_answer"
TOO_LATE = Refusal.TOO_LATE.value

STALE_S = 2.0
"""What was seen so long ago opens nothing: whoever it was has left, or stands there still and is seen again."""


class Result(StrEnum):
    """What became of a command."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of one command; times are monotonic seconds of this machine.

    `energised` is None when the controller runs on another machine, whose clock says nothing here, or when the relay
    was not energised for this command.
    """

    command_id: UUID
    result: Result
    refusal: Refusal | str | None
    sent: float
    answered: float
    energised: float | None


AnswerHandler = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class _Pending:
    boot_id: UUID
    sent: float
    until: float
    handler: AnswerHandler


class Opener:
    """The edge's line to one controller. Safe for threads."""

    def __init__(
        self,
        bus: Bus,
        topics: GateTopics,
        signer: Signer,
        trusted: Mapping[str, TrustedKey],
        clock: Clock,
        *,
        ttl_ms: int = 3_000,
    ) -> None:
        """Take the connection and whose acknowledgements count: `trusted` are the keys of the controller."""
        self._bus = bus
        self._topics = topics
        self._signer = signer
        self._trusted = trusted
        self._clock = clock
        self._ttl_ms = ttl_ms
        self._lock = threading.Lock()
        self._state: DoorState | None = None
        self._presence: ProcessStatus | None = None
        self._pending: dict[UUID, _Pending] = {}

    def attach(self) -> None:
        """Listen to the controller; call once."""
        self._bus.subscribe(self._topics.state, self._on_state)
        self._bus.subscribe(self._topics.availability, self._on_availability)
        self._bus.subscribe(self._topics.ack, self._on_ack)
        self._bus.on_disconnect(self._forget_controller)

    @property
    def boot_id(self) -> UUID | None:
        """The controller's boot, None while unknown."""
        with self._lock:
            return self._state.boot_id if self._state else None

    @property
    def controller(self) -> ProcessStatus | None:
        """Whether the controller is there, None while unknown."""
        with self._lock:
            return self._presence

    def ask(
        self,
        action: Action,
        *,
        method: Method,
        reason: str,
        on_answer: AnswerHandler,
        seen: float,
        person_id: UUID | None = None,
        tap_id: UUID | None = None,
        extended: bool = False,
        notices: tuple[str, ...] = (),
    ) -> UUID:
        """Sign and publish one command; `on_answer` is called exactly once, from another thread or from `expire`.

        `seen`: the monotonic second at which the face or card came that this is about.

        Raises:
            CannotAskError: nothing was sent, and nothing will be.
        """
        with self._lock:
            boot_id = self._boot_to_ask()
            # The time first: should this process stand still in between, the controller finds the command stale.
            now = self._clock.now()
            if self._clock.monotonic() - seen > STALE_S:
                raise CannotAskError(TOO_LATE)
            signed = self._signer.issue(
                gate=self._topics.gate,
                action=action,
                method=method,
                reason=reason,
                boot_id=boot_id,
                now=now,
                ttl_ms=self._ttl_ms,
                person_id=person_id,
                tap_id=tap_id,
                extended=extended,
                notices=notices,
            )
            sent = self._clock.monotonic()
            command_id = signed.command.id
            self._pending[command_id] = _Pending(boot_id, sent, sent + self._ttl_ms / 1000, on_answer)
            # Under the lock: commands must leave in the order of their nonces, or the earlier one is void.
            try:
                self._bus.publish(self._topics.command, signed.payload)
            except NotConnectedError as error:
                del self._pending[command_id]
                raise CannotAskError(NO_BROKER) from error
        return command_id

    def expire(self) -> None:
        """End the commands whose life is over without an answer; call often."""
        now = self._clock.monotonic()
        with self._lock:
            over = [(command_id, pending) for command_id, pending in self._pending.items() if now > pending.until]
            for command_id, _ in over:
                del self._pending[command_id]
        for command_id, pending in over:
            pending.handler(Answer(command_id, Result.UNANSWERED, None, pending.sent, now, None))

    def _boot_to_ask(self) -> UUID:
        if not self._bus.connected:
            raise CannotAskError(NO_BROKER)
        if self._presence in {ProcessStatus.OFFLINE, ProcessStatus.STOPPED}:
            raise CannotAskError(CONTROLLER_OFFLINE)
        if self._state is None:
            raise CannotAskError(CONTROLLER_UNKNOWN)
        return self._state.boot_id

    def _on_state(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            state = DoorState.decode(payload)
        except MalformedMessageError as error:
            _log.warning("state_unreadable", error=str(error))
            return
        with self._lock:
            known = self._state
            if known is None or known.boot_id != state.boot_id or known.sequence <= state.sequence:
                self._state = state

    def _on_availability(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            availability = Availability.decode(payload)
        except MalformedMessageError as error:
            _log.warning("availability_unreadable", error=str(error))
            return
        with self._lock:
            self._presence = availability.status

    def _on_ack(self, _topic: str, payload: bytes, retained: bool) -> None:
        arrived = self._clock.monotonic()
        try:
            ack = verify_ack(payload, self._trusted)
        except (BadAckError, MalformedMessageError) as error:
            _log.warning("acknowledgement_not_believed", error=str(error))
            return
        if retained or ack.command_id is None or ack.gate != self._topics.gate:
            return
        with self._lock:
            pending = self._pending.get(ack.command_id)
            if pending is None or pending.boot_id != ack.boot_id:
                return  # somebody else's command, or an answer after the command's life
            del self._pending[ack.command_id]
        result = Result.ACCEPTED if ack.accepted else Result.REFUSED
        energised = _energised(ack, pending.sent, arrived)
        pending.handler(Answer(ack.command_id, result, ack.refusal, pending.sent, arrived, energised))

    def _forget_controller(self) -> None:
        with self._lock:
            self._state = self._presence = None


def _energised(ack: Ack, sent: float, arrived: float) -> float | None:
    """Return when the relay was energised if the clock is ours: the time lies between sent and answered then."""
    if ack.energised_ns is None:
        return None
    energised = ack.energised_ns / 1e9
    return energised if sent <= energised <= arrived else None
