"""When the devices of metering were last heard: reading processes by their lines, showers by their heartbeats."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from metering.rooms.tables import MeterLine
from metering.sessions.tables import ShowerController


def find_last_seen(session: Session) -> dict[UUID, datetime]:
    """Return when each device last told of its lines or itself; those that never did are not there."""
    lines = select(MeterLine.device_id, func.max(MeterLine.heard_at)).group_by(MeterLine.device_id)
    showers = select(ShowerController.device_id, ShowerController.seen_at)
    found = [*session.execute(lines), *session.execute(showers)]
    return {device_id: at for device_id, at in found if device_id is not None and at is not None}
