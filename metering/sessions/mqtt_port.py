"""Showers over MQTT: signed reports and heartbeats in, signed answers out.

A controller sends again what is not answered, so a message that finds no room, or meets a database that is down, is let
go without an answer: nothing is lost, and nothing piles up here.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol, TypeVar
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import SQLAlchemyError

from bus.errors import NotConnectedError
from bus.port import Bus
from database import DatabaseBusyError
from messages import (
    MAX_PAYLOAD_BYTES,
    SERVER_SENDER,
    MalformedMessageError,
    NewestWord,
    Purpose,
    Refusal,
    ShowerAvailability,
    ShowerTopic,
    ShowerTopics,
    SignedMessage,
    TopicError,
    TrustedKey,
    every_shower,
    has_signature,
    parse_shower_topic,
    seal,
    shower_sender,
)
from messages.metering import DeviceHeartbeat, HeartbeatAnswer, SessionAnswer, SessionReport
from messages.wire import Message
from metering.sessions.device_queue import DeviceQueue
from metering.sessions.heartbeat_order import HeartbeatOrder
from web.problems import ProblemError

log = structlog.get_logger()

_Own = TypeVar("_Own", SessionReport, DeviceHeartbeat)

WORKERS = 4
"""They wait for the ledger's group commit most of the time; more of them make the group larger, and not the way."""
_PAUSE_S = 0.5
"""After an error of the database: every controller sends again within seconds, and would meet the same."""


class Sessions(Protocol):
    """What takes the reports; every call is idempotent."""

    def report(self, report: SessionReport, now: datetime) -> SessionAnswer:
        """Store a report and return its answer."""
        ...

    def heartbeat(self, heartbeat: DeviceHeartbeat, now: datetime) -> HeartbeatAnswer:
        """Note how a controller is, take what it repeats, and return what it works by."""
        ...


class _Kind(Enum):
    REPORT = Purpose.SHOWER_REPORT
    HEARTBEAT = Purpose.SHOWER_HEARTBEAT


@dataclass(frozen=True, slots=True)
class _Arrived:
    kind: _Kind
    payload: bytes


