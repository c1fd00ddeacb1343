"""The reading process's side of orders: fetch what waits for its lines, and say what became of it."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from accounts.api.dependencies import DEVICE_ERRORS, DatabaseDep, MeterDep, ServicesDep
from database import Database
from metering.api.dependencies import MeteringDep
from metering.reader_contract import MeterOrderOut, OrderResult, OrdersOut
from metering.supply import orders
from metering.supply.orders import OrderOverError, ResultWithoutProofError
from web.problems import NotFoundError, responses
from web.times import steady_s

router = APIRouter(prefix="/api/v1", tags=["meter reader"])

LONGEST_WAIT_S = 25.0
"""Below the half minute after which proxies end a connection on which nothing comes."""
_LOOK_EVERY_S = 0.5
"""What a resident who has paid waits for at most here."""


@router.get("/meter-reader/orders", responses=responses(*DEVICE_ERRORS))
async def fetch_orders(
    request: Request,
    *,
    device: MeterDep,
    services: ServicesDep,
    database: DatabaseDep,
    wait_s: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)] = 0,
) -> OrdersOut:
    """Fetch the orders that wait for the device's lines; without any, wait up to `wait_s` for one.

    Each is handed out once. Whoever loses it lets it die: after its time there is another one, with another id.
    """
    ends_s = steady_s() + wait_s
    while True:
        if await request.is_disconnected():
            # Whoever asked is gone: an order handed out here would be lost, and a room that paid stay dark.
            return OrdersOut()
        found = await run_in_threadpool(_take, database, device.device_id, services)
        if found.orders or steady_s() >= ends_s:
            return found
        try:
            await asyncio.sleep(_LOOK_EVERY_S)
        except asyncio.CancelledError:
            # The server stops: nothing was handed out, and whoever asked asks again.
            return OrdersOut()


@router.post(
    "/meter-reader/orders/{order_id}/result",
    responses=responses(*DEVICE_ERRORS, NotFoundError, OrderOverError, ResultWithoutProofError),
    status_code=204,
)
def conclude_order(
    order_id: UUID,
    result: OrderResult,
    *,
    device: MeterDep,
    database: DatabaseDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> None:
    """Say what became of an order. `done` needs a relay that shows it; saying the same again changes nothing."""
    now = services.clock()
    with database.begin() as session:
        order, is_news = orders.conclude(session, order_id, result, device_id=device.device_id, now=now)
        if is_news:
            metering.supply.note_concluded(session, order, now=now)


def _take(database: Database, device_id: UUID, services: ServicesDep) -> OrdersOut:
    now = services.clock()
    with database.read() as session:
        if not orders.has_waiting(session, device_id, now=now):
            return OrdersOut()
    with database.begin() as session:
        taken = orders.take(session, device_id, now=now)
        return OrdersOut(
            orders=tuple(
                MeterOrderOut(id=one.id, meter=one.meter_id, action=one.action, expires_at=one.expires_at)
                for one in taken
            )
        )
