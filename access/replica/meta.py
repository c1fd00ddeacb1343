"""What a replica knows about itself: how far it has come, the sum of its digests, when it was last proven right."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self, get_args

from access.policy import GatePolicy
from access.snapshot import ChangePage, View


@dataclass(frozen=True, slots=True)
class Position:
    """Where to go on from, and whether everything is being fetched, for the first time or anew."""

    revision: int = 0
    revoked_to: int = 0
    rebuilding: bool = True


@dataclass(slots=True)
class ReplicaMeta:
    """Written in the transaction of every page.

    `generation` grows with each rebuild; `total` is the sum of the digests of the entries of this generation.
    """

    gate: str
    view: View
    position: Position = Position()
    generation: int = 0
    total: int = 0
    policy: GatePolicy | None = None
    synced_at: datetime | None = None
    digest: str | None = None

    def after(self, page: ChangePage) -> Self:
        """Return it as it is once the page's changes are written."""
        position = Position(page.to_revision, page.revoked_to, self.position.rebuilding)
        return replace(self, policy=page.policy, position=position)

    def anew(self) -> Self:
        """Return it at the beginning of a generation with nothing in it."""
        return replace(self, generation=self.generation + 1, position=Position(), total=0)

    def to_rows(self) -> dict[str, str]:
        """Return it as names and values."""
        return {
            "gate": self.gate,
            "view": self.view,
            "revision": str(self.position.revision),
            "revoked_to": str(self.position.revoked_to),
            "rebuilding": str(int(self.position.rebuilding)),
            "generation": str(self.generation),
            "total": str(self.total),
            "policy": self.policy.model_dump_json() if self.policy else "",
            "synced_at": self.synced_at.isoformat() if self.synced_at else "",
            "digest": self.digest or "",
        }

    @classmethod
    def from_rows(cls, rows: dict[str, str]) -> Self:
        """Read what `to_rows` made.

        Raises:
            ValueError: a value cannot be read.
            KeyError: one is missing.
        """
        view = next((view for view in get_args(View) if view == rows["view"]), None)
        if view is None:
            raise ValueError(f"unknown view {rows['view']!r}")
        return cls(
            rows["gate"],
            view,
            Position(int(rows["revision"]), int(rows["revoked_to"]), rows["rebuilding"] == "1"),
            int(rows["generation"]),
            int(rows["total"]),
            GatePolicy.model_validate_json(rows["policy"]) if rows["policy"] else None,
            datetime.fromisoformat(rows["synced_at"]) if rows["synced_at"] else None,
            rows["digest"] or None,
        )
