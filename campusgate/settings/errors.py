"""What is wrong with a setting."""

from errors import OperatorError


class SettingsError(OperatorError):
    """A setting is missing or wrong; the message says which and how to mend it."""
