"""Keys that are written as base64, and how to make each secret that a process may lack."""

import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from campusgate.settings.errors import SettingsError
from campusgate.settings.strength import weakness_of_key

KEY_BYTES: Final = 32

_MAKE_KEY = "; make one with: python -c 'import base64,os; print(base64.b64encode(os.urandom(32)).decode())'"

HOW_TO_MAKE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "template_key": _MAKE_KEY,
        "token_secret": _MAKE_KEY,
        "password_key": _MAKE_KEY,
        "previous_password_key": "; it is what CAMPUSGATE_PASSWORD_KEY was before",
        "previous_token_secret": "; it is what CAMPUSGATE_TOKEN_SECRET was before",
        "credential_key": _MAKE_KEY + "; server and gates of a site share it",
        "device_token": "; issue one with: campusgate devices add",
        "camera": "; name it there or as the argument CAMERA",
        "gate": "; it is the name of the gate this process serves",
        "signing_key_file": "; make one with: campusgate keys make FILE",
        "trusted_keys_file": "; it lists the public keys this controller obeys, one JSON object: {sender: base64 key}",
    }
)
"""By the name of the setting: how the message about its absence ends."""


def decode_key(text: str, name: str, hint: str = "") -> bytes:
    """Return the 32 bytes of a base64 key; `name` and `hint` begin and end the message about another one.

    Raises:
        SettingsError: it is no base64, has another length, or is easy to guess.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"{name} is not base64{hint}") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{name} holds {len(key)} bytes, {KEY_BYTES} are needed{hint}")
    if (why := weakness_of_key(key)) is not None:
        raise SettingsError(f"{name} {why}: it was not drawn by lot{hint}")
    return key
