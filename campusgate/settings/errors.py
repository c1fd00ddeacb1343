"""What is wrong with a setting."""

from pydantic import ValidationError

from errors import OperatorError


class SettingsError(OperatorError):
    """A setting is missing or wrong; the message says which and how to mend it."""


def describe(error: ValidationError) -> str:
    """Return the first fault of settings as one line, which never shows a value."""
    first = error.errors()[0]
    where = "__".join(str(part) for part in first["loc"]).upper()
    return f"setting CAMPUSGATE_{where}: {first['msg']}"
