"""A gate's policy file: TOML in, `EdgePolicy` out."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from campusgate.toml_file import read_toml
from edge.policy import EdgePolicy


class PolicyFileError(Exception):
    """The policy file cannot be used; the message says which line or field."""


def read_policy(path: Path) -> EdgePolicy:
    """Read a gate's policy from TOML; what it does not name keeps its default.

    Raises:
        PolicyFileError: unreadable, no TOML, or a field is wrong.
    """

    def validate(values: dict[str, Any]) -> EdgePolicy:
        for name in _unknown(EdgePolicy, values):
            raise PolicyFileError(f"{path}: {name}: there is no such setting")
        return TypeAdapter(EdgePolicy).validate_python(values)

    return read_toml(path, validate, PolicyFileError)


def _unknown(kind: type, values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the names in `values` that the dataclass `kind` does not have: a misspelt limit must not be ignored."""
    known = get_type_hints(kind)
    for name, value in values.items():
        if name not in known:
            yield prefix + name
        elif is_dataclass(known[name]) and isinstance(value, dict):
            yield from _unknown(known[name], value, f"{prefix}{name}.")
