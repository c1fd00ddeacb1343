"""Cards, codes and PINs as a gate knows them: keyed digests, never the values themselves.

A card's number has 24 to 80 bits and a PIN a few digits: a plain hash of either can be guessed. HMAC-SHA256 under the
site's credential key cannot, and the same value gives the same digest at the reader and on the server.
"""

import re
from uuid import UUID

from database.digests import keyed_digest

_SEPARATORS = re.compile(r"[\s:\-]")
_HEXADECIMAL = re.compile(r"(?:[0-9A-F]{2}){3,10}")


class CredentialError(ValueError):
    """What was given is no card UID, code or PIN; the message says what one looks like."""


def key_check(key: bytes) -> str:
    """Return what tells two credential keys apart (16 hex digits), and from which nothing of the key follows."""
    return keyed_digest(key, b"check:", b"")[:16]


def card_digest(key: bytes, uid: str) -> str:
    """Return the digest (64 hex digits) of a card's UID or number, 3 to 10 bytes in hexadecimal, separators allowed.

    Raises:
        CredentialError: it is no UID.
    """
    plain = _SEPARATORS.sub("", uid).upper()
    if not _HEXADECIMAL.fullmatch(plain):
        raise CredentialError("a card UID is 3 to 10 bytes in hexadecimal, such as 04:A3:1B:72")
    return keyed_digest(key, b"card:", plain.encode())


def code_digest(key: bytes, code: str) -> str:
    """Return the digest of a visitor's code (6 to 32 letters and digits, capitals alike).

    Raises:
        CredentialError: it is no code.
    """
    plain = _SEPARATORS.sub("", code).upper()
    if not (6 <= len(plain) <= 32 and plain.isascii() and plain.isalnum()):
        raise CredentialError("a code is 6 to 32 letters and digits")
    return keyed_digest(key, b"code:", plain.encode())


def virtual_card_digest(key: bytes, handle: str) -> str:
    """Return the digest of a virtual card, from the digits that name it in its codes.

    The digits are no secret and open nothing by themselves: what was typed as a code gives another digest.
    """
    return keyed_digest(key, b"virtual card:", handle.encode())


def pin_digest(key: bytes, person_id: UUID, pin: str) -> str:
    """Return the digest of a person's PIN (4 to 8 digits); bound to the person, as equal PINs are common.

    Raises:
        CredentialError: it is no PIN.
    """
    if not re.fullmatch(r"[0-9]{4,8}", pin):
        raise CredentialError("a PIN is 4 to 8 digits")
    return keyed_digest(key, b"pin:", person_id.bytes + pin.encode())
