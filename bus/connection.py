"""A connection to the broker that comes back."""

import threading
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial

import structlog

from bus.address import BrokerAddress
from bus.backoff import Backoff
from bus.client_id import without_random_part
from bus.errors import (
    BusError,
    CertificateError,
    NotConnectedError,
    NotDeliveredError,
    RefusedByBrokerError,
    SubscriptionRefusedError,
)
from bus.filters import matches
from bus.handler_thread import QUEUE_LIMIT, HandlerThread
from bus.port import Handler
from bus.session import Session, Will
from bus.steadiness import Steadiness

log = structlog.get_logger()

PUBLISH_TIMEOUT_S = 5.0
_STOP_NOTICED_S = 0.5


class ConnectionState(StrEnum):
    """Where a connection stands."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """Between two attempts; `error` says what was wrong with the last."""


class Connection:
    """MQTT 3.1.1 with reconnection. Safe for threads; handlers and hooks run one at a time on a thread of their own.

    Nothing is queued while there is no broker: `publish` fails at once with `NotConnectedError`, and what was under way
    when a connection broke is never sent again. Who must not lose a message keeps it in an `Outbox`. Subscriptions are
    made again on every connection, and hooks run after them, to say again what is retained.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        *,
        will: Will | Callable[[int], Will] | None = None,
        backoff: Backoff | None = None,
        most_waiting: int = QUEUE_LIMIT,
    ) -> None:
        """Prepare; `start` connects.

        `client_id` is unique at the broker, or two processes push each other out; so that nobody does it on purpose, it
        comes from `random_client_id` or `kept_client_id`. A `will` may be made anew of the number of each connection.
        `most_waiting` messages wait for the handlers, beyond which
        they are dropped.
        """
        self.address = address
        self.client_id = client_id
        self.name = without_random_part(client_id)
        self.state = ConnectionState.STOPPED
        self.error: BusError | None = None
        self.connections = 0
        self.connection_number = 0
        self._will = will
        self._backoff = backoff or Backoff()
        self._subscriptions: dict[str, tuple[int, list[Handler]]] = {}
        self._hooks: list[Callable[[], None]] = []
        self._lost_hooks: list[Callable[[], None]] = []
        self._session: Session | None = None
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._handler_thread = HandlerThread(self.name, most_waiting)
        self._steadiness = Steadiness()

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        session = self._session
        return session is not None and not session.closed.is_set()

    @property
    def thrown_out(self) -> bool:
        """Whether the other side ended the connection again and again lately: it may stand now, and will not for long.

        That happens when another client takes its id.
        """
        return self._steadiness.is_thrown_out(time.monotonic())

    @property
    def dropped(self) -> int:
        """Messages dropped because the handlers were too slow."""
        return self._handler_thread.dropped

    def on_connect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after every connection, subscriptions made; also now, when connected already."""
        self._hooks.append(hook)
        if self.state is ConnectionState.CONNECTED:
            self._handler_thread.call(hook)

    def on_disconnect(self, hook: Callable[[], None]) -> None:
        """Run `hook` after a connection was lost or stopped."""
        self._lost_hooks.append(hook)

    def on_handler_turn(self, hook: Callable[[], None]) -> None:
        """Call `hook` at each turn of the thread that runs handlers and hooks, once a second at least."""
        self._handler_thread.on_turn = hook

    def start(self) -> None:
        """Connect in the background and stay connected. Returns at once, also when there is no broker yet.

        Raises:
            CertificateError: the files of TLS cannot be used.
        """
        if self._thread is not None:
            raise RuntimeError("the connection runs already")
        self.address.tls()
        self._stopping.clear()
        self.error = None
        self._handler_thread.start()
        self._thread = threading.Thread(target=self._run, name=f"{self.name}-connection", daemon=True)
        self._thread.start()

    def stop(self, farewell: Will | None = None) -> None:
        """Publish `farewell`, disconnect so that the last will is not sent, and end the threads."""
        session = self._session
        if farewell is not None and session is not None:
            try:
                info = session.publish(farewell.topic, farewell.payload, qos=farewell.qos, retain=farewell.retain)
                session.wait_acknowledged(info, PUBLISH_TIMEOUT_S)
            except (NotConnectedError, NotDeliveredError) as error:
                log.warning("bus_farewell_not_sent", client=self.name, error=str(error))
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if session is not None:
            session.disconnect()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._handler_thread.stop()

    def wait_connected(self, timeout_s: float) -> None:
        """Return as soon as the connection stands and every subscription is made.

        Raises:
            RefusedByBrokerError, CertificateError: the broker says no, or is another; waiting does not help.
            NotConnectedError: not within the time; the text carries the last error.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self.state is ConnectionState.CONNECTED or self._is_refused() or self._stopping.is_set(),
                timeout_s,
            )
            if self.state is ConnectionState.CONNECTED:
                return
            if self.error is not None and self._is_refused():
                raise self.error
        reason = self.error or f"the broker {self.address} did not answer within {timeout_s:g} s"
        raise NotConnectedError(str(reason))

    def subscribe(self, topic_filter: str, handler: Handler, *, qos: int = 1) -> None:
        """Let `handler` see every message on `topic_filter`, now and after every reconnection.

        Connected already, it waits for the broker's yes, so do not call it from a handler.

        Raises:
            SubscriptionRefusedError: the broker does not let us read it (when connected; later it is logged).
        """
        _, handlers = self._subscriptions.get(topic_filter, (qos, []))
        self._subscriptions[topic_filter] = (qos, [*handlers, handler])
        session = self._session
        if session is not None:
            try:
                session.subscribe(topic_filter, qos)
            except NotConnectedError:
                log.debug("bus_subscription_waits_for_connection", client=self.name, filter=topic_filter)

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, wait_s: float | None = None
    ) -> None:
        """Publish now or fail; with `wait_s`, return only when the broker has acknowledged (QoS 1).

        Raises:
            NotConnectedError: there is no broker; nothing was queued.
            NotDeliveredError: no acknowledgement within `wait_s`; it may have arrived or not.
        """
        session = self._current()
        info = session.publish(topic, payload, qos=qos, retain=retain)
        if wait_s is not None:
            session.wait_acknowledged(info, wait_s)

    def publish_all(self, messages: Iterable[tuple[str, bytes]], *, wait_s: float = PUBLISH_TIMEOUT_S) -> int:
        """Publish (topic, payload) pairs in order at QoS 1 and return how many, from the first on, were acknowledged.

        Raises:
            NotConnectedError: there is no broker, and none was sent.
        """
        session = self._current()
        infos = []
        try:
            infos = [session.publish(topic, payload, qos=1, retain=False) for topic, payload in messages]
        except NotConnectedError:
            log.debug("bus_connection_lost_while_publishing", client=self.name)
        until = time.monotonic() + wait_s
        for done, info in enumerate(infos):
            try:
                session.wait_acknowledged(info, max(0.0, until - time.monotonic()))
            except NotDeliveredError:
                return done
        return len(infos)

    def _current(self) -> Session:
        session = self._session
        if session is None or session.closed.is_set():
            raise NotConnectedError(f"no connection to the broker {self.address}")
        return session

    def _is_refused(self) -> bool:
        return isinstance(self.error, RefusedByBrokerError | CertificateError)

    def _set(self, state: ConnectionState, error: BusError | None = None) -> None:
        with self._changed:
            self.state = state
            self.error = error
            self._changed.notify_all()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            if self.error is None:
                self._set(ConnectionState.CONNECTING)
            session = None
            try:
                self.connection_number += 1
                session = Session(self.address, self.client_id, self._make_will(), self._receive)
                session.open()
                self._serve(session)
                failures = 0
            except BusError as error:
                failures += 1
                self._report(error, failures)
                self._set(ConnectionState.WAITING, error)
                self._stopping.wait(self._backoff.wait_s(failures, refused=self._is_refused()))
        self._set(ConnectionState.STOPPED, self.error)

    def _make_will(self) -> Will | None:
        return self._will(self.connection_number) if callable(self._will) else self._will

    def _serve(self, session: Session) -> None:
        """Keep `session` as the current one until it ends; it is closed by then."""
        try:
            self._session = session
            for topic_filter, (qos, _) in list(self._subscriptions.items()):
                try:
                    session.subscribe(topic_filter, qos)
                except SubscriptionRefusedError as error:
                    log.error("bus_subscription_refused", client=self.name, error=str(error))
            self.connections += 1
            self._set(ConnectionState.CONNECTED)
            log.info("bus_connected", client=self.name, broker=str(self.address))
            for hook in list(self._hooks):
                self._handler_thread.call_surely(hook)
            while not session.closed.wait(_STOP_NOTICED_S) and not self._stopping.is_set():
                pass
            if not self._stopping.is_set():
                self._steadiness.lost(time.monotonic())
                log.warning("bus_connection_lost", client=self.name, broker=str(self.address))
                # A broker that accepts and drops at once must not be asked again without a pause.
                self._set(ConnectionState.WAITING)
                self._stopping.wait(self._backoff.wait_s(1))
        finally:
            self._session = None
            session.close()
            for hook in list(self._lost_hooks):
                # Also after a rush of messages: who is not told believes for ever in what was true before.
                self._handler_thread.call_surely(hook)

    def _report(self, error: BusError, failures: int) -> None:
        # One line at the first failure and at every doubling: an outage of a night does not fill the disk.
        if failures & (failures - 1) == 0:
            log.warning("bus_not_connected", client=self.name, error=str(error), attempts=failures)

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """On the network's thread: hand the message over and return at once."""
        for topic_filter, (_, handlers) in list(self._subscriptions.items()):
            if matches(topic_filter, topic):
                for handler in handlers:
                    self._handler_thread.call(partial(handler, topic, payload, retained))
