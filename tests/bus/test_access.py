"""Names, passwords, topics and certificates, the same on the embedded broker and on Mosquitto."""

import contextlib
import queue
from pathlib import Path

import pytest

from bus import (
    AccessList,
    BrokerAddress,
    CertificateError,
    Connection,
    NotConnectedError,
    RefusedByBrokerError,
    SubscriptionRefusedError,
    User,
)
from bus.embedded import BrokerStartError, EmbeddedBroker
from tests.certificates import Authority, make_authority
from tests.waiting import PATIENCE_S, until

ACCESS = AccessList(
    {
        "gate": User("correct horse", publish=("gates/north/#",), subscribe=("gates/north/command",)),
        "server": User("battery staple", publish=("gates/+/command",), subscribe=("gates/#",)),
    }
)
GATE = {"username": "gate", "password": "correct horse"}
SERVER = {"username": "server", "password": "battery staple"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path / "ours", "our authority")


def test_the_right_password_gets_in(make_broker, connect) -> None:
    assert connect(make_broker(access=ACCESS), "gate", **GATE).connected


@pytest.mark.parametrize(
    "credentials",
    [{"username": "gate", "password": "wrong"}, {"username": "nobody", "password": ""}, {}],
    ids=["wrong password", "unknown name", "no name"],
)
def test_a_refusal_is_told_apart_from_silence(make_broker, connect, credentials) -> None:
    connection = connect(make_broker(access=ACCESS), "gate", wait=False, **credentials)
    with pytest.raises(RefusedByBrokerError, match="check the MQTT username and password"):
        connection.wait_connected(PATIENCE_S)


def test_a_wrong_password_takes_nobodys_place(make_broker, connect) -> None:
    broker = make_broker(access=ACCESS)
    gate, server = connect(broker, "gate", **GATE), connect(broker, "server", **SERVER)
    heard: queue.Queue[bytes] = queue.Queue()
    gate.subscribe("gates/north/command", lambda _topic, payload, _retained: heard.put(payload))
    thief = connect(broker, "gate", wait=False, username="gate", password="guessed")
    with pytest.raises(RefusedByBrokerError):
        thief.wait_connected(PATIENCE_S)
    server.publish("gates/north/command", b"open", wait_s=PATIENCE_S)
    assert heard.get(timeout=PATIENCE_S) == b"open"
    assert gate.connections == 1


@pytest.mark.parametrize("forbidden", ["gates/#", "#", "gates/+/command", "gates/south/command"])
def test_nobody_reads_beyond_their_topics(make_broker, connect, forbidden: str) -> None:
    broker = make_broker(access=ACCESS)
    gate, server = connect(broker, "gate", **GATE), connect(broker, "server", **SERVER)
    heard: queue.Queue[str] = queue.Queue()
    # The embedded broker refuses the subscription; Mosquitto accepts it and delivers only what may be read.
    with contextlib.suppress(SubscriptionRefusedError):
        gate.subscribe(forbidden, lambda topic, *_: heard.put(topic))
    gate.subscribe("gates/north/command", lambda topic, *_: heard.put(topic))
    server.publish("gates/south/command", b"secret", wait_s=PATIENCE_S)
    server.publish("gates/north/command", b"open", wait_s=PATIENCE_S)
    assert heard.get(timeout=PATIENCE_S) == "gates/north/command"


def test_the_embedded_broker_refuses_a_wide_subscription() -> None:
    broker = EmbeddedBroker(port=0, access=ACCESS)
    broker.start()
    gate = Connection(BrokerAddress(port=broker.port, **GATE), "gate")
    gate.start()
    try:
        gate.wait_connected(PATIENCE_S)
        with pytest.raises(SubscriptionRefusedError, match="gates/#"):
            gate.subscribe("gates/#", lambda *_: None)
    finally:
        gate.stop()
        broker.stop()


