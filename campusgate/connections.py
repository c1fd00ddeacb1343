"""From settings to the addresses that the rooms' connections take, and the server's two connections."""

from dataclasses import dataclass, replace

import structlog

from bus import BrokerAddress, Connection, random_client_id
from campusgate.settings import Settings

log = structlog.get_logger()

BROKER_MISSED_S = 10
"""After how long at most a broker that hangs is missed: a ping is sent after half of it, and waited for as long."""


def broker_address(settings: Settings) -> BrokerAddress:
    """Return where the broker is."""
    mqtt = settings.mqtt
    return BrokerAddress(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=mqtt.password.get_secret_value() if mqtt.password else None,
        ca_file=mqtt.ca_file,
        cert_file=mqtt.cert_file,
        key_file=mqtt.key_file,
    )


@dataclass(frozen=True, slots=True)
class ServerBuses:
    """The server's connections.

    `events` hears the gates and hints at changes; `orders` gives orders and hears answers, which so never wait behind a
    rush of events.
    """

    events: Connection
    orders: Connection

    def contested(self) -> str | None:
        """Return which connection is ended by the other side again and again: `events`, `orders`, both, or None."""
        named = (("events", self.events), ("orders", self.orders))
        return "_and_".join(name for name, connection in named if connection.thrown_out) or None


def server_buses(settings: Settings) -> ServerBuses:
    """Return both connections, not started. Each may have a user of its own, with the rights of its own work.

    Raises:
        CertificateError: a file of TLS is missing or holds something else.
    """
    mqtt = settings.mqtt
    # Quicker than a gate's: a broker that hangs shows soon that nothing on the board is heard any more.
    address = replace(broker_address(settings), keepalive_s=BROKER_MISSED_S // 2)
    address.tls()
    for_orders = address
    if mqtt.orders_username is not None:
        secret = mqtt.orders_password or mqtt.password
        password = secret.get_secret_value() if secret is not None else None
        for_orders = replace(address, username=mqtt.orders_username, password=password)
    elif mqtt.username is not None:
        # A broker that ties ids to users lets a user have one connection only, and Mosquitto as we ship it does.
        log.warning("orders_share_a_broker_user", missing="CAMPUSGATE_MQTT__ORDERS_USERNAME")
    return ServerBuses(
        Connection(address, random_client_id(f"{settings.site}-server")),
        Connection(for_orders, random_client_id(f"{settings.site}-server-orders")),
    )
