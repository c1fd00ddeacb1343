"""A connection over real brokers: what is delivered, what is not, and how it comes back."""

import contextlib
import queue
import socket
import struct
from collections.abc import Iterator

import pytest

from bus import (
    BrokerAddress,
    Connection,
    ConnectionState,
    NotConnectedError,
    NotDeliveredError,
    Will,
)
from bus.session import Session
from tests.cut_connections import cut
from tests.waiting import PATIENCE_S, until


class Inbox:
    """Collects what a subscription brings."""

    def __init__(self) -> None:
        self._messages: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()

    def __call__(self, topic: str, payload: bytes, retained: bool) -> None:
        self._messages.put((topic, payload, retained))

    def next(self, timeout_s: float = 10) -> tuple[str, bytes, bool]:
        return self._messages.get(timeout=timeout_s)

    def rest(self) -> Iterator[tuple[str, bytes, bool]]:
        while not self._messages.empty():
            yield self._messages.get()


def test_what_is_published_arrives_in_order(broker, connect) -> None:
    inbox, receiver, sender = Inbox(), connect(broker, "receiver"), connect(broker, "sender")
    receiver.subscribe("a/+/c", inbox)
    for number in range(50):
        sender.publish("a/b/c", str(number).encode())
    assert [inbox.next() for _ in range(50)] == [("a/b/c", str(number).encode(), False) for number in range(50)]


def test_a_publication_can_wait_for_its_acknowledgement(broker, connect) -> None:
    sender = connect(broker, "sender")
    sender.publish("a", b"1", wait_s=PATIENCE_S)
    assert sender.publish_all([("a", b"2"), ("a", b"3")], wait_s=PATIENCE_S) == 2


def test_a_retained_message_is_marked_as_one(broker, connect) -> None:
    connect(broker, "sender").publish("state", b"locked", retain=True, wait_s=PATIENCE_S)
    inbox = Inbox()
    connect(broker, "receiver").subscribe("state", inbox)
    assert inbox.next() == ("state", b"locked", True)


def test_nobody_gets_retained_messages_it_did_not_ask_for(broker, connect) -> None:
    owner, inbox = connect(broker, "owner"), Inbox()
    owner.subscribe("secret", Inbox())
    owner.publish("secret", b"1", retain=True, wait_s=PATIENCE_S)
    stranger = Session(BrokerAddress(port=broker.port), "stranger", None, inbox)  # shows all that arrives
    stranger.open()
    stranger.subscribe("other", 1)
    owner.publish("other", b"2", wait_s=PATIENCE_S)
    assert inbox.next()[0] == "other"
    stranger.close()


def test_the_last_will_speaks_for_a_lost_client(broker, connect) -> None:
    inbox = Inbox()
    connect(broker, "watcher").subscribe("availability", inbox)
    lost = connect(broker, "gate", will=Will("availability", b"offline"))
    cut(lost._session)
    assert inbox.next() == ("availability", b"offline", False)


def test_a_clean_stop_sends_the_farewell_and_no_will(broker, connect) -> None:
    inbox, watcher = Inbox(), connect(broker, "watcher")
    watcher.subscribe("availability", inbox)
    gate = connect(broker, "gate", will=Will("availability", b"offline"))
    gate.stop(Will("availability", b"stopped"))
    assert inbox.next() == ("availability", b"stopped", False)
    watcher.publish("availability", b"end", wait_s=PATIENCE_S)
    assert inbox.next()[1] == b"end"
    assert gate.state is ConnectionState.STOPPED


def test_a_client_that_falls_silent_is_missed(broker, connect) -> None:
    """No cable is pulled and no socket closed: a process that hangs, or a gate without power."""
    inbox = Inbox()
    living = connect(broker, "watcher", keepalive_s=1)
    living.subscribe("availability", inbox)
    with socket.create_connection(("127.0.0.1", broker.port)) as silent:
        silent.sendall(mqtt_connect("gate", keepalive_s=1, will=("availability", b"offline")))
        assert inbox.next(PATIENCE_S) == ("availability", b"offline", False)
        silent.settimeout(PATIENCE_S)
        with contextlib.suppress(ConnectionResetError):
            while silent.recv(100):
                continue  # until the broker closes it
    assert living.connections == 1, "who answers is not missed"


def test_a_client_that_comes_back_takes_its_old_connections_place(broker, connect) -> None:
    inbox = Inbox()
    watcher = connect(broker, "watcher")
    watcher.subscribe("availability", inbox)
    address, will = BrokerAddress(port=broker.port), Will("availability", b"offline")
    old, new = (Session(address, "gate", will, Inbox()) for _ in range(2))
    old.open()
    old.wait_acknowledged(old.publish("availability", b"online 1", qos=1, retain=True), PATIENCE_S)
    new.open()
    until(old.closed.is_set)
    new.wait_acknowledged(new.publish("availability", b"online 2", qos=1, retain=True), PATIENCE_S)
    old.close()
    watcher.publish("availability", b"end", wait_s=PATIENCE_S)
    heard = [inbox.next()[1] for _ in range(4)]
    assert heard == [b"online 1", b"offline", b"online 2", b"end"]
    retained = Inbox()
    connect(broker, "newcomer").subscribe("availability", retained)
    assert retained.next() == ("availability", b"online 2", True)
    new.close()


