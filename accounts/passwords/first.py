"""The guide's first passwords, made from the last six characters of the national ID, which is then forgotten."""

import re
from dataclasses import dataclass

from accounts.vocabulary import PasswordPurpose

_TAIL = re.compile(r"[0-9]{5}[0-9X]")


class NationalIdError(ValueError):
    """The text does not end like a national ID; its message never repeats the text."""


@dataclass(frozen=True, slots=True)
class FirstPasswords:
    """The rule of one campus: `prefix` stands before the last six characters in the portal's first password."""

    prefix: str

    def of(self, national_id: str) -> dict[PasswordPurpose, str]:
        """Return the three first passwords. Portal: prefix and last six, X in upper case; the others: X becomes 0.

        Raises:
            NationalIdError: the last six characters are not five digits and a digit or X.
        """
        tail = national_id.strip().upper()[-6:]
        if not _TAIL.fullmatch(tail):
            raise NationalIdError("national_id: must end with five digits and a digit or X")
        digits = tail.replace("X", "0")
        return {
            PasswordPurpose.PORTAL: self.prefix + tail,
            PasswordPurpose.QUERY: digits,
            PasswordPurpose.CONSUMPTION: digits,
        }
