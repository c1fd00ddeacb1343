"""How far each gate is behind: the figure that says whether a revocation is in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select, union_all
from sqlalchemy.orm import Session

from database import table_of
from directory.list_tables import GateEntry, SharedEntry, SharedList
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


_GATES, _LISTS, _APPLIED = (table_of(one) for one in (GateRecord, SharedList, GateApplied))
_SELECT = (
    select(
        _APPLIED.c.gate,
        _APPLIED.c.view,
        _APPLIED.c.device_id,
        _APPLIED.c.revision,
        _APPLIED.c.applied_at,
        _APPLIED.c.seen_at,
        _GATES.c.list_id,
        _GATES.c.joined_at,
        _GATES.c.joined_from,
        _GATES.c.revision.label("own_revision"),
        _GATES.c.floor.label("own_floor"),
        _GATES.c.published_at.label("own_published_at"),
        func.coalesce(_LISTS.c.revision, 0).label("list_revision"),
        func.coalesce(_LISTS.c.floor, 0).label("list_floor"),
        _LISTS.c.published_at.label("list_published_at"),
    )
    .join(_GATES, _GATES.c.name == _APPLIED.c.gate)
    .outerjoin(_LISTS, _LISTS.c.id == _GATES.c.list_id)
    .order_by(_APPLIED.c.gate, _APPLIED.c.view, _APPLIED.c.device_id)
)
_SELECT_BEHIND = _SELECT.where(
    or_(_APPLIED.c.revision < _GATES.c.revision, _APPLIED.c.revision < func.coalesce(_LISTS.c.revision, 0))
)


def find_lags(session: Session, now: datetime, *, gate: str | None = None) -> list[Lag]:
    """Return the lag of every device that ever said what it holds, by gate."""
    return _find(session, now, _SELECT if gate is None else _SELECT.where(_APPLIED.c.gate == gate))


def find_behind(session: Session, now: datetime) -> list[Lag]:
    """Return the lag of every device that lacks anything, by gate: one query where all are in step."""
    return _find(session, now, _SELECT_BEHIND)


class _Missing(NamedTuple):
    """When the oldest change was made that a device lacks, how many it lacks, and how many are revocations."""

    since: datetime | None
    behind: int
    revocations: int


def _find(session: Session, now: datetime, statement: Select[Any]) -> list[Lag]:
    rows = session.execute(statement).all()
    late = [row for row in rows if row.revision < _latest(row)]
    missing = _MissingChanges(session, late)
    return [_lag(row, missing.of(row) if row.revision < _latest(row) else None, now) for row in rows]


def _lag(row: Any, missing: _Missing | None, now: datetime) -> Lag:
    since, behind, revocations = missing or _Missing(None, 0, 0)
    if missing is not None:
        # A new policy has a revision and no row of its own.
        since, behind = since or _published_at(row), behind or 1
    return Lag(
        gate=row.gate,
        view=row.view,
        device_id=row.device_id,
        latest_revision=_latest(row),
        revision=row.revision,
        behind=behind,
        behind_s=max(0.0, (now - since).total_seconds()) if since is not None else 0.0,
        waiting_revocations=revocations,
        applied_at=row.applied_at,
        seen_at=row.seen_at,
    )


def _latest(row: Any) -> int:
    return int(max(row.own_revision, row.list_revision))


def _published_at(row: Any) -> datetime | None:
    return max((at for at in (row.own_published_at, row.list_published_at) if at is not None), default=None)


class _MissingChanges:
    """What devices lack, counted once for all that lack the same: of gates that share a list nearly all do."""

    def __init__(self, session: Session, late: Sequence[Any]) -> None:
        self._session = session
        names = {row.gate for row in late}
        owning = select(GateEntry.gate).where(GateEntry.gate.in_(names)).distinct()
        self._with_own = set(session.scalars(owning)) if names else set[str]()
        self._counted: dict[tuple[Any, ...], _Missing] = {}

    def of(self, row: Any) -> _Missing:
        """Return what a device lacks.

        One that must fetch everything anew lacks what its list says, and maybe a removal of which nothing is known any
        more: it counts as one that waits.
        """
        starts_anew = row.revision < max(row.own_floor, row.joined_from, row.list_floor)
        of_list = row.revision if starts_anew else max(row.revision, row.joined_at)
        gate, of_own = (row.gate, row.revision) if row.gate in self._with_own else (None, 0)
        same = (row.list_id, of_list, gate, of_own)
        if same not in self._counted:
            self._counted[same] = self._count(*same)
        found = self._counted[same]
        return found._replace(revocations=max(found.revocations, int(starts_anew)))

    def _count(self, list_id: UUID | None, of_list: int, gate: str | None, of_own: int) -> _Missing:
        shared = select(SharedEntry.changed_at, SharedEntry.is_revoked).where(
            SharedEntry.list_id == list_id, SharedEntry.revision > of_list
        )
        changed = shared.subquery()
        if gate is not None:
            own = select(GateEntry.changed_at, GateEntry.is_revoked).where(
                GateEntry.gate == gate, GateEntry.revision > of_own
            )
            known_there = select(GateEntry.person_id).where(GateEntry.gate == gate)
            changed = union_all(own, shared.where(SharedEntry.person_id.not_in(known_there))).subquery()
        revoked = func.sum(case((changed.c.is_revoked, 1), else_=0))
        since, behind, waiting = self._session.execute(
            select(func.min(changed.c.changed_at), func.count(), revoked).select_from(changed)
        ).one()
        return _Missing(since, behind, waiting or 0)
