"""How far each gate is behind: the figure that says whether a revocation is in force."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from directory.tables import GateApplied, GateEntry, GateRecord


@dataclass(frozen=True, slots=True)
class Lag:
    """One device of one gate. `behind_s` is the age of the oldest change not in force there, 0 when none is."""

    gate: str
    view: str
    device_id: UUID
    latest_revision: int
    revision: int
    behind: int
    behind_s: float
    waiting_revocations: int
    applied_at: datetime
    seen_at: datetime


def find_lags(session: Session, now: datetime, *, gate: str | None = None) -> list[Lag]:
    """Return the lag of every device that ever said what it holds, by gate."""
    statement = select(GateApplied, GateRecord).join(GateRecord, GateRecord.name == GateApplied.gate)
    if gate is not None:
        statement = statement.where(GateApplied.gate == gate)
    rows = session.execute(statement.order_by(GateApplied.gate, GateApplied.view, GateApplied.device_id))
    return [_lag(session, applied, record, now) for applied, record in rows]


def _lag(session: Session, applied: GateApplied, gate: GateRecord, now: datetime) -> Lag:
    since, waiting = None, 0
    if applied.revision < gate.revision:
        missing = (GateEntry.gate == gate.name, GateEntry.revision > applied.revision)
        # A new policy has a revision and no row of its own.
        since = session.scalar(select(func.min(GateEntry.changed_at)).where(*missing)) or gate.published_at
        waiting = session.scalar(select(func.count()).where(*missing, GateEntry.is_revoked)) or 0
    return Lag(
        gate=gate.name,
        view=applied.view,
        device_id=applied.device_id,
        latest_revision=gate.revision,
        revision=applied.revision,
        behind=max(0, gate.revision - applied.revision),
        behind_s=max(0.0, (now - since).total_seconds()) if since is not None else 0.0,
        waiting_revocations=waiting,
        applied_at=applied.applied_at,
        seen_at=applied.seen_at,
    )
