"""The limits of the rules: one TOML file, with the reason for each. A campus may bring its own."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from enrollment.quality.report import Level
from errors import OperatorError


class LimitsError(OperatorError):
    """The file of limits cannot be used; the message says where it is wrong."""


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """Level and limits of one rule."""

    level: Level
    values: Mapping[str, float]
    reason: str

    def __getitem__(self, name: str) -> float:
        """Return the limit `name`."""
        return self.values[name]


class Limits(Mapping[str, RuleLimits]):
    """Limits by the name of the rule."""

    def __init__(self, rules: Mapping[str, RuleLimits]) -> None:
        self._rules = dict(rules)

    def __getitem__(self, rule: str) -> RuleLimits:
        return self._rules[rule]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)


def load_limits(path: Path | None = None) -> Limits:
    """Read the limits that come with the program, changed by those in the file at `path`.

    A campus's file names only what it changes: `[frontal]` `yaw = 20`, or `level = "off"`.

    Raises:
        LimitsError: the file is missing or no TOML, or names a rule, limit or level that does not exist.
    """
    shipped = tomllib.loads(resources.files("enrollment.quality").joinpath("limits.toml").read_text("utf-8"))
    rules = {name: _parse_rule(name, table) for name, table in shipped.items()}
    if path is not None:
        for name, changes in _read_changes(path).items():
            if name not in shipped:
                raise LimitsError(f"{path}: there is no rule {name!r}; rules are {', '.join(shipped)}")
            if unknown := set(changes) - set(shipped[name]):
                raise LimitsError(f"{path}: rule {name} has no {', '.join(sorted(unknown))}")
            rules[name] = _parse_rule(name, {**shipped[name], **changes})
    return Limits(rules)


def _read_changes(path: Path) -> dict[str, dict[str, Any]]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LimitsError(f"{path} cannot be read as TOML: {error}") from error
    if any(not isinstance(table, dict) for table in document.values()):
        raise LimitsError(f"{path}: limits stand below the name of their rule, such as [frontal]")
    return document


def _parse_rule(name: str, table: Mapping[str, Any]) -> RuleLimits:
    values = dict(table)
    level, reason = values.pop("level"), values.pop("reason")
    try:
        return RuleLimits(Level(level), {key: float(value) for key, value in values.items()}, str(reason))
    except (TypeError, ValueError) as error:
        raise LimitsError(f"rule {name}: {error}") from error
