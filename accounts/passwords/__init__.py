"""A person's passwords: portal, query, consumption. What they must be, how they are kept, checked and locked."""

from accounts.passwords.check import (
    Checked,
    Claimant,
    PasswordChangeRequiredError,
    PasswordCheck,
    PasswordLockedError,
    PasswordNotSetError,
    PasswordWrongError,
)
from accounts.passwords.hashing import SEALED, Hasher, PepperError
from accounts.passwords.rules import WeakPasswordError, make_temporary, require_strong
from accounts.passwords.stored import find_all, find_missing, seal_stored, store, withdraw_first

__all__ = [
    "SEALED",
    "Checked",
    "Claimant",
    "Hasher",
    "PasswordChangeRequiredError",
    "PasswordCheck",
    "PasswordLockedError",
    "PasswordNotSetError",
    "PasswordWrongError",
    "PepperError",
    "WeakPasswordError",
    "find_all",
    "find_missing",
    "make_temporary",
    "require_strong",
    "seal_stored",
    "store",
    "withdraw_first",
]
