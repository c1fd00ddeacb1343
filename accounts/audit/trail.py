"""The audit trail: who did what to which object, and when; append-only, each line chained to the one before.

Lines hold ids and words, never names, numbers, card UIDs or secrets. A changed, inserted or removed line breaks the
chain at that line; removed *last* lines are found by comparing with heads noted earlier (`verify(..., heads=)`).
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from accounts.audit.commit_order import keep, keep_order, recall
from accounts.tables import AuditEntry

Scalar = str | int | bool | None

SYSTEM = "system"
"""The actor of what the server does by itself, and of the command line."""

BACKUP = "backup.make"
"""The action by which a backup of the database is on record."""

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
    keep(session, _HEAD, (entry.serial, entry.digest))


def record_many(session: Session, *, actor: str, action: str, subjects: Sequence[str], now: datetime) -> None:
    """Append a line without details for each of `subjects`, in the caller's transaction, all with one statement."""
    if not subjects:
        return
    keep_order(session)
    serial, previous = recall(session, _HEAD) or _head(session)
    rows = []
    for subject in subjects:
        serial += 1
        entry = AuditEntry(
            serial=serial, at=now.astimezone(UTC), actor=actor, action=action, subject=subject, details="{}"
        )
        previous = _digest(previous, entry)
        names = ("serial", "at", "actor", "action", "subject", "details")
        rows.append({name: getattr(entry, name) for name in names} | {"digest": previous})
    session.execute(insert(AuditEntry), rows)
    keep(session, _HEAD, (serial, previous))


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the chain found."""

    lines: int
    head: str
    first_broken: int | None
    missing_heads: tuple[str, ...] = ()
    """Heads noted earlier that are no part of the chain: its end was cut off, or all of it was written anew."""

    @property
    def intact(self) -> bool:
        """Whether nothing was changed."""
        return self.first_broken is None and not self.missing_heads


def verify(session: Session, *, heads: Collection[str] = ()) -> Verification:
    """Walk the whole chain; `heads` (digests in hexadecimal) were noted earlier and must still be part of it.

    Takes a session of its own: what is loaded in it is dropped on the way.
    """
    previous, lines = _START, 0
    missing = dict.fromkeys(heads)
    missing.pop(_START.hex(), None)
    while entries := lines_after(session, lines):
        for entry in entries:
            if entry.serial != lines + 1 or _digest(previous, entry) != entry.digest:
                return Verification(lines, previous.hex(), lines + 1, tuple(missing))
            previous, lines = entry.digest, entry.serial
            missing.pop(previous.hex(), None)
    return Verification(lines, previous.hex(), None, tuple(missing))


def lines_after(session: Session, serial: int) -> Sequence[AuditEntry]:
    """Return the next lines after `serial`, oldest first, at most a thousand; what was loaded before is dropped."""
    session.expunge_all()
    query = select(AuditEntry).where(AuditEntry.serial > serial).order_by(AuditEntry.serial).limit(_STRIDE)
    return session.scalars(query).all()


def head(session: Session) -> tuple[int, str]:
    """Return serial and digest of the last line."""
    serial, digest = _head(session)
    return serial, digest.hex()


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


def _digest(previous: bytes, entry: AuditEntry) -> bytes:
    line = [entry.serial, entry.at.isoformat(), entry.actor, entry.action, entry.subject, entry.details]
    return hashlib.sha256(previous + json.dumps(line, ensure_ascii=False).encode()).digest()
