"""When the devices of gates were last heard by the server: when they last said what they have in force."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from directory.tables import GateApplied


def find_last_seen(session: Session) -> dict[UUID, datetime]:
    """Return when each edge and controller was last heard, by device."""
    rows = session.execute(select(GateApplied.device_id, func.max(GateApplied.seen_at)).group_by(GateApplied.device_id))
    return dict(rows.all())
