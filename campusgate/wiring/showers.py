"""From settings to the server's port for showers at the broker."""

import structlog

from bus.port import Bus
from campusgate.settings import Settings
from messages import TrustedKeyFile, read_private_key
from metering.sessions.mqtt_port import ShowerPort
from metering.sessions.service import SessionService

log = structlog.get_logger()


def make_shower_port(settings: Settings, bus: Bus, sessions: SessionService) -> ShowerPort | None:
    """Return what answers showers, or None where the server has no key of its own to sign with.

    Raises:
        OperatorError: a key cannot be used, or the file of trusted keys is not named.
    """
    if settings.signing_key_file is None:
        log.warning("showers_not_answered", missing="CAMPUSGATE_SIGNING_KEY_FILE")
        return None
    return ShowerPort(
        bus,
        settings.site,
        sessions,
        key=read_private_key(settings.signing_key_file),
        trusted=TrustedKeyFile(settings.require("trusted_keys_file")),
        order=sessions.order,
    )
