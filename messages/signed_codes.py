"""The signed code of a virtual card, as its page shows it: shops read its beginning, gates all of it. Pure functions.

    90 hhhhhhh mmmmmmmmm tttttttttt sss…s        183 digits, a QR code of 37 × 37 modules
    │  │       │         │          └ Ed25519 signature over the purpose, the site and all digits before it
    │  │       │         └ the Unix second for which the code was made
    └──┴───────┴ the payment code of 18 digits: prefix, handle of the card, nine digits that only the server checks

The server signs with the key under which gates obey its staff, so a gate verifies with a public key that it has
already, and nothing that a gate holds makes codes. All of it are digits: scanners that type as keyboards do get them
right with every layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messages.envelope import Purpose
from messages.keys import TrustedKey

STAFF_SENDER = "staff"
"""The name under which gates trust the key of the server's staff; it makes the codes too."""
PREFIX = "90"
PAYMENT_DIGITS = 18
GOOD_FOR = timedelta(seconds=45)
"""A page shows a code for 30 s; 15 s more for a gate whose clock, or a phone whose page, is that much ahead."""
CLOCKS_APART = timedelta(seconds=15)
"""How far a gate's clock may be behind: a computer without a battery clock that is offline for a week loses about so
much."""

_HANDLE_DIGITS = 7
_SECOND_DIGITS = 10
_SIGNATURE_BYTES = 64
_SIGNATURE_DIGITS = 155
"""10¹⁵⁵ is above 2⁵¹²."""
LENGTH = PAYMENT_DIGITS + _SECOND_DIGITS + _SIGNATURE_DIGITS


class BadCodeError(Exception):
    """The code was not signed by this campus's server for this site. The message names no part of it."""


@dataclass(frozen=True, slots=True)
class SignedCode:
    """What a code says whose signature holds."""

    handle: str = field(repr=False)
    """Seven digits that name the virtual card; under the credential key they are its digest in the directory."""
    second: int
    """Unix seconds; a later code of a card has a later one."""


class CodeSigner:
    """Makes signed codes of payment codes."""

    def __init__(self, key: Ed25519PrivateKey, site: str) -> None:
        """`key`: the one that the site's gates trust as `STAFF_SENDER`."""
        self._key = key
        self._site = site

    def sign(self, payment_code: str, second: int) -> str:
        """Return the signed code for a payment code of 18 digits that was made for the Unix time `second`."""
        digits = f"{payment_code}{second:0{_SECOND_DIGITS}}"
        signature = int.from_bytes(self._key.sign(_signed(self._site, digits)), "big")
        return f"{digits}{signature:0{_SIGNATURE_DIGITS}}"


def is_current(second: int, now: datetime) -> bool:
    """Tell whether the code of the Unix time `second` is that of this moment (aware)."""
    return -CLOCKS_APART.total_seconds() <= now.timestamp() - second <= GOOD_FOR.total_seconds()


def looks_like_one(text: str) -> bool:
    """Tell whether `text` has the form of a signed code."""
    return len(text) == LENGTH and _is_ours(text)


def looks_like_payment_code(text: str) -> bool:
    """Tell whether `text` has the form of a code that a phone made by itself: it pays, and no gate can verify it."""
    return len(text) == PAYMENT_DIGITS and _is_ours(text)


def payment_code_of(text: str) -> str:
    """Return the payment code in what was scanned where only that one counts."""
    return text[:PAYMENT_DIGITS] if looks_like_one(text) else text


def verify(text: str, trusted: Mapping[str, TrustedKey], *, site: str, now: datetime) -> SignedCode:
    """Return what a signed code says; whether it is current and unused is for the caller to ask.

    Keys count as they do at `now` (aware).

    Raises:
        BadCodeError: another form, no trusted key, or a wrong signature.
    """
    key = trusted.get(STAFF_SENDER)
    if key is None or not looks_like_one(text):
        raise BadCodeError("no signed code, or no key to verify it with")
    number = int(text[-_SIGNATURE_DIGITS:])
    if number >= 1 << (8 * _SIGNATURE_BYTES):
        raise BadCodeError("the digits are no signature")
    digits, signature = text[:-_SIGNATURE_DIGITS], number.to_bytes(_SIGNATURE_BYTES, "big")
    for public in key.valid_at(now):
        try:
            public.verify(signature, _signed(site, digits))
        except InvalidSignature:
            continue
        handle = digits[len(PREFIX) : len(PREFIX) + _HANDLE_DIGITS]
        return SignedCode(handle, int(digits[PAYMENT_DIGITS:]))
    raise BadCodeError("the signature does not hold")


def _is_ours(text: str) -> bool:
    return text.isascii() and text.isdigit() and text.startswith(PREFIX)


def _signed(site: str, digits: str) -> bytes:
    return Purpose.CODE.value + f"{site}\n{digits}".encode()
