"""A reading process that dies with an order in its hands: who has paid is armed by the next one, soon."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, update

from accounts.passwords import Hasher
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from metering.api.router import router
from metering.rooms.tables import Meter, MeterLine
from metering.services import MeteringServices
from metering.supply import orders
from metering.supply.review import SupplyKeeper
from metering.supply.rules import Hours, SupplyRules
from metering.supply.states import MeterOrderState
from metering.supply.tables import MeterOrder
from metering.vocabulary import MeterAction, SupplyState
from tests.apps import LentApps
from tests.databases import ON_SQLITE
from tests.metering.lines.test_process import line_of, process
from tests.metering.lines.test_reader import running_reader
from tests.metering.lines.test_reader import until as reached
from tests.metering.lines.test_server import serve
from tests.metering.supply.conftest import CAMPUS, Dormitory
from tests.waiting import until

NO_HOURS = Hours(datetime.min.time(), datetime.min.time())
RULES = SupplyRules(zone=CAMPUS, quiet=NO_HOURS, order_life=timedelta(seconds=4), retry_after=timedelta(0))


def test_an_order_that_nobody_reported_on_is_given_anew_when_its_life_is_over(dormitory: Dormitory) -> None:
    dormitory.pay(-620)
    dormitory.review()
    assert dormitory.obey() == [MeterAction.TRIP]
    dormitory.pay(500, paid_at=dormitory.now)
    dormitory.review()
    (lost,) = dormitory.take()
    assert lost.action is MeterAction.ARM
    dormitory.review()
    assert dormitory.take() == [], "it is handed out once"
    dormitory.wait(seconds=dormitory.keeper.rules.order_life.total_seconds())
    dormitory.review()
    (again,) = dormitory.take()
    assert (again.action, again.id != lost.id) == (MeterAction.ARM, True)
    dormitory.answer(again)
    assert dormitory.supply is SupplyState.ARMED


@ON_SQLITE
def test_a_reader_that_is_killed_with_an_order_leaves_nobody_in_the_dark(
    dormitory: Dormitory, lent_apps: LentApps, tmp_path: Path
) -> None:
    accounts = AccountsServices(
        database=dormitory.database, secret=bytes(range(32)), hasher=Hasher(time_cost=1, memory_kib=8)
    )
    keeper = SupplyKeeper(RULES, dormitory.money)

    def review() -> None:
        with dormitory.database.begin() as session:
            keeper.review(session, dormitory.room, now=datetime.now(UTC))

    def last() -> MeterOrderState:
        with dormitory.database.read() as session:
            order = orders.find_last(session, dormitory.meter)
            assert order is not None
            return order.state

    with line_of(1) as (line, url), lent_apps.lend(router) as app:
        (meter,) = line.meters.values()
        meter.is_open = meter.is_told_to_open = True
        with dormitory.database.begin() as session:
            session.execute(update(MeterLine).values(url=url, bits_per_s=9600))
            session.execute(update(Meter).values(address=meter.address, supply=SupplyState.OFF))
        app.state.accounts = accounts
        app.state.metering = MeteringServices(
            money=MoneyServices(accounts=accounts, writer=None), rules=RULES, credits=dormitory.money
        )
        dormitory.pay(500)
        with serve(app) as server_url:
            line.is_dead = True
            with process(server_url, tmp_path, token=dormitory.device_token) as running:
                until(lambda: review() or last() is MeterOrderState.TAKEN)
                running.kill()
            line.is_dead = False

            async def read_again() -> None:
                async with running_reader(tmp_path / "unsent.db", server_url, token=dormitory.device_token):
                    await reached(lambda: review() or last() is MeterOrderState.DONE)

            asyncio.run(read_again())
        assert (meter.is_open, meter.is_told_to_open) == (True, False)
        assert len(meter.orders) == 1
        with dormitory.database.read() as session:
            handed_out = session.scalar(select(func.count()).where(MeterOrder.taken_at.is_not(None)))
        assert handed_out == 2, "the killed one's question that still waited got none"
