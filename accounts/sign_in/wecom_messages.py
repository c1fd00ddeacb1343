"""Messages that enterprise WeChat sends to an app: signed and encrypted (documents 90968 and 91116).

Signature: SHA-1 of token, timestamp, nonce and ciphertext, sorted and joined. AES-256-CBC with the key's first half as
initialisation vector; the plain text is 16 random bytes, the message's length in 4 bytes, the message, the receiver's
id, padded as PKCS#7 to 32 bytes. Own lines: no library looks at a message's age.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from xml.etree import ElementTree as ET

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from web.problems import ProblemError

_OLDEST: Final = timedelta(minutes=5)
"""As of other providers' notifications; a repeat is signed afresh."""
_BLOCK: Final = 32
_HEAD: Final = 20
"""Random bytes and the length."""


class MessageRefusedError(ProblemError):
    """It is not what enterprise WeChat sent to this app just now; why is not said to whoever sent it."""

    code = "wecom_message_refused"
    status = 403
    title = "This is no message of enterprise WeChat to this app"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes with a ciphertext in the query."""

    signature: str
    timestamp: str
    nonce: str


@dataclass(frozen=True, slots=True)
class MessageCipher:
    """The app's token and key for receiving messages; `key` is 43 characters of base64, `receiver` the corporation."""

    token: str = field(repr=False)
    key: str = field(repr=False)
    receiver: str

    def open(self, envelope: Envelope, ciphertext: str, now: datetime) -> bytes:
        """Return the message.

        Raises:
            MessageRefusedError: signature, age, padding or receiver are wrong.
        """
        parts = sorted((self.token, envelope.timestamp, envelope.nonce, ciphertext))
        expected = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(expected.encode(), envelope.signature.encode()):
            raise MessageRefusedError
        if not _is_recent(envelope.timestamp, now):
            raise MessageRefusedError
        plain = self._decrypt(ciphertext)
        length = int.from_bytes(plain[16:_HEAD], "big")
        message, receiver = plain[_HEAD : _HEAD + length], plain[_HEAD + length :]
        if len(message) != length or receiver != self.receiver.encode():
            raise MessageRefusedError
        return message

    def _decrypt(self, ciphertext: str) -> bytes:
        try:
            sealed = base64.b64decode(ciphertext, validate=True)
        except (ValueError, binascii.Error) as error:
            raise MessageRefusedError from error
        if not sealed or len(sealed) % 16:
            raise MessageRefusedError
        key = base64.b64decode(f"{self.key}=")
        opened = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = opened.update(sealed) + opened.finalize()
        padding = padded[-1]
        if not 1 <= padding <= _BLOCK or padded[-padding:] != bytes([padding]) * padding:
            raise MessageRefusedError
        return padded[:-padding]


def read_fields(xml: bytes) -> Mapping[str, str]:
    """Return the texts of a message's fields, by their names.

    Raises:
        MessageRefusedError: it is no such message.
    """
    try:
        text = xml.decode()
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ValueError("a document type")
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except (ValueError, ET.ParseError) as error:
        raise MessageRefusedError from error
    return {child.tag: (child.text or "").strip() for child in root}


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        return False
    return abs(int(timestamp) - now.timestamp()) <= _OLDEST.total_seconds()
