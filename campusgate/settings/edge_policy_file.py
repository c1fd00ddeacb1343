"""A gate's policy file: TOML in, `EdgePolicy` out."""

from pathlib import Path

from pydantic import TypeAdapter

from campusgate.settings.toml_file import read_toml
from edge.policy import EdgePolicy
from errors import OperatorError


class PolicyFileError(OperatorError):
    """The policy file cannot be used; the message says which line or field."""


def read_policy(path: Path) -> EdgePolicy:
    """Read a gate's policy from TOML; what it does not name keeps its default.

    Raises:
        PolicyFileError: unreadable, no TOML, or a field is wrong.
    """
    return read_toml(path, EdgePolicy, TypeAdapter(EdgePolicy).validate_python, PolicyFileError)
