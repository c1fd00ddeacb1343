"""New secrets for a server that was set up: what this machine alone holds, in one step and without a gap.

The credential key, under which cards are digested, and the keys of devices are others' too: they are not renewed here.
"""

import json
import re
import secrets
from typing import Final

from dotenv import dotenv_values

from campusgate.setup import mosquitto
from campusgate.setup.environment import make_key, make_password, with_values
from campusgate.setup.files import READ_BY_ACCOUNT, READ_BY_MOSQUITTO, ROOT, SetupError, Writer
from campusgate.setup.places import Places
from campusgate.setup.server import ENVIRONMENT, STAFF_ENVIRONMENT

_NUMBER: Final = "CAMPUSGATE_TEMPLATE_KEY_NUMBER"
_PREVIOUS: Final = ("CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS", "CAMPUSGATE_PREVIOUS_PASSWORD_KEY")
_LARGEST_NUMBER: Final = 255


def renew_secrets(places: Places) -> Writer:
    """Write new secrets of server and workstation, beside which the keys before still open what lies under them.

    Raises:
        SetupError: this machine is no server that was set up, or keys from before are not finished with yet.
    """
    writer, kept = Writer(places, []), _read(places)
    if left := [name for name in _PREVIOUS if kept.get(name)]:
        raise SetupError(f"{left[0]} still names a key from before: finish with it first (--finish)")
    if not kept.get("CAMPUSGATE_PASSWORD_KEY"):
        raise SetupError(
            "CAMPUSGATE_PASSWORD_KEY is not set, so passwords lie under a key that follows from the token secret: see "
            "CAMPUSGATE_PREVIOUS_TOKEN_SECRET in docs/deployment.md"
        )
    number = int(kept.get(_NUMBER) or 1)
    passwords = {user: make_password() for user in ("server", "server-orders", "staff")}
    new = {
        "CAMPUSGATE_TOKEN_SECRET": make_key(),
        "CAMPUSGATE_PASSWORD_KEY": make_key(),
        "CAMPUSGATE_PREVIOUS_PASSWORD_KEY": kept["CAMPUSGATE_PASSWORD_KEY"],
        "CAMPUSGATE_TEMPLATE_KEY": make_key(),
        # Numbers go round: of the one that comes again nothing is left by then.
        _NUMBER: str(number % _LARGEST_NUMBER + 1),
        "CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS": json.dumps({str(number): kept["CAMPUSGATE_TEMPLATE_KEY"]}),
        "CAMPUSGATE_METRICS_TOKEN": secrets.token_hex(24),
        "CAMPUSGATE_MQTT__PASSWORD": passwords["server"],
        "CAMPUSGATE_MQTT__ORDERS_PASSWORD": passwords["server-orders"],
    }
    users = _text(places, mosquitto.PASSWORDS)
    staff = with_values(_text(places, STAFF_ENVIRONMENT), {"CAMPUSGATE_MQTT__PASSWORD": passwords["staff"]})
    # First, for without it nothing that the others let in opens anything.
    writer.write(ENVIRONMENT, with_values(_text(places, ENVIRONMENT), new), READ_BY_ACCOUNT, 0o640)
    writer.write(mosquitto.PASSWORDS, mosquitto.with_users(users, passwords), READ_BY_MOSQUITTO, 0o640)
    writer.write(STAFF_ENVIRONMENT, staff, ROOT, 0o600)
    return writer


def forget_previous(places: Places) -> Writer:
    """Take the keys from before out of the settings.

    Raises:
        SetupError: there are none, or this machine is no server that was set up.
    """
    writer, kept = Writer(places, []), _read(places)
    if not any(kept.get(name) for name in _PREVIOUS):
        raise SetupError("no key from before is left in the settings")
    text = _text(places, ENVIRONMENT)
    for name in _PREVIOUS:
        text = re.sub(rf"^{name}=.*\n", "", text, flags=re.MULTILINE)
    writer.write(ENVIRONMENT, text, READ_BY_ACCOUNT, 0o640)
    return writer


def _read(places: Places) -> dict[str, str]:
    _text(places, ENVIRONMENT)
    found = dotenv_values(places.at(ENVIRONMENT), interpolate=False)
    return {name: value for name, value in found.items() if value}


def _text(places: Places, path: str) -> str:
    file = places.at(path)
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"{file} cannot be read: {error.strerror}; secrets are renewed where `campusgate setup server` was run"
        ) from error
