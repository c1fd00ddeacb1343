"""What of supply is kept for how long."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from database import Database
from metering.supply.states import UNDER_WAY
from metering.supply.tables import MeterOrder, OutdoorTemperature, RoomNotice

KEPT = timedelta(days=730)
"""Orders and notices: as long as a bill may be disputed, with a year to spare. The audit trail keeps who asked."""


def forget(database: Database, now: datetime) -> None:
    """Delete orders that ended, notices and temperatures of long ago; a meter's last order stays."""
    over = now - KEPT
    with database.begin() as session:
        last = select(func.max(MeterOrder.asked_at)).group_by(MeterOrder.meter_id)
        session.execute(
            delete(MeterOrder).where(
                MeterOrder.asked_at < over,
                MeterOrder.state.not_in(UNDER_WAY),
                MeterOrder.asked_at.not_in(last),
            )
        )
    with database.begin() as session:
        session.execute(delete(RoomNotice).where(RoomNotice.at < over))
        session.execute(delete(OutdoorTemperature).where(OutdoorTemperature.valid_until < over))
