"""A shower's controller at the broker: what it says, signed, and what the server answers, checked."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus import Will
from bus.errors import NotConnectedError
from bus.port import Bus
from messages import (
    SERVER_SENDER,
    MalformedMessageError,
    ProcessStatus,
    Purpose,
    Refusal,
    ShowerAvailability,
    ShowerTopic,
    ShowerTopics,
    SignedMessage,
    TrustedKey,
    has_signature,
    seal,
    shower_sender,
)
from messages.metering import DeviceHeartbeat, HeartbeatAnswer, SessionAnswer, SessionReport

log = structlog.get_logger()

Answer = SessionAnswer | HeartbeatAnswer


class ShowerLink:
    """One controller's end. What cannot be sent is not kept here: the state machine sends again what has no answer."""

    def __init__(
        self,
        bus: Bus,
        topics: ShowerTopics,
        boot_id: UUID,
        *,
        key: Ed25519PrivateKey,
        trusted: Mapping[str, TrustedKey],
        now: Callable[[], datetime],
        on_answer: Callable[[Answer], None],
    ) -> None:
        """Subscribe, and say after every connection that the controller is there.

        Args:
            bus: the connection, best with `last_will` of the same names.
            topics: of this shower.
            boot_id: of this start.
            key: the controller's own.
            trusted: the server's key, under `messages.SERVER_SENDER`.
            now: the wall clock (aware); keys count as they do then.
            on_answer: takes each answer that the server signed, on the bus's thread.
        """
        self._bus = bus
        self._topics = topics
        self._boot_id = boot_id
        self._key = key
        self._trusted = trusted
        self._now = now
        self._on_answer = on_answer
        bus.subscribe(topics.of(ShowerTopic.ANSWERS), self._receiver(Purpose.SHOWER_ANSWER, SessionAnswer))
        bus.subscribe(
            topics.of(ShowerTopic.HEARTBEAT_ANSWERS), self._receiver(Purpose.SHOWER_HEARTBEAT_ANSWER, HeartbeatAnswer)
        )
        bus.on_connect(self._say_online)

    def send(self, message: SessionReport | DeviceHeartbeat) -> bool:
        """Sign and publish; False where there is no broker."""
        is_report = isinstance(message, SessionReport)
        topic = self._topics.of(ShowerTopic.REPORTS if is_report else ShowerTopic.HEARTBEATS)
        purpose = Purpose.SHOWER_REPORT if is_report else Purpose.SHOWER_HEARTBEAT
        try:
            self._bus.publish(topic, seal(self._key, shower_sender(self._topics.device), purpose, message))
        except NotConnectedError:
            return False
        return True

    def _say_online(self) -> None:
        message = availability(
            self._topics, self._boot_id, ProcessStatus.ONLINE, self._now(), connection=self._bus.connection_number
        )
        try:
            self._bus.publish(self._topics.of(ShowerTopic.AVAILABILITY), message.encode(), retain=True)
        except NotConnectedError:
            log.debug("shower_availability_not_sent")

    def _receiver(
        self, purpose: Purpose, kind: type[SessionAnswer] | type[HeartbeatAnswer]
    ) -> Callable[[str, bytes, bool], None]:
        def receive(topic: str, payload: bytes, retained: bool) -> None:
            try:
                envelope = SignedMessage.decode(payload)
                key = self._trusted.get(SERVER_SENDER)
                if retained or envelope.sender != SERVER_SENDER or key is None:
                    log.warning(
                        "shower_answer_refused",
                        topic=topic,
                        reason=Refusal.RETAINED.value if retained else Refusal.UNKNOWN_SENDER.value,
                    )
                    return
                if not has_signature(key, purpose, envelope, self._now()):
                    log.warning("shower_answer_refused", topic=topic, reason=Refusal.BAD_SIGNATURE.value)
                    return
                answer = kind.decode(envelope.body.encode(errors="surrogatepass"))
            except MalformedMessageError as error:
                log.warning("shower_answer_unreadable", topic=topic, error=str(error))
                return
            if answer.device == self._topics.device:
                self._on_answer(answer)

        return receive


def availability(
    topics: ShowerTopics, boot_id: UUID, status: ProcessStatus, at: datetime | None = None, *, connection: int
) -> ShowerAvailability:
    """Return what is said of whether the controller is there."""
    return ShowerAvailability(device=topics.device, status=status, boot_id=boot_id, at=at, connection=connection)


def last_will(topics: ShowerTopics, boot_id: UUID, connection: int) -> Will:
    """Return what the broker says when the controller is gone that had this connection."""
    payload = availability(topics, boot_id, ProcessStatus.OFFLINE, connection=connection).encode()
    return Will(topics.of(ShowerTopic.AVAILABILITY), payload)
