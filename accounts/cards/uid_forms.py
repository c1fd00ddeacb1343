"""The forms in which readers at a desk type a card's number, and the UID in each. Pure.

One chip, several spellings: bytes in hexadecimal as the chip sends them or the other way round, and both as a decimal
number. `3B9ACA01`, `01CA9A3B`, `1000000001` and `0030054971` may be one card. Nothing in the digits tells the form, so
the desk chooses its reader's; the gates know a card by the first form, as `registry.normalise_uid` spells it.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from accounts.cards.registry import InvalidUidError, normalise_uid


class UidForm(StrEnum):
    """How a reader writes a UID."""

    HEXADECIMAL = "hexadecimal"
    HEXADECIMAL_REVERSED = "hexadecimal_reversed"
    DECIMAL = "decimal"
    DECIMAL_REVERSED = "decimal_reversed"
    FACILITY_AND_NUMBER = "facility_and_number"
    """Of a Wiegand reader of 26 bits: facility 0 to 255, a comma, number 0 to 65535."""


_DECIMAL = re.compile(r"[0-9]{1,20}")
_FACILITY = re.compile(r"([0-9]{1,3})[,. ]([0-9]{1,5})")
_LENGTHS = (4, 7, 8)
"""Bytes of the UIDs that readers write as a decimal number."""


def to_uid(text: str, form: UidForm) -> str:
    """Return the UID, in upper-case hexadecimal, that a reader wrote as `text`.

    Raises:
        InvalidUidError: `text` is no UID in this form.
    """
    typed = text.strip()
    match form:
        case UidForm.HEXADECIMAL:
            return normalise_uid(typed)
        case UidForm.HEXADECIMAL_REVERSED:
            return _reversed(normalise_uid(typed))
        case UidForm.DECIMAL:
            return _from_decimal(typed)
        case UidForm.DECIMAL_REVERSED:
            return _reversed(_from_decimal(typed))
        case UidForm.FACILITY_AND_NUMBER:
            return _from_facility(typed)


def possible_uids(text: str) -> Iterator[tuple[UidForm, str]]:
    """Yield every form that `text` may be written in, with the UID that it then is."""
    for form in UidForm:
        try:
            yield form, to_uid(text, form)
        except InvalidUidError:
            continue


def _reversed(uid: str) -> str:
    return bytes.fromhex(uid)[::-1].hex().upper()


def _from_decimal(text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        raise InvalidUidError
    number = int(text)
    for length in _LENGTHS:
        if number < 1 << (8 * length):
            return number.to_bytes(length, "big").hex().upper()
    raise InvalidUidError


def _from_facility(text: str) -> str:
    found = _FACILITY.fullmatch(text)
    if found is None or int(found[1]) > 0xFF or int(found[2]) > 0xFFFF:
        raise InvalidUidError
    return f"{int(found[1]):02X}{int(found[2]):04X}"
