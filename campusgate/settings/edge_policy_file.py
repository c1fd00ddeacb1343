"""A gate's policy file: TOML in, `EdgePolicy` out."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from campusgate.settings.names import require_known_keys
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

    def validate(values: dict[str, Any]) -> EdgePolicy:
        require_known_keys(values, EdgePolicy, str(path), PolicyFileError)
        return TypeAdapter(EdgePolicy).validate_python(values)

    return read_toml(path, validate, PolicyFileError)
