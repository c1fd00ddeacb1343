"""Every setting: its variable, what it takes, its default and its meaning, from the settings themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from campusgate.settings import Settings
from campusgate.settings.names import PREFIX
from campusgate.wiring.settings_in_force import is_secret, model_of
from console.texts import TEXTS

_KINDS = {str: "text", int: "number", float: "number", bool: "true or false", Path: "path", timedelta: "seconds or P1D"}


@dataclass(frozen=True, slots=True)
class SettingEntry:
    """One setting; `default` is None where there is none, and of a secret there never is."""

    name: str
    kind: str
    default: str | None
    is_secret: bool
    meaning: str


def list_variables() -> list[SettingEntry]:
    """Return every setting in the order in which they are declared."""
    return list(_walk(Settings, ""))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[SettingEntry]:
    for name, field in model.model_fields.items():
        inner = model_of(field)
        if inner is not None:
            yield from _walk(inner, f"{prefix}{name}__")
        elif name != "demonstration":
            path = prefix + name
            secret = is_secret(name, field)
            _, meaning = TEXTS[f"setting.{path}"]
            default = None if secret else _default(field)
            yield SettingEntry(PREFIX + path.upper(), _kind(field.annotation), default, secret, meaning)


def _default(field: FieldInfo) -> str | None:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return None
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)


def _kind(annotation: Any) -> str:
    if get_origin(annotation) in {Union, UnionType}:
        return " or ".join(_kind(one) for one in get_args(annotation) if one is not NoneType)
    if get_origin(annotation) in {list, dict, tuple, frozenset}:
        return "JSON"
    return "secret" if annotation is SecretStr else _KINDS.get(annotation, "text")
