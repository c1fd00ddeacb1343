"""What a register shows, as people read and write it: `12345.67`, never a float."""

import re

from metering.readings.values import Register
from web.problems import ProblemError

_SHOWN = re.compile(r"([0-9]{1,15})(?:[.．]([0-9]{1,3}))?", re.ASCII)


class ShownValueError(ProblemError):
    """No register of this kind shows such a value; `digits` and `decimals` say what one shows."""

    code = "shown_value"
    status = 422
    title = "This meter's register cannot show such a value: write it as it stands there"


def parse_shown(text: str, register: Register) -> int:
    """Return what somebody read as the register's integer; decimals that were left out are zero.

    Raises:
        ShownValueError: it has more digits or decimals than the register.
    """
    found = _SHOWN.fullmatch(text.strip())
    whole, decimals = (found.group(1), found.group(2) or "") if found else ("", "")
    if found is None or len(decimals) > register.decimals:
        raise ShownValueError(digits=register.digits, decimals=register.decimals)
    digits = int(whole + decimals.ljust(register.decimals, "0"))
    if digits >= register.size:
        raise ShownValueError(digits=register.digits, decimals=register.decimals)
    return digits


def show_digits(digits: int, decimals: int) -> str:
    """Return a register's integer as it stands on the meter, without leading zeros."""
    if not decimals:
        return str(digits)
    text = str(digits).rjust(decimals + 1, "0")
    return f"{text[:-decimals]}.{text[-decimals:]}"
