"""Reads the TOML file of a shower's controller."""

from pathlib import Path

from campusgate.settings.toml_file import read_toml
from gate_controller.readers.registry import ReaderTable
from metering.shower.shower_file import ShowerFile, ShowerFileError


class InstalledShower(ShowerFile):
    """A shower as its installer built it: what its controller moves and reads, and its card reader."""

    reader: ReaderTable = ReaderTable()


def read_shower_file(path: Path) -> InstalledShower:
    """Read the file.

    Raises:
        ShowerFileError: unreadable, no TOML, or a field is wrong.
    """
    return read_toml(path, InstalledShower, InstalledShower.model_validate, ShowerFileError)
