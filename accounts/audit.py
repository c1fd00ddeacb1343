"""The audit trail: who did what to which object, and when; append-only, each line chained to the one before.

Lines hold ids and words, never names, numbers, card UIDs or secrets. A changed, inserted or removed line breaks the
chain at that line; removed *last* lines are found by comparing with a head noted earlier (`verify(..., expect=)`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.order import keep_order, note, recall
from accounts.tables import AuditEntry

Scalar = str | int | bool | None

SYSTEM = "system"
"""The actor of what the server does by itself, and of the command line."""

_START = bytes(32)
_STRIDE = 1000
_HEAD = "campusgate_audit_head"


def person_actor(person_id: UUID) -> str:
    """Name a signed-in person as the one who acts."""
    return f"person:{person_id}"


def device_actor(device_id: UUID) -> str:
    """Name a device as the one who acts."""
    return f"device:{device_id}"


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    now: datetime,
    details: Mapping[str, Scalar | list[str]] | None = None,
) -> None:
    """Append a line in the caller's transaction. `subject` is `kind:id`, such as `card:0199…`."""
    keep_order(session)
    serial, previous = recall(session, _HEAD) or _head(session)
    entry = AuditEntry(
        serial=serial + 1,
        # What is hashed must be what the database gives back.
        at=now.astimezone(UTC),
        actor=actor,
        action=action,
        subject=subject,
        details=json.dumps(dict(details or {}), ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    )
    entry.digest = _digest(previous, entry)
    session.add(entry)
    session.flush()
    # Whoever keeps order is alone: until the commit nobody else adds a line.
    note(session, _HEAD, (entry.serial, entry.digest))


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the chain found."""

    lines: int
    head: str
    first_broken: int | None
    expected_head_found: bool

    @property
    def intact(self) -> bool:
        """Whether nothing was changed."""
        return self.first_broken is None and self.expected_head_found


def verify(session: Session, *, expect: str | None = None) -> Verification:
    """Walk the whole chain; `expect` is a head noted earlier, which must still be part of it.

    Takes a session of its own: what is loaded in it is dropped on the way.
    """
    previous, lines = _START, 0
    found = expect is None or expect == _START.hex()
    while entries := _after(session, lines):
        for entry in entries:
            if entry.serial != lines + 1 or _digest(previous, entry) != entry.digest:
                return Verification(lines, previous.hex(), lines + 1, found)
            previous, lines = entry.digest, entry.serial
            found = found or previous.hex() == expect
    return Verification(lines, previous.hex(), None, found)


def find(
    session: Session,
    *,
    before: int | None = None,
    limit: int = 50,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> Sequence[AuditEntry]:
    """Return lines, newest first, from before the serial `before`."""
    query = select(AuditEntry).order_by(AuditEntry.serial.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.serial < before)
    for column, wanted in (
        (AuditEntry.actor, actor),
        (AuditEntry.action, action),
        (AuditEntry.subject, subject),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return session.scalars(query).all()


def _head(session: Session) -> tuple[int, bytes]:
    """Return serial and digest of the last line."""
    query = select(AuditEntry.serial, AuditEntry.digest).order_by(AuditEntry.serial.desc()).limit(1)
    last = session.execute(query).first()
    return (last.serial, last.digest) if last else (0, _START)


def _after(session: Session, serial: int) -> Sequence[AuditEntry]:
    session.expunge_all()
    query = select(AuditEntry).where(AuditEntry.serial > serial).order_by(AuditEntry.serial).limit(_STRIDE)
    return session.scalars(query).all()


def _digest(previous: bytes, entry: AuditEntry) -> bytes:
    line = [entry.serial, entry.at.isoformat(), entry.actor, entry.action, entry.subject, entry.details]
    return hashlib.sha256(previous + json.dumps(line, ensure_ascii=False).encode()).digest()
