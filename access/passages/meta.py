"""What a passage log knows of its zone beside single passages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from access.policy import GatePolicy


@dataclass(slots=True)
class ZoneMeta:
    """Written in the transaction of every change."""

    subject: str = ""
    """The zone, and the groups of which one must come first: what else is here counts only for these."""
    revision: int = 0
    """The zone's revision up to which everything is known."""
    inside: int = 0
    """How many people the server counted in the zone."""
    first_at: datetime | None = None
    """When one of those who must come first passed last."""
    forgiven_before: datetime | None = None

    def to_rows(self) -> dict[str, str]:
        """Return it as names and values."""
        return {
            "subject": self.subject,
            "revision": str(self.revision),
            "inside": str(self.inside),
            "first_at": _to_text(self.first_at),
            "forgiven_before": _to_text(self.forgiven_before),
        }

    @classmethod
    def from_rows(cls, rows: Mapping[str, str]) -> Self:
        """Read what `to_rows` made; nothing gives the meta of a zone of which nothing is known.

        Raises:
            ValueError: a value cannot be read.
            KeyError: one is missing.
        """
        if not rows:
            return cls()
        times = _from_text(rows["first_at"]), _from_text(rows["forgiven_before"])
        return cls(rows["subject"], int(rows["revision"]), int(rows["inside"]), *times)


def subject_of(policy: GatePolicy) -> str:
    """Return what a gate of this policy knows passages of."""
    groups = policy.first_person.groups if policy.first_person is not None else ()
    return f"{policy.inner_zone}|{','.join(groups)}"


def _to_text(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""


def _from_text(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
