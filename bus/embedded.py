"""A broker inside a process of ours, for the demonstration, for tests and for a campus of one machine.

It keeps nothing on disk: after a restart every client says its retained messages again, which all of ours do.
"""

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.errors import AMQTTError
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from bus.access_list import AccessList
from bus.errors import BusError

log = structlog.get_logger()

START_TIMEOUT_S = 10.0
SHUTDOWN_TIMEOUT_S = 5.0
_TURN_S = 1.0
KEEPALIVE_FACTOR = 1.5
"""MQTT 3.1.1, section 3.1.2.10: a client is lost when it was silent for so many of its keep-alive times."""
TAKEOVER_TIMEOUT_S = 5.0


class BrokerStartError(BusError):
    """The embedded broker cannot start: the port is taken, or a certificate cannot be read."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The files of TLS of the broker: its certificate with chain, its private key."""

    cert_file: Path
    key_file: Path


class EmbeddedBroker:
    """MQTT 3.1.1 by amqtt, on a thread of its own.

    With `access` only its users get in, each with its own topics. Without it everybody does, so then it listens on the
    loopback address only.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 1883,
        *,
        access: AccessList | None = None,
        tls: ServerTls | None = None,
    ) -> None:
        """Prepare; port 0 means any free one, and `port` tells it after `start`.

        Raises:
            BrokerStartError: an open broker was asked to listen beyond this machine.
        """
        if access is None and host not in {"127.0.0.1", "::1", "localhost"}:
            raise BrokerStartError(
                f"a broker without users would let anybody on {host} open doors; give it users or listen on 127.0.0.1"
            )
        self.host = host
        self.port = port
        self._access = access
        self._tls = tls
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._stop: asyncio.Event | None = None
        self._error: Exception | None = None
        self.on_turn: Callable[[], None] = lambda: None
        """Called by the event loop once a second; for the rim to set."""

    def start(self) -> None:
        """Listen.

        Raises:
            BrokerStartError: the port is taken, or a certificate cannot be read.
        """
        self._started.clear()
        self._error = None
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            raise BrokerStartError("the embedded broker did not start in time")
        if self._error is not None:
            self._thread.join()
            self._thread = None
            raise BrokerStartError(
                f"the broker cannot listen on {self.host}:{self.port}: {self._error}"
            ) from self._error

    def stop(self) -> None:
        """Close every connection and the port."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> "EmbeddedBroker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._error = error
            if self._started.is_set():
                log.exception("embedded_broker_failed")
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        broker = _Broker(self._config(), loop=self._loop)
        try:
            await broker.start()
        except AMQTTError as error:
            raise (error.__cause__ if isinstance(error.__cause__, OSError) else error) from None
        self.port = broker.bound_port()
        self._started.set()
        while not self._stop.is_set():
            self.on_turn()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _TURN_S)
        await broker.cut()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(broker.shutdown(), SHUTDOWN_TIMEOUT_S)

    def _config(self) -> dict[str, Any]:
        listener: dict[str, Any] = {"type": "tcp", "bind": f"{self.host}:{self.port}"}
        if self._tls is not None:
            listener |= {"ssl": True, "certfile": str(self._tls.cert_file), "keyfile": str(self._tls.key_file)}
        if self._access is None:
            plugins: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        else:
            plugins = {
                f"{__name__}.PasswordPlugin": {"access": self._access},
                f"{__name__}.TopicPlugin": {"access": self._access},
            }
        return {"listeners": {"default": listener}, "plugins": plugins}


class PasswordPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets in who is on the access list."""

    @dataclass
    class Config:
        """What the plugin is made with."""

        access: AccessList

    async def authenticate(self, *, session: Session) -> bool:
        """Judge name and password of a new connection."""
        access: AccessList = self.config.access
        return access.knows(session.username, session.password)


class TopicPlugin(BaseTopicPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets everybody say and hear what the access list gives them."""

    @dataclass
    class Config:
        """What the plugin is made with."""

        access: AccessList

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._access: AccessList = context.config.access

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Judge one publication, one subscription, or one delivery."""
        name = session.username if session else None
        if action == Action.PUBLISH:
            return self._access.may_publish(name, topic or "")
        return self._access.may_subscribe(name, topic or "")


class _Incoming(StreamReaderAdapter):  # type: ignore[misc]  # amqtt has no types
    """What a client sends."""

    @property
    def has_more(self) -> bool:
        """Whether something has arrived that was not looked at yet."""
        return bool(self._reader._buffer)  # noqa: SLF001 -- the standard library tells it nowhere else


class _Outgoing(StreamWriterAdapter):  # type: ignore[misc]  # amqtt has no types
    """What a client is sent."""

    def cut(self) -> None:
        """End the connection at once, as a broken cable does."""
        self._writer.transport.abort()


@dataclass(eq=False, slots=True)
class _Served:
    """One client that is let in, until its connection has ended and its will, if it is due, was sent."""

    connection: _Outgoing
    ended: asyncio.Event


class _Broker(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt, mended where it does not do what MQTT 3.1.1 says.

    It would never miss a silent client, so the will of a gate without power would not be sent. It would leave the old
    connection of a client that comes back open, and send its will after the living client's own words; and it would
    take somebody's place away for whoever names the same client id, before looking at their password. It would send
    the retained messages of every client's subscriptions to each new client. And its shutdown can wait for a client's
    next packet, so the connections are cut first.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._open: set[asyncio.StreamWriter] = set()
        self._served: dict[str, _Served] = {}

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve one client until it is gone."""
        self._open.add(writer)
        try:
            await self._client_connected(listener_name, _Incoming(reader), _Outgoing(writer))
        finally:
            self._open.discard(writer)
            # amqtt leaves the socket of some clients to the garbage collector.
            writer.close()

    async def _handle_client_session(  # noqa: PLR0917 -- amqtt's own
        self,
        reader: _Incoming,
        writer: _Outgoing,
        client_session: Session,
        handler: BrokerProtocolHandler,
        server: Any,
        listener_name: str,
    ) -> None:
        if not await self._authenticate(client_session, self.listeners_config[listener_name]):
            handler.attach(client_session, reader, writer)
            await handler.mqtt_connack_authorize(False)
            await writer.close()
            return
        _miss_when_silent(handler, client_session, reader, writer)
        client, mine = str(client_session.client_id), _Served(writer, asyncio.Event())
        before, self._served[client] = self._served.get(client), mine
        try:
            if before is not None:
                # Its will comes first, and what the new connection says stands.
                before.connection.cut()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(before.ended.wait(), TAKEOVER_TIMEOUT_S)
            if client_session.clean_session:
                await super()._delete_session(client)
            await super()._handle_client_session(reader, writer, client_session, handler, server, listener_name)
        finally:
            mine.ended.set()
            if self._served.get(client) is mine:
                del self._served[client]

    async def _delete_session(self, client_id: str) -> None:
        """Do nothing: amqtt asks for it before it has looked at the password of whoever names this client id."""

    async def cut(self) -> None:
        """Listen no more and cut every connection."""
        for server in self._servers.values():
            server.instance.close()
        for writer in self._open:
            writer.transport.abort()
        for _ in range(100):
            if not self._open:
                return
            await asyncio.sleep(0.01)

    async def _publish_retained_messages_for_subscription(self, wanted: tuple[str, int], session: Session) -> None:
        subscribers = self._subscriptions.get(wanted[0], [])
        if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(wanted, session)

    def bound_port(self) -> int:
        """Return the port that is listened on."""
        return int(self._servers["default"].instance.sockets[0].getsockname()[1])


def _miss_when_silent(handler: BrokerProtocolHandler, session: Session, reader: _Incoming, writer: _Outgoing) -> None:
    """Let the connection end when nothing came for one and a half times the client's keep-alive; its will follows."""
    if session.keep_alive <= 0:
        return
    session.keep_alive = math.ceil(session.keep_alive * KEEPALIVE_FACTOR)

    def timed_out() -> None:
        # After this process itself stood still, what the client said meanwhile has not been looked at yet.
        if not reader.has_more:
            writer.cut()

    handler.handle_read_timeout = timed_out
