"""What a password must be, and one made for the counter to hand out."""

import itertools
import re
import secrets

from accounts.vocabulary import PasswordPurpose
from web.problems import ProblemError

_LEGIBLE = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class WeakPasswordError(ProblemError):
    """The new password is too easy to guess, or is the old one."""

    code = "weak_password"
    status = 422
    title = "Choose another password"


def make_temporary(purpose: PasswordPurpose) -> str:
    """Return a random password for the counter to hand out: twelve letters and digits, or six digits for a keypad."""
    if purpose is PasswordPurpose.PORTAL:
        return "".join(secrets.choice(_LEGIBLE) for _ in range(12))
    return f"{secrets.randbelow(10**6):06}"


def require_strong(purpose: PasswordPurpose, new: str, *, current: str, number: str) -> None:
    """Check a new password: six digits for keypads, a sentence of eight characters or more for the portal.

    Raises:
        WeakPasswordError: with the reason.
    """
    if new == current:
        raise WeakPasswordError("the new password is the old one")
    if purpose is PasswordPurpose.PORTAL:
        if not 8 <= len(new) <= 128:
            raise WeakPasswordError("the portal's password has 8 to 128 characters")
        if len(set(new)) < 4 or number.casefold() in new.casefold():
            raise WeakPasswordError("the password repeats one character, or holds the account's number")
        return
    if not re.fullmatch(r"[0-9]{6}", new):
        raise WeakPasswordError("this password is six digits, for keypads")
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(new)}
    if (len(steps) == 1 and steps <= {0, 1, 9}) or new in number:
        raise WeakPasswordError("the digits are a row, all the same, or part of the account's number")
