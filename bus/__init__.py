"""The message bus: a connection that comes back (MQTT), the outbox of what must not be lost, the embedded broker.

The embedded broker is imported from `bus.embedded`, for only processes that run one should load it.
"""

from bus.access_list import AccessList, User, UsersFileError, read_users
from bus.address import BrokerAddress
from bus.backoff import Backoff
from bus.client_id import kept_client_id, random_client_id
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
from bus.outbox import Entry, Outbox, OutboxError
from bus.outbox_sender import LATE_AFTER, SEND_AGAIN_S, OutboxSender
from bus.session import Will

__all__ = [
    "LATE_AFTER",
    "SEND_AGAIN_S",
    "AccessList",
    "Backoff",
    "BrokerAddress",
    "BusError",
    "CertificateError",
    "Connection",
    "ConnectionState",
    "Entry",
    "NotConnectedError",
    "NotDeliveredError",
    "Outbox",
    "OutboxError",
    "OutboxSender",
    "RefusedByBrokerError",
    "SubscriptionRefusedError",
    "UnreachableError",
    "User",
    "UsersFileError",
    "Will",
    "covers",
    "kept_client_id",
    "matches",
    "random_client_id",
    "read_users",
]
