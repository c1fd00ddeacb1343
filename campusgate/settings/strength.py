"""Secrets that are none: keys nobody drew by lot, passwords everybody tries first, one secret in two places."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from campusgate.settings.errors import SettingsError

_COMMON = re.compile(
    r"p[a@4]ss(w[o0]rd|wort)|secret|change.?(me|it)|letmein|qwert[yz]|admin|campusgate|example|default|test|0?123456789?0?"
)
_LEAST_DISTINCT = 16
"""Of 32 random bytes about 30 differ; fewer than this come once in 10¹⁵ keys."""
_SHORTEST = 8
_ISSUED_BY_OTHERS = frozenset({"OIDC__CLIENT_SECRET", "ALARMS__MAIL__PASSWORD", "DEVICE_TOKEN"})
"""What the campus cannot choose here."""
_KEYS = frozenset({"TEMPLATE_KEY", "TOKEN_SECRET", "CREDENTIAL_KEY"})
"""Judged as keys, where they are decoded."""


def weakness_of_key(key: bytes) -> str | None:
    """Return why 32 bytes were not drawn by lot, or None."""
    if len(set(key)) < _LEAST_DISTINCT:
        return "repeats the same bytes"
    if len({(after - before) % 256 for before, after in itertools.pairwise(key)}) == 1:
        return "counts"
    if all(32 <= byte < 127 for byte in key):
        return "is readable text"
    return None


def weakness_of_password(text: str) -> str | None:
    """Return why a password between two machines is too easy to guess, or None."""
    if len(text) < _SHORTEST:
        return f"has fewer than {_SHORTEST} characters"
    if len(set(text)) < 4:
        return "repeats the same characters"
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    if steps <= {1} or steps <= {-1}:
        return "is a row of characters"
    if len(_COMMON.sub("", text.lower())) < 5 and _COMMON.search(text.lower()):
        return "is one that everybody tries first"
    return None


def require_strong(settings: BaseModel) -> None:
    """Check every secret of a process.

    Raises:
        SettingsError: one is easy to guess, or is used for two purposes; the message never shows it.
    """
    seen: dict[str, str] = {}
    for name, secret in _secrets(settings):
        variable, text = f"CAMPUSGATE_{name}", secret.get_secret_value()
        if (other := seen.setdefault(text, variable)) != variable:
            raise SettingsError(f"{other} and {variable} are the same: each needs a secret of its own")
        is_key = name in _KEYS or name.startswith("PREVIOUS_TEMPLATE_KEYS")
        why = None if is_key or name in _ISSUED_BY_OTHERS else weakness_of_password(text)
        if why is not None:
            raise SettingsError(f"{variable} {why}; make one with: openssl rand -hex 24")


def _secrets(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, SecretStr]]:
    for name in type(part).model_fields:
        yield from _within(getattr(part, name), prefix + name.upper())


def _within(value: Any, name: str) -> Iterator[tuple[str, SecretStr]]:
    if isinstance(value, SecretStr):
        yield name, value
    elif isinstance(value, BaseModel):
        yield from _secrets(value, f"{name}__")
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _within(one, f"{name}__{str(key).upper()}")
