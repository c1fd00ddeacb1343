"""The settings that the server runs with, and where each came from, for its page; secrets only as set or not set."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from campusgate.settings import Settings
from campusgate.settings.names import PREFIX
from console.server_facts import SettingInForce, SettingSource

_ADDRESSES_WITH_SECRETS = frozenset({"database_url", "database_direct_url"})
"""Addresses in which a password may stand."""


def list_settings(settings: Settings, environment: Mapping[str, str] | None = None) -> list[SettingInForce]:
    """Return every setting in the order of the documentation; the environment goes before the file of settings."""
    given = {name.upper() for name, value in (os.environ if environment is None else environment).items() if value}
    document = _read_document(os.environ if environment is None else environment)
    return [
        SettingInForce(
            name=PREFIX + path.upper(),
            value=None if is_secret else _written(value),
            is_secret=is_secret,
            is_set=value is not None and value != {},
            source=_source(path, given, document),
        )
        for path, value, is_secret in _walk(Settings, settings, "")
    ]


def _walk(model: type[BaseModel], values: BaseModel | None, prefix: str) -> Iterator[tuple[str, Any, bool]]:
    for name, field in model.model_fields.items():
        value = getattr(values, name) if values is not None else None
        inner = model_of(field)
        if inner is not None:
            yield from _walk(inner, value, f"{prefix}{name}__")
        elif name != "demonstration":
            yield prefix + name, value, is_secret(name, field)


def model_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the nested settings of a field, also of one that may be left out; a list of values is none."""
    if get_origin(field.annotation) in {list, dict, tuple}:
        return None
    kinds = get_args(field.annotation) or (field.annotation,)
    return next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)


def is_secret(name: str, field: FieldInfo) -> bool:
    """Whether a value of the field is never shown."""
    return not field.repr or name in _ADDRESSES_WITH_SECRETS or SecretStr in _kinds(field.annotation)


def _kinds(annotation: Any) -> set[Any]:
    inner = get_args(annotation)
    return {annotation} if not inner else set().union(*(_kinds(one) for one in inner))


def _written(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return str(value)


def _source(path: str, given: set[str], document: Mapping[str, Any]) -> SettingSource:
    parts = path.split("__")
    names = {PREFIX + "__".join(parts[:depth]).upper() for depth in range(1, len(parts) + 1)}
    if names & given:
        return SettingSource.ENVIRONMENT
    found: Any = document
    for part in parts:
        if not isinstance(found, Mapping) or part not in found:
            return SettingSource.DEFAULT
        found = found[part]
    return SettingSource.FILE


def _read_document(environment: Mapping[str, str]) -> Mapping[str, Any]:
    path = environment.get("CAMPUSGATE_CONFIG")
    if not path:
        return {}
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))
