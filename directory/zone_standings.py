"""How the passages of each zone stand, and which gates must know: for all zones in one look."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from access.passages import REMEMBERED, ZoneStanding
from database import table_of
from directory.tables import GateRecord, ZonePassageState
from directory.zone_passages import COUNT_INSIDE, LOOKING_BACK

_STATES, _GATES = (table_of(one) for one in (ZonePassageState, GateRecord))
_ZONE = _GATES.c.policy["inner_zone"].as_string()
_INSIDE = COUNT_INSIDE.subquery()
_SELECT = (
    select(
        _GATES.c.name.label("gate"),
        _ZONE.label("zone"),
        func.coalesce(_STATES.c.revision, 0).label("revision"),
        func.coalesce(_INSIDE.c.number, 0).label("inside"),
        _STATES.c.forgiven_before,
    )
    .outerjoin(_STATES, _STATES.c.zone == _ZONE)
    .outerjoin(_INSIDE, _INSIDE.c.zone == _ZONE)
    .where(_ZONE.is_not(None), or_(*(_GATES.c.policy[rule].as_string().is_not(None) for rule in LOOKING_BACK)))
    .order_by(_GATES.c.name)
)
"""One statement: of two, the later would see passages that the earlier did not."""


def find_standings(session: Session, *, now: datetime) -> dict[ZoneStanding, list[str]]:
    """Return how each zone stands behind which rules look back, and the gates that these rules are of.

    `now` is from before the session began to read.
    """
    found: dict[ZoneStanding, list[str]] = {}
    for row in session.execute(_SELECT, {"earliest": now - REMEMBERED}):
        standing = ZoneStanding(row.zone, row.revision, row.inside, row.forgiven_before, now)
        found.setdefault(standing, []).append(row.gate)
    return found