class ShowerPort:
    """Follows every shower of a site. What no controller signed, or is not whole, is logged and dropped."""

    def __init__(
        self,
        bus: Bus,
        site: str,
        sessions: Sessions,
        *,
        key: Ed25519PrivateKey,
        trusted: Mapping[str, TrustedKey],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        workers: int = WORKERS,
        order: HeartbeatOrder | None = None,
    ) -> None:
        """Subscribe; `start` begins to answer.

        Args:
            bus: the server's connection.
            site: its name in topics.
            sessions: what takes the reports.
            key: signs the answers, as `messages.SERVER_SENDER`.
            trusted: the keys of the controllers, by sender.
            now: the wall clock (aware).
            workers: how many reports are under way at a time.
            order: of heartbeats, where they come by other ports too.
        """
        self._bus = bus
        self._site = site
        self._sessions = sessions
        self._key = key
        self._trusted = trusted
        self._now = now
        self._queue: DeviceQueue[_Arrived] = DeviceQueue()
        self._order = order or HeartbeatOrder()
        self._availability: dict[UUID, ShowerAvailability] = {}
        self._newest: dict[UUID, NewestWord] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"showers-{number}", daemon=True) for number in range(workers)
        ]
        bus.subscribe(every_shower(site, ShowerTopic.REPORTS), self._receiver(_Kind.REPORT))
        bus.subscribe(every_shower(site, ShowerTopic.HEARTBEATS), self._receiver(_Kind.HEARTBEAT))
        # At QoS 1 a broker drops retained messages beyond the room it has for a client's unacknowledged ones.
        bus.subscribe(every_shower(site, ShowerTopic.AVAILABILITY), self._on_availability, qos=0)

    @property
    def backlog(self) -> int:
        """Messages that wait."""
        return len(self._queue)

    @property
    def turned_away(self) -> int:
        """Messages that found no room since the start; their controllers send them again."""
        return self._queue.turned_away

    @property
    def availability(self) -> Mapping[UUID, ShowerAvailability]:
        """What each trusted controller, or the broker in its name, said last. It is not signed: for display only."""
        return dict(self._availability)

    @property
    def twice(self) -> frozenset[UUID]:
        """The showers in whose name two controllers speak."""
        return self._order.twice

    def start(self) -> None:
        """Begin to answer."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Answer what has arrived, then end."""
        self._stopping.set()
        self._queue.close()
        for thread in self._threads:
            thread.join()

    def _receiver(self, kind: _Kind) -> Callable[[str, bytes, bool], None]:
        """Return a handler for the bus's thread: it looks up a name and puts the bytes aside."""

        def receive(topic: str, payload: bytes, retained: bool) -> None:
            device = self._trusted_device(topic)
            if device is None:
                return
            if retained or len(payload) > MAX_PAYLOAD_BYTES:
                log.warning(
                    "shower_message_refused", topic=topic, reason=Refusal.RETAINED.value if retained else "too_large"
                )
                return
            if not self._queue.put(device, _Arrived(kind, payload)):
                log.warning("shower_message_turned_away", device=str(device), waiting=len(self._queue))

        return receive

    def _on_availability(self, topic: str, payload: bytes, _retained: bool) -> None:
        device = self._trusted_device(topic)
        if device is None:
            return
        try:
            message = ShowerAvailability.decode(payload)
        except MalformedMessageError as error:
            log.warning("shower_message_unreadable", topic=topic, error=str(error))
            return
        if message.device == device and self._newest.setdefault(device, NewestWord()).takes(message):
            self._availability[device] = message

    def _trusted_device(self, topic: str) -> UUID | None:
        try:
            device = parse_shower_topic(topic)[0].device
        except TopicError:
            return None
        if shower_sender(device) not in self._trusted:
            log.warning("shower_message_refused", topic=topic, reason=Refusal.UNKNOWN_SENDER.value)
            return None
        return device

    def _work(self) -> None:
        while (taken := self._queue.take()) is not None:
            device, arrived = taken
            try:
                self._answer(device, arrived)
            except MalformedMessageError as error:
                log.warning("shower_message_unreadable", device=str(device), error=str(error))
            except (SQLAlchemyError, DatabaseBusyError) as error:
                log.warning("shower_message_not_stored_yet", device=str(device), error=type(error).__name__)
                self._stopping.wait(_PAUSE_S)
            except ProblemError as error:
                log.warning("shower_message_refused", device=str(device), reason=error.code)
            except Exception:
                # One message must not end the worker of all others; it comes again, and stands in the log each time.
                log.exception("shower_message_failed", device=str(device))
                self._stopping.wait(_PAUSE_S)
            finally:
                self._queue.done(device)

    def _answer(self, device: UUID, arrived: _Arrived) -> None:
        body = self._authentic(device, arrived)
        if body is None:
            return
        if arrived.kind is _Kind.REPORT:
            report = _of_device(device, SessionReport.decode(body))
            self._say(device, ShowerTopic.ANSWERS, Purpose.SHOWER_ANSWER, self._sessions.report(report, self._now()))
            return
        heartbeat = _of_device(device, DeviceHeartbeat.decode(body))
        if heartbeat.unsettled is not None:
            _of_device(device, heartbeat.unsettled)
        if not self._order.is_new(heartbeat):
            log.info("shower_heartbeat_repeated", device=str(device), seq=heartbeat.seq)
            if self._order.is_second_voice(heartbeat):
                log.error("shower_speaks_twice", device=str(device), boot=str(heartbeat.boot_id))
            return
        answer = self._sessions.heartbeat(heartbeat, self._now())
        named = answer.model_copy(update={"boot_id": heartbeat.boot_id, "seq": heartbeat.seq})
        self._say(device, ShowerTopic.HEARTBEAT_ANSWERS, Purpose.SHOWER_HEARTBEAT_ANSWER, named)
        self._order.taken(heartbeat)

    def _authentic(self, device: UUID, arrived: _Arrived) -> bytes | None:
        """Return the body that `device` signed, or None."""
        envelope = SignedMessage.decode(arrived.payload)
        sender = shower_sender(device)
        key = self._trusted.get(sender)
        if envelope.sender != sender or key is None:
            reason = Refusal.UNKNOWN_SENDER.value
        elif not has_signature(key, arrived.kind.value, envelope, self._now()):
            reason = Refusal.BAD_SIGNATURE.value
        else:
            return envelope.body.encode(errors="surrogatepass")
        log.warning("shower_message_refused", device=str(device), reason=reason)
        return None

    def _say(self, device: UUID, topic: ShowerTopic, purpose: Purpose, message: Message) -> None:
        """Publish. An answer may be lost: the controller asks again, and is answered again."""
        try:
            self._bus.publish(
                ShowerTopics(self._site, device).of(topic), seal(self._key, SERVER_SENDER, purpose, message)
            )
        except NotConnectedError:
            log.debug("shower_answer_not_sent", device=str(device))


def _of_device(device: UUID, message: _Own) -> _Own:
    """A controller may speak only of itself."""
    if message.device != device:
        raise MalformedMessageError(f"a message of device {message.device} arrived from {device}")
    return message
