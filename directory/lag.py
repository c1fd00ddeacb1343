"""How far each gate is behind: the figure that says whether a revocation is in force."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select, union_all
from sqlalchemy.orm import Session, defer, selectinload

from directory.list_tables import GateEntry, SharedEntry
from directory.tables import GateApplied, GateRecord


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
    statement = statement.options(selectinload(GateRecord.shared), defer(GateRecord.policy))
    if gate is not None:
        statement = statement.where(GateApplied.gate == gate)
    rows = session.execute(statement.order_by(GateApplied.gate, GateApplied.view, GateApplied.device_id))
    return [_lag(session, applied, record, now) for applied, record in rows]


def _lag(session: Session, applied: GateApplied, gate: GateRecord, now: datetime) -> Lag:
    since, behind, waiting = None, 0, 0
    if applied.revision < gate.revision:
        since, behind, waiting = _find_missing(session, applied, gate)
        # A new policy has a revision and no row of its own.
        since, behind = since or gate.published_at, behind or 1
    return Lag(
        gate=gate.name,
        view=applied.view,
        device_id=applied.device_id,
        latest_revision=gate.revision,
        revision=applied.revision,
        behind=behind,
        behind_s=max(0.0, (now - since).total_seconds()) if since is not None else 0.0,
        waiting_revocations=waiting,
        applied_at=applied.applied_at,
        seen_at=applied.seen_at,
    )


def _find_missing(session: Session, applied: GateApplied, gate: GateRecord) -> tuple[datetime | None, int, int]:
    """Return when the oldest change was made that a device lacks, how many it lacks, and how many are revocations.

    A device that must fetch everything anew lacks what its list says, and maybe a removal of which nothing is known any
    more: it counts as one that waits.
    """
    starts_anew = applied.revision < gate.floor
    lacks_of_list = applied.revision if starts_anew else max(applied.revision, gate.joined_at)
    own = select(GateEntry.person_id).where(GateEntry.gate == gate.name)
    changed = union_all(
        select(GateEntry.changed_at, GateEntry.is_revoked).where(
            GateEntry.gate == gate.name, GateEntry.revision > applied.revision
        ),
        select(SharedEntry.changed_at, SharedEntry.is_revoked).where(
            SharedEntry.list_id == gate.list_id,
            SharedEntry.revision > lacks_of_list,
            SharedEntry.person_id.not_in(own),
        ),
    ).subquery()
    revoked = func.sum(case((changed.c.is_revoked, 1), else_=0))
    since, behind, waiting = session.execute(select(func.min(changed.c.changed_at), func.count(), revoked)).one()
    return since, behind, max(waiting or 0, int(starts_anew))
