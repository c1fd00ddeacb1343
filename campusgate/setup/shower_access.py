"""At the server: the controller of a shower gets a user at the broker, and its key is believed."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from campusgate.settings import Settings
from campusgate.setup.account import as_account
from campusgate.setup.broker_users import add_shower_user, reload_broker
from campusgate.setup.files import SetupError, Writer
from campusgate.setup.places import Places
from database import Database
from messages import public_key_text, read_private_key, shower_sender, trusted_file


@dataclass(frozen=True, slots=True)
class ShowerAccess:
    """What the controller's machine needs."""

    variables: Mapping[str, str]
    """For its file of settings; secrets among them."""
    server_key: str
    """The public key by which it believes the server."""
    broker_told: bool


def let_shower_in(
    open_database: Callable[[], AbstractContextManager[Database]],
    settings: Settings,
    places: Places,
    device: UUID,
    key: str,
) -> ShowerAccess:
    """Believe `key` (base64) as the shower's, which `device` is the id of, and make its user at the broker.

    Again for a shower that has one, it gets a new password, and the key before counts no more.

    Raises:
        OperatorError: there is no such device, the key is none, or a file cannot be written.
    """
    with as_account(places), open_database() as database, database.read() as session:
        found = session.get(Device, device)
    if found is None or found.role is not DeviceRole.METER or found.revoked_at is not None:
        raise SetupError(f"no shower has the id {device}: campusgate devices add NAME meter --merchant MERCHANT --json")
    with as_account(places):
        server_key = public_key_text(read_private_key(settings.require("signing_key_file")))
        trusted_file.enrol(
            settings.require("trusted_keys_file"),
            shower_sender(device),
            key,
            actions=None,
            overlap=timedelta(0),
            now=datetime.now(UTC),
        )
    writer = Writer(places, [])
    user, password = add_shower_user(writer, settings.site, device)
    mqtt = settings.mqtt
    variables = {
        "CAMPUSGATE_SITE": settings.site,
        "CAMPUSGATE_CREDENTIAL_KEY": settings.require("credential_key"),
        "CAMPUSGATE_MQTT__HOST": mqtt.public_host or mqtt.host,
        "CAMPUSGATE_MQTT__PORT": str(mqtt.public_port or mqtt.port),
        "CAMPUSGATE_MQTT__USERNAME": user,
        "CAMPUSGATE_MQTT__PASSWORD": password,
    }
    return ShowerAccess(variables, server_key, reload_broker(writer))
