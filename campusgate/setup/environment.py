"""Environment files: an example of `deploy/` with its variables filled in."""

import base64
import itertools
import re
import secrets
from collections.abc import Mapping

from campusgate.setup.files import SetupError

_ASSIGNMENT = re.compile(r"^([A-Z_]+)=(.*)$")
_PLAIN = re.compile(r"[\w.:/@%+=,\[\]-]*")
_UNQUOTABLE = re.compile(r"[\x00-\x1f'\\]")


def make_key() -> str:
    """Return 32 random bytes as base64, as the settings want a key."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def make_password() -> str:
    """Return a password between two machines: 192 random bits."""
    return secrets.token_hex(24)


_HEAD = "# Written by `campusgate setup`. Whoever reads this file has its secrets."


def fill_example(example: str, values: Mapping[str, str]) -> str:
    """Return the text of an example file with `values`, by variable, in place of its own; comments on them stay.

    Raises:
        SetupError: a value cannot stand in such a file.
        KeyError: the example has no such variable.
    """
    missing, lines = dict(values), [_HEAD]
    # What the head of an example says is for whoever fills it in by hand.
    for line in itertools.dropwhile(lambda one: one.startswith("#"), example.splitlines()):
        found = _ASSIGNMENT.match(line)
        if found and found[1] in missing:
            lines.append(f"{found[1]}={_quoted(found[1], missing.pop(found[1]))}")
        else:
            lines.append(line)
    if missing:
        raise KeyError(*missing)
    return "\n".join(lines) + "\n"


def with_values(file: str, values: Mapping[str, str]) -> str:
    """Return the text of a file of variables with new values; those that it lacks are added at its end.

    Raises:
        SetupError: a value cannot stand in such a file.
    """
    missing, lines = dict(values), list[str]()
    for line in file.splitlines():
        if (found := _ASSIGNMENT.match(line)) and found[1] in missing:
            lines.append(f"{found[1]}={_quoted(found[1], missing.pop(found[1]))}")
        else:
            lines.append(line)
    return "\n".join([*lines, *(f"{name}={_quoted(name, value)}" for name, value in missing.items())]) + "\n"


def _quoted(name: str, value: str) -> str:
    """Return the value as systemd and `--env-file` both read it."""
    if _PLAIN.fullmatch(value):
        return value
    if _UNQUOTABLE.search(value):
        raise SetupError(f"{name} must hold no quotation mark ('), no backslash and no control character")
    return f"'{value}'"
