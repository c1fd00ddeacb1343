"""Sealing of biometric data at rest: AES-256-GCM (NIST SP 800-38D) with numbered keys, bound to what it belongs to."""

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = 1
_NONCE_BYTES = 12


class SealingError(Exception):
    """Sealed bytes cannot be opened: another key, another owner, or they were changed."""


class Sealer:
    """Seals and opens bytes under a current key; older keys still open, so that keys can be rotated.

    A sealed value is: format (1 byte), key number (1 byte), nonce (12 bytes), ciphertext and tag. Format, key number
    and the caller's `context` (for example `b"template:" + id.bytes`) are authenticated, so a value moved to another
    row does not open.
    """

    def __init__(self, key: bytes, *, key_number: int = 1, older: Mapping[int, bytes] | None = None) -> None:
        """Take the current 32-byte key and its number (1–255), and older keys by number.

        Raises:
            ValueError: a key has another length, or a number is out of range.
        """
        keys = {**(older or {}), key_number: key}
        for number, material in keys.items():
            if not 1 <= number <= 255:
                raise ValueError(f"key number {number} is not within 1–255")
            if len(material) != 32:
                raise ValueError(f"key {number} holds {len(material)} bytes, 32 are needed")
        self._current = key_number
        self._ciphers = {number: AESGCM(material) for number, material in keys.items()}

    @property
    def current_key(self) -> int:
        """The number of the key that `seal` uses."""
        return self._current

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt `plain` under the current key, bound to `context`."""
        header = bytes((_FORMAT, self._current))
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + self._ciphers[self._current].encrypt(nonce, plain, header + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what `seal` made for the same `context`.

        Raises:
            SealingError: unknown format or key, wrong key, wrong context, or changed bytes.
        """
        header, nonce, body = sealed[:2], sealed[2 : 2 + _NONCE_BYTES], sealed[2 + _NONCE_BYTES :]
        if len(header) != 2 or header[0] != _FORMAT:
            raise SealingError("is not sealed in a known format")
        cipher = self._ciphers.get(header[1])
        if cipher is None:
            raise SealingError(f"lies under key {header[1]}, which is not configured")
        try:
            return cipher.decrypt(nonce, body, header + context)
        except (InvalidTag, ValueError) as error:
            raise SealingError("cannot be opened: the key is wrong, or the value was changed or moved") from error

    @staticmethod
    def key_number(sealed: bytes) -> int:
        """Return the number of the key that `sealed` was made under (0 when it is too short to tell)."""
        return sealed[1] if len(sealed) > 1 else 0
