"""From settings to the broker's address, and the server's two connections to it."""

from dataclasses import replace

import structlog

from bus import BrokerAddress, Connection, random_client_id
from campusgate.settings import Settings
from operations.connections import ServerConnections

log = structlog.get_logger()

BROKER_MISSED_S = 10
"""After how long at most a broker that hangs is missed: a ping is sent after half of it, and waited for as long."""


_MOST_WAITING = 50_000
"""Messages that may wait for the server's handlers: what 10,000 gates and as many showers retained comes at once."""


def make_broker_address(settings: Settings) -> BrokerAddress:
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


def make_server_connections(settings: Settings) -> ServerConnections:
    """Return both connections, not started. Each may have a user of its own, with the rights of its own work.

    Raises:
        CertificateError: a file of TLS is missing or holds something else.
    """
    mqtt = settings.mqtt
    # Quicker than a gate's: a broker that hangs shows soon that nothing on the board is heard any more.
    address = replace(make_broker_address(settings), keepalive_s=BROKER_MISSED_S // 2)
    address.tls()
    for_orders = address
    if mqtt.orders_username is not None:
        secret = mqtt.orders_password or mqtt.password
        password = secret.get_secret_value() if secret is not None else None
        for_orders = replace(address, username=mqtt.orders_username, password=password)
    elif mqtt.username is not None:
        # A broker that ties ids to users lets a user have one connection only, and Mosquitto as we ship it does.
        log.warning("orders_share_a_broker_user", missing="CAMPUSGATE_MQTT__ORDERS_USERNAME")
    return ServerConnections(
        Connection(address, random_client_id(f"{settings.site}-server"), most_waiting=_MOST_WAITING),
        Connection(for_orders, random_client_id(f"{settings.site}-server-orders")),
    )
