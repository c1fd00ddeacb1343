"""Reads a door's TOML file."""

from pathlib import Path
from typing import Any

from campusgate.settings.names import require_known_keys
from campusgate.settings.toml_file import read_toml
from gate_controller.door_file import DoorFile, DoorFileError


def read_door_file(path: Path) -> DoorFile:
    """Read a door's TOML file.

    Raises:
        DoorFileError: unreadable, no TOML, or a field is wrong.
    """

    def validate(values: dict[str, Any]) -> DoorFile:
        require_known_keys(values, DoorFile, str(path), DoorFileError)
        return DoorFile.model_validate(values)

    return read_toml(path, validate, DoorFileError)
