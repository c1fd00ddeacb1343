"""Reads a door's TOML file."""

from pathlib import Path

from campusgate.settings.toml_file import read_toml
from gate_controller.door_file import DoorFile, DoorFileError


def read_door_file(path: Path) -> DoorFile:
    """Read a door's TOML file.

    Raises:
        DoorFileError: unreadable, no TOML, or a field is wrong.
    """
    return read_toml(path, DoorFile, DoorFile.model_validate, DoorFileError)
