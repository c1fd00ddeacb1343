"""The recovery code of a campus: what opens the sealed copies of its settings and keys, kept on paper and nowhere else.

From the code's 128 random bits follow two key pairs. The machine keeps only what it needs to write copies: the public
half of one, to which each copy is sealed (HPKE, RFC 9180: X25519, HKDF-SHA256, AES-256-GCM), and the private half of
the other, which signs it (Ed25519). So a copy may lie beside the database's backups: whoever reads it cannot open it,
and nobody can put another in its place.
"""

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from access import typed_code

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_MAGIC: Final = b"campusgate copy of settings and keys 1\n"
_ROOT_BYTES: Final = 16
_CHECKED: Final = _MAGIC + b"check"
_SIGNATURE_BYTES: Final = 64
_KEY_BYTES: Final = 32


class RecoveryError(ValueError):
    """A code, or a copy, that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    """What a person keeps on paper."""

    root: bytes = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """Return a new one."""
        return cls(secrets.token_bytes(_ROOT_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote, also with other spaces, hyphens and small letters.

        Raises:
            RecoveryError: it is no code.
        """
        try:
            return cls(
                typed_code.read(text, _CHECKED, size=_ROOT_BYTES, name="the recovery code", again="type it again")
            )
        except typed_code.TypedCodeError as error:
            raise RecoveryError(str(error)) from error

    def __str__(self) -> str:
        return typed_code.write(self.root, _CHECKED)

    def writing_keys(self) -> "WritingKeys":
        """Return what a machine needs to write copies that only this code opens."""
        return WritingKeys(self._opening_key().public_key(), self._signing_key())

    def open(self, copy: bytes) -> bytes:
        """Return what was sealed into a copy.

        Raises:
            RecoveryError: it is no copy, was made under another code, or was changed.
        """
        if not copy.startswith(_MAGIC):
            raise RecoveryError("this is no file of `campusgate setup export`")
        signature, sealed = copy[len(_MAGIC) :][:_SIGNATURE_BYTES], copy[len(_MAGIC) + _SIGNATURE_BYTES :]
        try:
            self._signing_key().public_key().verify(signature, _MAGIC + sealed)
            return _SUITE.decrypt(sealed, self._opening_key(), info=_MAGIC)
        except (InvalidSignature, InvalidTag, ValueError) as error:
            raise RecoveryError("this recovery code does not open the file: it is another's, or was changed") from error

    def _opening_key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self._derive(b"open"))

    def _signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._derive(b"sign"))

    def _derive(self, purpose: bytes) -> bytes:
        return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=_MAGIC + purpose).derive(self.root)


@dataclass(frozen=True, slots=True)
class WritingKeys:
    """Seals and signs copies; opens none."""

    seal_to: X25519PublicKey
    sign_with: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            RecoveryError: it is something else.
        """
        try:
            said = json.loads(text)
            return cls(
                X25519PublicKey.from_public_bytes(base64.b64decode(said["seal_to"])),
                Ed25519PrivateKey.from_private_bytes(base64.b64decode(said["sign_with"])),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise RecoveryError("it was not written by `campusgate setup recovery-code`") from error

    def to_json(self) -> str:
        """Return the keys as the machine keeps them."""
        halves = {"seal_to": self.seal_to.public_bytes_raw(), "sign_with": self.sign_with.private_bytes_raw()}
        return json.dumps({name: base64.b64encode(key).decode() for name, key in halves.items()}) + "\n"

    def seal(self, content: bytes) -> bytes:
        """Return a copy that the code opens, and nothing on this machine."""
        sealed = _SUITE.encrypt(content, self.seal_to, info=_MAGIC)
        return _MAGIC + self.sign_with.sign(_MAGIC + sealed) + sealed
