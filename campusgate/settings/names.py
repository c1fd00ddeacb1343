"""Names that no setting has: a misspelt one must not be ignored, and the message says which one was meant."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from campusgate.settings.errors import SettingsError

PREFIX = "CAMPUSGATE_"
READ_ELSEWHERE = frozenset({"CONFIG", "CAMERA", "DATA", "RENEW_DOCS", "POSTGRES_PASSWORD"})
"""The file of settings; the edge's camera; what the project's own tests read; what the compose file fills in."""
_OF_TESTS = "TEST_"


def did_you_mean(name: str, known: Collection[str], prefix: str = "") -> str:
    """Return `; did you mean X?` when one of `known` is near, else nothing."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {prefix}{near[0]}?" if near else ""


def require_known_variables(environment: Mapping[str, str], model: type[BaseModel]) -> None:
    """Check that every `CAMPUSGATE_…` variable is a setting.

    Raises:
        SettingsError: one is none; the message names the nearest.
    """
    for name in sorted(environment):
        short = name.upper().removeprefix(PREFIX)
        if not name.upper().startswith(PREFIX) or short in READ_ELSEWHERE or short.startswith(_OF_TESTS):
            continue
        if not _leads_somewhere(model, short.lower().split("__")):
            known = [one.upper().replace(".", "__") for one in _all_names(model)]
            raise SettingsError(f"{name} is no setting{did_you_mean(short, known, PREFIX)}")


def require_known_keys(document: Mapping[str, Any], kind: Any, where: str, problem: type[Exception]) -> None:
    """Check that a TOML document has no name that `kind`, a model or dataclass, does not have.

    Raises:
        problem: it has one; the message names the nearest.
    """
    for name in _unknown(document, kind, ""):
        raise problem(f"{where}: there is no setting {name}{did_you_mean(name, list(_all_names(kind)))}")


def _unknown(document: Mapping[str, Any], kind: Any, prefix: str) -> Iterator[str]:
    fields = _fields(kind)
    for name, value in document.items():
        if fields and name not in fields:
            yield prefix + name
        elif fields and isinstance(value, Mapping):
            yield from _unknown(value, fields[name], f"{prefix}{name}.")


def _leads_somewhere(kind: Any, path: list[str]) -> bool:
    if not path:
        return True
    if _is_map(kind):
        return len(path) == 1
    inside = _fields(kind)
    return path[0] in inside and _leads_somewhere(inside[path[0]], path[1:])


def _all_names(kind: Any, prefix: str = "") -> Iterator[str]:
    for name, inside in _fields(kind).items():
        yield prefix + name
        yield from _all_names(inside, f"{prefix}{name}.")


def _fields(kind: Any) -> dict[str, Any]:
    """Return the fields of a model or dataclass, or of the one that an optional field holds; else nothing."""
    for one in get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return {name: field.annotation for name, field in one.model_fields.items()}
        if isinstance(one, type) and is_dataclass(one):
            return get_type_hints(one)
    return {}


def _is_map(kind: Any) -> bool:
    return get_origin(kind) is dict
