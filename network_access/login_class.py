"""The attribute Class: whose login it was, and when, which a device sends back with everything it counts.

So time is counted for whoever typed the password, whatever name the device gives later, and never for longer than since
then. It is authenticated: what a device makes up itself is nobody's.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_MARK: Final = b"cg1"
_NONCE_BYTES: Final = 8
_TAG_BYTES: Final = 16
_LENGTH: Final = len(_MARK) + 16 + 5 + _NONCE_BYTES + _TAG_BYTES


@dataclass(frozen=True, slots=True)
class Login:
    """Who logged in, and when; `nonce` tells two logins apart."""

    person_id: UUID
    at: datetime
    nonce: bytes


def write(person_id: UUID, at: datetime, key: bytes) -> bytes:
    """Return the Class of a new login."""
    body = _MARK + person_id.bytes + int(at.timestamp()).to_bytes(5, "big") + secrets.token_bytes(_NONCE_BYTES)
    return body + _tag(body, key)


def read(octets: bytes, key: bytes) -> Login | None:
    """Return whose login a Class is of, or None where we did not make it."""
    body, tag = octets[:-_TAG_BYTES], octets[-_TAG_BYTES:]
    if len(octets) != _LENGTH or not body.startswith(_MARK) or not hmac.compare_digest(tag, _tag(body, key)):
        return None
    person, rest = body[len(_MARK) :][:16], body[len(_MARK) + 16 :]
    at = datetime.fromtimestamp(int.from_bytes(rest[:5], "big"), UTC)
    return Login(UUID(bytes=person), at, rest[5:])


def _tag(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_TAG_BYTES]
