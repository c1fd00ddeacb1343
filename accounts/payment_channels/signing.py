"""Signed messages between campus and channel: Ed25519 over timestamp, nonce and body.

A signature alone is not enough: a message taken from the wire is as well signed the second time. So `verify` refuses
what is old or from the future, and hands back the nonce, which the receiver remembers until the message would be too
old anyway (`nonces.use`).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_AGE = timedelta(minutes=5)
TIMESTAMP, NONCE, SIGNATURE = "x-timestamp", "x-nonce", "x-signature"


class SignatureError(Exception):
    """The message is not signed by who it should be, or is too old; it must not be acted on."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The nonce of a good message, to be remembered until `until`."""

    nonce: str
    until: datetime


def sign(key: Ed25519PrivateKey, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers that make `body` a signed message."""
    timestamp, nonce = str(int(now.timestamp())), secrets.token_urlsafe(18)
    return {TIMESTAMP: timestamp, NONCE: nonce, SIGNATURE: key.sign(_signed(timestamp, nonce, body)).hex()}


def verify(key: Ed25519PublicKey, headers: Mapping[str, str], body: bytes, now: datetime) -> Seen:
    """Check a message's signature and age.

    Raises:
        SignatureError: a header is missing, the signature is wrong, or the message is older than `MAX_AGE`.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    timestamp, nonce, signature = (lower.get(name, "") for name in (TIMESTAMP, NONCE, SIGNATURE))
    try:
        key.verify(bytes.fromhex(signature), _signed(timestamp, nonce, body))
        at = datetime.fromtimestamp(int(timestamp), UTC)
    except (InvalidSignature, ValueError, OverflowError, OSError) as error:
        raise SignatureError("the signature is missing or wrong") from error
    if abs(now - at) > MAX_AGE:
        raise SignatureError(f"the message is from {at}, more than {MAX_AGE} away from now")
    if not 16 <= len(nonce) <= 64:
        raise SignatureError("the nonce must have 16 to 64 characters")
    return Seen(nonce, at + MAX_AGE)


def _signed(timestamp: str, nonce: str, body: bytes) -> bytes:
    return b"\n".join((timestamp.encode(), nonce.encode(), body, b""))