def test_nobody_writes_beyond_their_topics(make_broker, connect) -> None:
    broker = make_broker(access=ACCESS)
    gate, server = connect(broker, "gate", **GATE), connect(broker, "server", **SERVER)
    heard: queue.Queue[str] = queue.Queue()
    server.subscribe("gates/#", lambda topic, *_: heard.put(topic))
    gate.publish("gates/south/command", b"open")
    gate.publish("gates/north/events", b"allowed")
    assert heard.get(timeout=PATIENCE_S) == "gates/north/events"


def test_a_topic_that_an_older_access_list_lacks_costs_that_topic_alone(make_broker, connect) -> None:
    """A broker whose list is from before a topic refuses its subscription or keeps quiet, and what is said there."""
    broker = make_broker(access=ACCESS)
    server, heard = connect(broker, "server", **SERVER), queue.Queue[str]()
    gate = Connection(BrokerAddress(port=broker.port, **GATE), "gate")
    for topic in ("gates/north/new", "gates/north/command"):
        gate.subscribe(topic, lambda topic, *_: heard.put(topic), qos=0)
    gate.start()
    try:
        gate.wait_connected(PATIENCE_S)
        server.publish("gates/north/new", b"", qos=0)
        server.publish("gates/north/command", b"open", wait_s=PATIENCE_S)
        assert heard.get(timeout=PATIENCE_S) == "gates/north/command"
        assert (gate.connections, server.connections, gate.connected, server.connected) == (1, 1, True, True)
    finally:
        gate.stop()


def test_tls_with_our_own_authority(make_broker, connect, authority) -> None:
    broker = make_broker(access=ACCESS, tls=authority.server)
    connection = connect(broker, "gate", ca_file=authority.ca_file, **GATE)
    connection.publish("gates/north/events", b"1", wait_s=PATIENCE_S)


def test_a_broker_with_anothers_certificate_is_not_trusted(make_broker, connect, authority, tmp_path) -> None:
    broker = make_broker(tls=authority.server)
    other = make_authority(tmp_path / "other", "another authority")
    connection = connect(broker, "gate", wait=False, ca_file=other.ca_file)
    with pytest.raises(CertificateError, match="does not hold"):
        connection.wait_connected(PATIENCE_S)


def test_a_broker_under_another_name_is_not_trusted(make_broker, authority) -> None:
    broker = make_broker(tls=authority.server)
    connection = Connection(BrokerAddress("localhost", broker.port, ca_file=authority.ca_file), "gate")
    connection.start()
    try:
        with pytest.raises(CertificateError, match="does not hold"):
            connection.wait_connected(PATIENCE_S)
    finally:
        connection.stop()


def test_plain_text_to_a_broker_with_tls_is_explained(make_broker, connect, authority) -> None:
    connection = connect(make_broker(tls=authority.server), "gate", wait=False)
    until(lambda: connection.error)
    with pytest.raises(NotConnectedError, match="does it expect TLS"):
        connection.wait_connected(0)


def test_tls_to_a_plain_broker_is_explained(make_broker, connect, authority) -> None:
    connection = connect(make_broker(), "gate", wait=False, ca_file=authority.ca_file)
    until(lambda: connection.error)
    with pytest.raises((CertificateError, NotConnectedError), match=r"TLS|Connection reset"):
        connection.wait_connected(0)


def test_a_missing_authority_is_named_at_once(tmp_path: Path) -> None:
    connection = Connection(BrokerAddress(ca_file=tmp_path / "absent.pem"), "gate")
    with pytest.raises(CertificateError, match=r"absent\.pem"):
        connection.start()


def test_passwords_do_not_show() -> None:
    assert "secret" not in repr(BrokerAddress(password="secret")) + repr(User("secret"))


def test_a_broker_without_users_stays_on_this_machine() -> None:
    with pytest.raises(BrokerStartError, match="anybody"):
        EmbeddedBroker("0.0.0.0")


def test_a_taken_port_is_named() -> None:
    with EmbeddedBroker(port=0) as first, pytest.raises(BrokerStartError, match=f"{first.port}"):
        EmbeddedBroker(port=first.port).start()
