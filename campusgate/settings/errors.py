"""What is wrong with a setting."""


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which and how to mend it."""
