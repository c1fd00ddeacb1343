"""A file of variables in the form that systemd reads."""

import os
from pathlib import Path

from dotenv import dotenv_values

from campusgate.settings.errors import SettingsError


def read_env_file(file: Path) -> None:
    """Take variables from a file; those of the environment go first.

    Raises:
        SettingsError: it is no file, cannot be read, or a line in it is no assignment.
    """
    if not file.is_file():
        raise SettingsError(f"--env-file names {file}, which is not a file")
    try:
        found = dotenv_values(file, interpolate=False)
    except OSError as error:
        raise SettingsError(f"--env-file {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"--env-file {file} is no UTF-8 text") from error
    for name, value in found.items():
        if value is None:
            raise SettingsError(f"--env-file {file}: a line says {name!r} without '='")
        os.environ.setdefault(name, value)
