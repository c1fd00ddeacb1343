"""Secrets that are none: keys nobody drew by lot, passwords everybody tries first, one secret in two places."""

import base64
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from campusgate.settings.errors import SettingsError

_COMMON = re.compile(
    r"p[a@4]ss(w[o0]rd|wort)|secret|change.?(me|it)|let.?me.?in|welcome|i.?love.?you|admin(istrator)?|root|server"
    r"|campus(gate)?|mosquitto|mqtt|broker|orders|metrics|example|default|test|token|woaini|mima"
    # Along the rows of a keyboard, down its columns, and from one row to the other and back.
    r"|0?123(4(5(6(7(8(90?)?)?)?)?)?)?|0?987(6(5(4(3(21?)?)?)?)?)?|qwer(t([yz](u(i(op?)?)?)?)?)?|asdf(g(h(j(kl?)?)?)?)?|zxcv(b(nm?)?)?"
    r"|1qaz|2wsx|3edc|4rfv|zaq1|xsw2|1q2w(3e(4r(5t(6[yz])?)?)?)?|q1w2(e3(r4(t5([yz]6)?)?)?)?"
    r"|abc(d(ef?)?)?|(19|20)\d\d"
)
_LEAST_LEFT = 5
"""Characters beside those and beside digits: a word that everybody tries with a year behind it is no secret."""
_LEAST_DISTINCT = 20
"""Of 32 random bytes about 30 differ; fewer than this come once in 10⁹ keys. 16 bytes twice have at most 16."""
_SHORTEST = 12
"""A program keeps it, nobody types it; half of what the hint makes."""
_SHORTEST_NUMBER = 24
_ISSUED_BY_OTHERS = frozenset(
    {"OIDC__CLIENT_SECRET", "WECOM__SECRET", "ALARMS__MAIL__PASSWORD", "DEVICE_TOKEN", "METERS__PASSWORD"}
    | {"LIBRARY_FINES__PASSWORD", "LIBRARY_FINES__TERMINAL_PASSWORD", "WECOM__MESSAGE_TOKEN", "WECOM__MESSAGE_KEY"}
)
"""What the campus cannot choose here."""
_KEYS = frozenset(
    f"{when}{name}"
    for when in ("", "PREVIOUS_")
    for name in ("TEMPLATE_KEY", "TOKEN_SECRET", "CREDENTIAL_KEY", "PASSWORD_KEY")
)
"""Judged as keys, where they are decoded."""


def weakness_of_key(key: bytes) -> str | None:
    """Return why 32 bytes were not drawn by lot, or None."""
    if _is_text(key):
        return "is readable text"
    if len(set(key)) < _LEAST_DISTINCT:
        return "repeats the same bytes"
    if len({(after - before) % 256 for before, after in itertools.pairwise(key)}) == 1:
        return "counts"
    return None


def _is_text(key: bytes) -> bool:
    try:
        return key.decode().isprintable()
    except UnicodeDecodeError:
        return False


def weakness_of_password(text: str) -> str | None:
    """Return why a password between two machines is too easy to guess, or None."""
    if len(text) < _SHORTEST:
        return f"has fewer than {_SHORTEST} characters"
    if len(set(text)) < 4:
        return "repeats the same characters"
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    if steps <= {1} or steps <= {-1}:
        return "is a row of characters"
    if text.isdecimal() and len(text) < _SHORTEST_NUMBER:
        return "is a number"
    left = [one for one in _COMMON.sub("", text.lower()) if not one.isdecimal()]
    if len(left) < _LEAST_LEFT and _COMMON.search(text.lower()):
        return "is one that everybody tries first"
    return None


def require_strong(settings: BaseModel) -> None:
    """Check every secret of a process.

    Raises:
        SettingsError: one is easy to guess, or is used for two purposes; the message never shows it.
    """
    seen: dict[bytes, str] = {}
    known = {text.casefold() for text in _texts(settings)}
    for name, secret in _secrets(settings):
        variable, text = f"CAMPUSGATE_{name}", secret.get_secret_value()
        if not text and name in _ISSUED_BY_OTHERS:
            # The other side wants none.
            continue
        if (other := seen.setdefault(_meant(text), variable)) != variable:
            raise SettingsError(f"{other} and {variable} are the same: each needs a secret of its own")
        is_key = name in _KEYS or name.startswith("PREVIOUS_TEMPLATE_KEYS")
        why = None if is_key or name in _ISSUED_BY_OTHERS else weakness_of_password(text)
        if text.casefold() in known:
            why = "is the name of something"
        if why is not None:
            raise SettingsError(f"{variable} {why}; make one with: openssl rand -hex 24")


def _meant(text: str) -> bytes:
    """Return the key that a text stands for, or the text: one key can be written in several ways."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return text.encode()


def _texts(part: BaseModel) -> Iterator[str]:
    """Return what is no secret and stands in the settings: users, places, addresses."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _texts(value)
        elif isinstance(value, str):
            yield value


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
