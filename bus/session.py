"""One connection to the broker, from CONNECT to its end. It is never reused.

The client library keeps unacknowledged messages and sends them again after it reconnected by itself. An old command
must never come back that way, so every connection is a new client that knows nothing of the one before.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from bus.address import BrokerAddress
from bus.errors import (
    CertificateError,
    NotConnectedError,
    NotDeliveredError,
    RefusedByBrokerError,
    SubscriptionRefusedError,
    UnreachableError,
)

log = structlog.get_logger()

CONNECT_TIMEOUT_S = 5.0
CONNACK_TIMEOUT_S = 10.0
SUBACK_TIMEOUT_S = 10.0
_IN_FLIGHT = 200
_LOSS_NOTICED_S = 0.2

Receive = Callable[[str, bytes, bool], None]


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our place when we are lost; `stop` can say it too, with other words."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


class Session:
    """A client that connects once. `closed` is set when the connection has ended, for whatever reason."""

    def __init__(self, address: BrokerAddress, client_id: str, will: Will | None, receive: Receive) -> None:
        self._address = address
        self._receive = receive
        self._answered = threading.Event()
        self._answer: ReasonCode | None = None
        self._subacks: dict[int, list[ReasonCode]] = {}
        self._suback = threading.Condition()
        self.closed = threading.Event()
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(_IN_FLIGHT)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if (context := address.tls()) is not None:
            client.tls_set_context(context)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def open(self) -> None:
        """Connect and wait for the broker's yes.

        Raises:
            UnreachableError: nobody answers.
            CertificateError: the broker's certificate does not hold.
            RefusedByBrokerError: the broker says no.
        """
        try:
            self._client.connect(self._address.host, self._address.port, self._address.keepalive_s)
        except ssl.SSLCertVerificationError as error:
            raise CertificateError(
                f"the certificate of the broker {self._address} does not hold: {error.verify_message}"
            ) from error
        except ssl.SSLError as error:
            raise CertificateError(f"no TLS with the broker {self._address}: {error.reason or error}") from error
        except TimeoutError as error:
            tls = "; does it speak TLS?" if self._address.ca_file else ""
            raise UnreachableError(f"the broker {self._address} does not answer in time{tls}") from error
        except OSError as error:
            raise UnreachableError(f"the broker {self._address} does not answer: {error.strerror or error}") from error
        self._client.loop_start()
        if not self._answered.wait(CONNACK_TIMEOUT_S) or self._answer is None:
            self.close()
            raise UnreachableError(f"the broker {self._address} did not answer CONNECT; does it expect TLS?")
        if self._answer.is_failure:
            answer = str(self._answer).lower()
            self.close()
            if answer == "server unavailable":
                raise UnreachableError(f"the broker {self._address} says it is unavailable")
            raise RefusedByBrokerError(
                f"the broker {self._address} refused user {self._address.username!r}: {answer};"
                " check the MQTT username and password"
            )

    def subscribe(self, topic_filter: str, qos: int) -> None:
        """Subscribe and wait for the broker's yes.

        Raises:
            SubscriptionRefusedError: the broker says no.
            NotConnectedError: the connection is gone, or no answer came.
        """
        result, mid = self._client.subscribe(topic_filter, qos)
        if result != paho.MQTT_ERR_SUCCESS or mid is None:
            raise NotConnectedError(f"no connection to the broker {self._address}")
        with self._suback:
            self._suback.wait_for(lambda: mid in self._subacks or self.closed.is_set(), SUBACK_TIMEOUT_S)
            codes = self._subacks.pop(mid, None)
        if codes is None:
            raise NotConnectedError(f"the broker {self._address} did not acknowledge the subscription")
        if any(code.is_failure for code in codes):
            raise SubscriptionRefusedError(
                f"the broker {self._address} does not let {self._address.username!r} read {topic_filter}"
            )

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> paho.MQTTMessageInfo:
        """Hand a message to the network.

        Raises:
            NotConnectedError: the connection is gone.
        """
        if self.closed.is_set():
            raise NotConnectedError(f"no connection to the broker {self._address}")
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise NotConnectedError(f"no connection to the broker {self._address}")
        return info

    def wait_acknowledged(self, info: paho.MQTTMessageInfo, timeout_s: float) -> None:
        """Wait for the broker's acknowledgement.

        Raises:
            NotDeliveredError: none came in time, or the connection ended.
        """
        until = time.monotonic() + timeout_s
        try:
            while not info.is_published():
                left = until - time.monotonic()
                if left <= 0 or self.closed.is_set():
                    raise NotDeliveredError(f"not acknowledged by the broker {self._address}")
                info.wait_for_publish(min(left, _LOSS_NOTICED_S))
        except (RuntimeError, ValueError) as error:
            raise NotDeliveredError(f"not acknowledged by the broker {self._address}: {error}") from error

    def disconnect(self) -> None:
        """Say goodbye, so that no last will is sent; `closed` follows."""
        self._client.disconnect()

    def close(self) -> None:
        """Say goodbye and end the network's thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._end()

    def _end(self) -> None:
        self.closed.set()
        with self._suback:
            self._suback.notify_all()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._answer = reason
        self._answered.set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, _reason: ReasonCode, _properties: Any) -> None:
        self._answered.set()
        self._end()

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, codes: list[ReasonCode], _properties: Any) -> None:
        with self._suback:
            self._subacks[mid] = codes
            self._suback.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            log.warning("bus_topic_is_no_text", bytes=len(message.payload))
            return
        self._receive(topic, bytes(message.payload), message.retain)


def _send_at_once(_client: Any, _data: Any, connection: Any) -> None:
    """A command waits for nobody: by default TCP holds a small packet back, up to 40 ms, behind an acknowledgement."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
