"""What of supply is kept for how long."""

from sqlalchemy import select

from metering.supply import housekeeping
from metering.supply.tables import MeterOrder, RoomNotice
from metering.vocabulary import MeterAction
from tests.metering.supply.conftest import Dormitory


def test_old_orders_and_notices_go_and_a_meters_last_order_stays(dormitory: Dormitory) -> None:
    def left() -> list[MeterAction]:
        housekeeping.forget(dormitory.database, dormitory.now)
        with dormitory.database.read() as session:
            return list(session.scalars(select(MeterOrder.action).order_by(MeterOrder.id)))

    for balance, action in ((-620, MeterAction.TRIP), (500, MeterAction.ARM)):
        dormitory.pay(balance)
        dormitory.review()
        assert dormitory.obey() == [action]
        dormitory.wait(minutes=5)
    dormitory.wait(days=729)
    assert left() == [MeterAction.TRIP, MeterAction.ARM]
    dormitory.wait(days=2)
    assert left() == [MeterAction.ARM]
    assert not dormitory.take()
    with dormitory.database.read() as session:
        assert session.scalars(select(RoomNotice)).all() == []
    dormitory.wait(days=400)
    assert left() == [MeterAction.ARM]
