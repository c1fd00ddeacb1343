"""What spreadsheets do to long numbers: they keep fifteen digits, write them as 9.90105E+17, and cut zeros in front.

A damaged number looks like a number. An identity document's is told by its check character (ISO 7064 MOD 11-2, as
GB 11643 has it); the area and the date in it are not checked, for counties come and go.
"""

import re
from collections.abc import Iterable

AS_TEXT = "format the column as text in the spreadsheet and fill it in again"

_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]*)?E[+-]?[0-9]+", re.IGNORECASE)
_DECIMAL = re.compile(r"[0-9]+\.0+")
_RESIDENT = re.compile(r"[0-9]{17}[0-9X]", re.IGNORECASE)
_ROUNDED_END = "000"
_MOST_ZEROS = 4
MARKED_AS_TEXT = "'"
"""Before a number in a cell it tells a spreadsheet to keep every digit, and us that somebody looked."""


def is_calculated(number: str) -> bool:
    """Return whether a number was written as a spreadsheet writes a value: 2.026E+11, 20260001.0."""
    return bool(_SCIENTIFIC.fullmatch(number) or _DECIMAL.fullmatch(number))


def has_wrong_check(national_id: str) -> bool:
    """Return whether this is a resident's number of eighteen characters with a wrong last one."""
    if not _RESIDENT.fullmatch(national_id):
        return False
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(national_id[:17]))
    return "10X98765432"[total % 11] != national_id[17].upper()


def may_be_rounded(national_id: str) -> bool:
    """Return whether a resident's number ends as a rounded one does.

    Of eleven rounded ones one has the right check character by chance, and of 1,300 real ones one ends like this.
    """
    return bool(_RESIDENT.fullmatch(national_id)) and national_id.endswith(_ROUNDED_END)


def with_zeros(numbers: Iterable[str]) -> dict[str, list[str]]:
    """Return for each number of digits the ones that it may have been before zeros in front were cut."""
    return {
        number: ["0" * zeros + number for zeros in range(1, _MOST_ZEROS + 1)]
        for number in numbers
        if number.isascii() and number.isdecimal()
    }
