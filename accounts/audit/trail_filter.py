"""Finding lines of the audit trail by who, whom, what and when; looks at people apart from what was done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, not_, or_, select
from sqlalchemy.orm import Session

from accounts.tables import AuditEntry


class LineKind(StrEnum):
    """What a line tells of."""

    LOOK = "look"
    """Somebody was shown what is known of others."""
    DEED = "deed"
    """Something was done."""


LOOKS_BESIDE_READS = ("dry_run", "people.compare", "photo.compare", "room.preview")
"""Looks whose action does not end in `.read`."""


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which lines are wanted; None asks for nothing. `since` is included, `until` is not."""

    actor: str | None = None
    subjects: Collection[str] | None = None
    kind: LineKind | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def find(session: Session, wanted: TrailFilter, *, before: int | None = None, limit: int = 50) -> Sequence[AuditEntry]:
    """Return lines, newest first, from before the serial `before`."""
    query = select(AuditEntry).order_by(AuditEntry.serial.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.serial < before)
    return session.scalars(query.where(*_conditions(wanted))).all()


def _conditions(wanted: TrailFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.actor is not None:
        found.append(AuditEntry.actor == wanted.actor)
    if wanted.subjects is not None:
        found.append(AuditEntry.subject.in_(wanted.subjects))
    if wanted.action is not None:
        found.append(AuditEntry.action == wanted.action)
    if wanted.since is not None:
        found.append(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditEntry.at < wanted.until)
    if wanted.kind is not None:
        look = or_(AuditEntry.action.like("%.read"), AuditEntry.action.in_(LOOKS_BESIDE_READS))
        found.append(look if wanted.kind is LineKind.LOOK else not_(look))
    return found
