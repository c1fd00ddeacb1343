"""Digests under a key: what is short enough to be guessed (a card's number, a PIN) is kept and compared as one."""

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CREDENTIAL_KEY = "campusgate_credential_key"
"""Name in `Session.info` of the site's key, as `Database` was given it."""


class CredentialKeyMissingError(Exception):
    """The database was opened without the site's credential key, and a card's number was to be stored or found."""

    def __init__(self) -> None:
        """Say what to set."""
        super().__init__(
            "CAMPUSGATE_CREDENTIAL_KEY is not set: card numbers are kept as digests under it, the same as at the gates"
        )


def keyed_digest(key: bytes, kind: bytes, value: bytes) -> str:
    """Return HMAC-SHA256 of `kind` and `value` under `key` as 64 hexadecimal digits."""
    return hmac.new(key, kind + value, hashlib.sha256).hexdigest()


def credential_key(session: "Session") -> bytes:
    """Return the key that the session's database was opened with.

    Raises:
        CredentialKeyMissingError: it was opened without one.
    """
    key: bytes | None = session.info.get(CREDENTIAL_KEY)
    if key is None:
        raise CredentialKeyMissingError
    return key
