"""The payment code of a virtual card: 18 digits that a phone can make without a network. Pure functions.

    90 hhhhhhh mmmmmmmmm
    │  │       └ nine digits of HMAC-SHA256(secret, handle ‖ second)
    │  └ the card's handle, seven random digits that are not the person's number
    └ the prefix: WeChat's codes begin with 10–15, Alipay's with 25–30

The second in which a code was made is not sent: the server tries those of the last minute. A guess is right with a
chance of 66 in 10⁹.
"""

import hashlib
import hmac

from web.problems import ProblemError

PREFIX = "90"
LENGTH = 18
SIGNED_LENGTH = 183
"""Digits of a signed code (`messages.signed_codes`)."""
LIFETIME_S = 60
FAST_CLOCK_S = 5
"""How far a phone's clock may be ahead."""

_HANDLE_DIGITS = 7
_MAC_DIGITS = 9


class InvalidCodeError(ProblemError):
    """The code is not one of a virtual card in use, or is older than a minute."""

    code = "invalid_code"
    status = 403
    title = "The code is wrong or older than 60 seconds; show a new one"


def make(secret: bytes, handle: str, second: int) -> str:
    """Return the code that the card with `handle` shows at the Unix time `second`."""
    return f"{PREFIX}{handle}{_mac(secret, handle, second)}"


def payment_code_of(text: str) -> str:
    """Return the payment code in what a terminal scanned: a signed code, which gates read too, begins with it."""
    return text[:LENGTH] if len(text) == SIGNED_LENGTH and looks_like_one(text[:LENGTH]) else text


def looks_like_one(text: str) -> bool:
    """Whether `text` has the form of our code; third-party payment codes have other prefixes."""
    return len(text) == LENGTH and text.isascii() and text.isdigit() and text.startswith(PREFIX)


def handle_of(code: str) -> str:
    """Return the handle a code names.

    Raises:
        InvalidCodeError: it has another form.
    """
    if not looks_like_one(code):
        raise InvalidCodeError
    return code[len(PREFIX) : len(PREFIX) + _HANDLE_DIGITS]


def second_of(secret: bytes, code: str, now: int) -> int | None:
    """Return the second in which `code` was made, if it was made by `secret` within the last minute."""
    handle, mac = handle_of(code), code[-_MAC_DIGITS:]
    found = None
    for second in range(now - LIFETIME_S + 1, now + FAST_CLOCK_S + 1):
        if hmac.compare_digest(_mac(secret, handle, second), mac):
            found = second
    return found


def lease_secret(key: bytes, card_id: bytes, lease: int) -> bytes:
    """Return the secret that a phone gets with its `lease`-th lease; the server derives it again when it needs it."""
    return hmac.digest(key, card_id + lease.to_bytes(8, "big"), hashlib.sha256)


def _mac(secret: bytes, handle: str, second: int) -> str:
    mac = hmac.digest(secret, handle.encode() + second.to_bytes(8, "big"), hashlib.sha256)
    return str(int.from_bytes(mac[:16], "big") % 10**_MAC_DIGITS).zfill(_MAC_DIGITS)
