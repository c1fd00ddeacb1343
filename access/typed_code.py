"""Bytes as a code that people copy or type: Base32 in groups of four, with a check for slips of the pen."""

import base64
import hashlib
from typing import Final

CHECK_BYTES: Final = 2
_GROUP: Final = 4
_LIKE_LETTERS: Final = str.maketrans("018", "OIB")
"""Base32 has no such digits: whoever reads one has misread the letter."""


class TypedCodeError(ValueError):
    """The text is no code; the message says what it is instead."""


def write(body: bytes, purpose: bytes) -> str:
    """Return the code for `body`; codes of another `purpose` have another check."""
    letters = base64.b32encode(body + _check(body, purpose)).decode().rstrip("=")
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def read(text: str, purpose: bytes, *, size: int, name: str, again: str) -> bytes:
    """Return the `size` bytes that `write` wrote, also with other spaces, hyphens and small letters.

    Raises:
        TypedCodeError: it is no such code; the message calls it `name`, and says to do it `again`.
    """
    letters = "".join(text.split()).replace("-", "").upper().translate(_LIKE_LETTERS)
    try:
        content = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError as error:  # also where a letter is not of ASCII
        raise TypedCodeError(f"{name} holds characters that no code has; {again}, whole") from error
    if len(content) != size + CHECK_BYTES:
        whole = -(-8 * (size + CHECK_BYTES) // 5)
        raise TypedCodeError(f"{name} has {len(letters)} characters, a whole one has {whole}; {again}")
    body, check = content[:size], content[size:]
    if check != _check(body, purpose):
        raise TypedCodeError(f"a character of {name} is wrong; {again}")
    return body


def _check(body: bytes, purpose: bytes) -> bytes:
    return hashlib.sha256(purpose + body).digest()[:CHECK_BYTES]
