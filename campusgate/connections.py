"""From settings to the addresses that the rooms' connections take."""

from bus import BrokerAddress
from campusgate.settings import Settings


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
