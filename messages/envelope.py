"""The envelope of a signed message, and Ed25519 over one purpose and the exact text inside.

On the wire: `{"schema_version": 1, "sender": …, "body": "<JSON text>", "signature": "<base64>"}`. The signature covers
the purpose and the body as it stands, so nothing is ever re-encoded before it is checked, and what was signed for one
purpose passes for no other.
"""

import base64
import binascii
from datetime import datetime
from enum import Enum
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from messages.keys import TrustedKey
from messages.wire import Message, Sender


class Purpose(Enum):
    """What a signature is for: the bytes that stand before the body."""

    COMMAND = b"campusgate command 1\n"
    ACK = b"campusgate ack 1\n"
    CODE = b"campusgate code 1\n"
    """Of a virtual card, shown as a QR code: `messages.signed_codes`."""
    SHOWER_REPORT = b"campusgate shower report 1\n"
    SHOWER_ANSWER = b"campusgate shower answer 1\n"
    SHOWER_HEARTBEAT = b"campusgate shower heartbeat 1\n"
    SHOWER_HEARTBEAT_ANSWER = b"campusgate shower heartbeat answer 1\n"
    ZONE_HEARTBEAT = b"campusgate zone heartbeat 1\n"


class SignedMessage(Message):
    """The envelope: who says it, the exact text, the signature over it."""

    sender: Sender
    body: str
    signature: Annotated[str, Field(max_length=128)]


def seal(key: Ed25519PrivateKey, sender: str, purpose: Purpose, message: Message) -> bytes:
    """Return the bytes of `message`, signed for `purpose` with the key of `sender`."""
    body = message.model_dump_json()
    signature = base64.b64encode(key.sign(purpose.value + body.encode())).decode()
    return SignedMessage(sender=sender, body=body, signature=signature).encode()


def has_signature(trusted: TrustedKey, purpose: Purpose, envelope: SignedMessage, now: datetime) -> bool:
    """Tell whether one of the keys that count at `now` signed the envelope's body for `purpose`."""
    try:
        signature = base64.b64decode(envelope.signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    signed = purpose.value + envelope.body.encode(errors="surrogatepass")
    return any(_holds(key, signature, signed) for key in trusted.valid_at(now))


def _holds(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
