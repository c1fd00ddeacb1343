"""From settings to the setting up of gates by code."""

from datetime import UTC, datetime, timedelta

from access.gate_setup import make_server_key
from campusgate.settings import Settings, SettingsError
from directory.gate_setup import GateSetup, GateSite
from messages import public_key_text, read_private_key, trusted_file


def make_gate_setup(settings: Settings) -> GateSetup:
    """Return what gates are set up with; without a key that signs orders there is no site to tell of.

    Raises:
        OperatorError: a secret is missing, or a file cannot be read.
    """
    private_key = make_server_key(settings.require_key("token_secret"))
    if settings.signing_key_file is None or settings.trusted_keys_file is None:
        return GateSetup(private_key, None, lambda _sender, _key: None)
    trusted = settings.trusted_keys_file

    def trust(sender: str, key: str) -> None:
        # The computer before, if there was one, is out of office at once.
        trusted_file.enrol(trusted, sender, key, actions=None, overlap=timedelta(0), now=datetime.now(UTC))

    return GateSetup(private_key, _read_site(settings), trust)


def _read_site(settings: Settings) -> GateSite:
    mqtt = settings.mqtt
    try:
        authority = mqtt.ca_file.read_text(encoding="ascii") if mqtt.ca_file is not None else None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"CAMPUSGATE_MQTT__CA_FILE: {mqtt.ca_file} cannot be read: {error}") from error
    return GateSite(
        site=settings.site,
        broker_host=mqtt.public_host or mqtt.host,
        broker_port=mqtt.public_port or mqtt.port,
        authority=authority,
        credential_key=settings.require("credential_key"),
        staff_key=public_key_text(read_private_key(settings.require("signing_key_file"))),
        embedder=settings.embedder,
    )
