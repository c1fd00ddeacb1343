"""The message bus: a connection that comes back (MQTT), the outbox of what must not be lost, the embedded broker.

The embedded broker is imported from `bus.embedded`, for only processes that run one should load it.
"""

from bus.access_list import AccessList, User
from bus.address import BrokerAddress
from bus.backoff import Backoff
from bus.connection import Connection, ConnectionState
from bus.errors import (
    BusError,
    CertificateError,
    NotConnectedError,
    NotDeliveredError,
    RefusedByBrokerError,
    SubscriptionRefusedError,
    UnreachableError,
)
from bus.filters import covers, matches
from bus.session import Will

__all__ = [
    "AccessList",
    "Backoff",
    "BrokerAddress",
    "BusError",
    "CertificateError",
    "Connection",
    "ConnectionState",
    "NotConnectedError",
    "NotDeliveredError",
    "RefusedByBrokerError",
    "SubscriptionRefusedError",
    "UnreachableError",
    "User",
    "Will",
    "covers",
    "matches",
]
