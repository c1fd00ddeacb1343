"""What the registry knows about a person, checked and in one spelling before it is stored."""

import re
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from accounts.people import spelling
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from web.problems import ProblemError

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,100}")
_GROUP = re.compile(r"[^\s;,\x00-\x1f\x7f-\x9f\ud800-\udfff][^;,\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,63}")
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Times that calendar arithmetic in any zone can bear."""


class InvalidPersonError(ProblemError):
    """What was given describes no person."""

    code = "invalid_person"
    status = 422
    title = "These particulars describe no person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What the registry knows about a person. `number` is what they are known by; everything else may change."""

    number: str
    name: str
    kind: PersonKind
    department: str = ""
    groups: frozenset[str] = field(default_factory=frozenset)
    valid_from: datetime
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        """Bring names and the number to their one spelling, and refuse what cannot be stored.

        Raises:
            InvalidPersonError: with the field that is wrong and why.
        """
        object.__setattr__(self, "number", spelling.number(self.number))
        object.__setattr__(self, "name", spelling.name(self.name))
        object.__setattr__(self, "department", spelling.line(self.department))
        if not is_number(self.number):
            raise InvalidPersonError("number: 1 to 32 letters, digits, dots, dashes or underscores", field="number")
        if not self.name or not _LINE.fullmatch(self.name):
            raise InvalidPersonError("name: 1 to 100 characters without control characters", field="name")
        if not _LINE.fullmatch(self.department):
            raise InvalidPersonError(
                "department: at most 100 characters without control characters", field="department"
            )
        if wrong := [one for one in sorted(self.groups) if not _GROUP.fullmatch(one)]:
            raise InvalidPersonError(f"groups: {wrong[0]!r} is no group name (1 to 64 characters)", field="groups")
        if not all(_EARLIEST <= one <= _LATEST for one in (self.valid_from, self.valid_until) if one is not None):
            raise InvalidPersonError("valid_from, valid_until: between the years 2000 and 2200", field="valid_from")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise InvalidPersonError("valid_until: must be after valid_from", field="valid_until")

    def differences(self, person: Person) -> dict[str, tuple[Any, Any]]:
        """Return `{field: (stored, wanted)}` where `person` differs from these particulars."""
        pairs = {one.name: (getattr(person, one.name), getattr(self, one.name)) for one in fields(self)}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def is_number(text: str) -> bool:
    """Return whether `text` can be the number of a person."""
    return _NUMBER.fullmatch(text) is not None
