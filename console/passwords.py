"""What was wrong with a password that was typed, in the words of the password that was asked for."""

from accounts.passwords import (
    PasswordChangeRequiredError,
    PasswordLockedError,
    PasswordNotSetError,
    PasswordWrongError,
    WeakPasswordError,
)
from accounts.vocabulary import PasswordPurpose
from web.problems import ProblemError

_OF_A_PASSWORD = (
    PasswordChangeRequiredError,
    PasswordLockedError,
    PasswordNotSetError,
    PasswordWrongError,
    WeakPasswordError,
)


def explain_password_problem(error: ProblemError, purpose: PasswordPurpose) -> str:
    """Return the key of the words for a problem of a form that asks for the password of `purpose`."""
    if purpose is PasswordPurpose.PORTAL or not isinstance(error, _OF_A_PASSWORD):
        return f"problem.{error.code}"
    return f"{purpose.value}_password.{error.code}"