def mqtt_connect(client_id: str, *, keepalive_s: int, will: tuple[str, bytes]) -> bytes:
    """The packet by which a client with a retained will at QoS 1 connects (MQTT 3.1.1, section 3.1)."""

    def field(content: bytes) -> bytes:
        return struct.pack("!H", len(content)) + content

    flags = 0b0010_1110  # retained will, its QoS 1, clean session
    head = field(b"MQTT") + struct.pack("!BBH", 4, flags, keepalive_s)
    packet = head + field(client_id.encode()) + field(will[0].encode()) + field(will[1])
    return struct.pack("!BB", 0x10, len(packet)) + packet


def test_it_waits_for_a_broker_that_is_not_there_yet(make_broker, connect) -> None:
    broker = make_broker(started=False)
    connection = connect(broker, "early", wait=False)
    until(lambda: connection.error)
    with pytest.raises(NotConnectedError, match="does not answer"):
        connection.wait_connected(0)
    with pytest.raises(NotConnectedError):
        connection.publish("a", b"1")
    broker.start()
    connection.wait_connected(PATIENCE_S)
    connection.publish("a", b"1", wait_s=PATIENCE_S)


def test_it_comes_back_after_the_broker_was_restarted(broker, connect) -> None:
    inbox, receiver, sender = Inbox(), connect(broker, "receiver"), connect(broker, "sender")
    receiver.subscribe("a", inbox)
    broker.stop()
    until(lambda: not sender.connected and not receiver.connected)
    broker.start()
    receiver.wait_connected(PATIENCE_S)
    sender.wait_connected(PATIENCE_S)
    until(lambda: receiver.connections == 2)
    sender.publish("a", b"after", wait_s=PATIENCE_S)
    assert inbox.next() == ("a", b"after", False)


def test_nothing_published_during_an_outage_arrives_later(broker, connect) -> None:
    inbox, receiver, sender = Inbox(), connect(broker, "receiver"), connect(broker, "sender")
    receiver.subscribe("command", inbox)
    broker.stop()
    until(lambda: not sender.connected)
    for _ in range(3):
        with pytest.raises(NotConnectedError):
            sender.publish("command", b"open")
    broker.start()
    until(lambda: receiver.connections == 2 and sender.connections == 2)
    sender.publish("command", b"end", wait_s=PATIENCE_S)
    assert inbox.next()[1] == b"end"


def test_what_was_under_way_when_the_connection_broke_is_not_sent_again(broker, connect) -> None:
    inbox, receiver, sender = Inbox(), connect(broker, "receiver"), connect(broker, "sender")
    receiver.subscribe("command", inbox)
    session = sender._session
    session._client._packet_queue = lambda *_: 0  # the network swallows it: sent, and never acknowledged
    with pytest.raises(NotDeliveredError):
        sender.publish("command", b"open", wait_s=0.2)
    assert session._client._out_messages
    cut(session)
    until(lambda: sender.connections == 2 and sender.connected)
    sender.publish("command", b"end", wait_s=PATIENCE_S)
    assert inbox.next()[1] == b"end"


def test_hooks_run_on_every_connection(broker, connect) -> None:
    inbox, watcher, gate = Inbox(), connect(broker, "watcher"), connect(broker, "gate")
    watcher.subscribe("state", inbox)
    gate.on_connect(lambda: gate.publish("state", b"locked", retain=True))
    assert inbox.next()[1] == b"locked"
    broker.stop()
    until(lambda: not gate.connected)
    broker.start()
    assert inbox.next()[1] == b"locked"


def test_a_failing_handler_or_hook_does_not_stop_the_others(broker, connect) -> None:
    inbox, connection = Inbox(), connect(broker, "one")

    def fail(*_: object) -> None:
        raise ValueError("a fault in a handler")

    connection.on_connect(fail)
    connection.subscribe("a", fail)
    connection.subscribe("a", inbox)
    for payload in (b"1", b"2"):
        connection.publish("a", payload, wait_s=PATIENCE_S)
    assert [inbox.next()[1] for _ in range(2)] == [b"1", b"2"]


def test_a_handler_may_publish_and_wait(broker, connect) -> None:
    inbox, connection = Inbox(), connect(broker, "one")
    connection.subscribe("answer", inbox)
    connection.subscribe("question", lambda *_: connection.publish("answer", b"42", wait_s=PATIENCE_S))
    connection.publish("question", b"?")
    assert inbox.next()[1] == b"42"


def test_a_topic_that_is_no_text_is_dropped(broker, connect) -> None:
    """Bytes that a hostile broker could send reach no handler and stop nothing."""
    inbox, connection = Inbox(), connect(broker, "one")
    connection.subscribe("a", inbox)
    message = type("Message", (), {"topic": property(lambda _: b"\xff".decode()), "payload": b"", "retain": False})()
    connection._session._on_message(None, None, message)
    connection.publish("a", b"1")
    assert inbox.next()[1] == b"1"


def test_small_messages_are_not_held_back(broker, connect) -> None:
    """Otherwise TCP keeps a command up to 40 ms behind an acknowledgement that was sent just before."""
    sock = connect(broker, "one")._session._client.socket()
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_stopping_twice_is_harmless(broker, connect) -> None:
    connection: Connection = connect(broker, "one")
    connection.stop()
    connection.stop()
    assert not connection.connected
