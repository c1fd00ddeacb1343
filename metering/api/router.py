"""All routes of metering, below `/api/v1`."""

from fastapi import APIRouter

from metering.api import (
    charge_disputes,
    electricity,
    electricity_days,
    meter_orders,
    meters,
    price_plans,
    reader,
    reading_withdrawals,
    readings,
    room_money,
    room_money_staff,
    rooms,
    sessions,
    supply,
    usage,
    water_places,
)

router = APIRouter(prefix="/api/v1")
_PARTS = (
    reader,
    meter_orders,
    rooms,
    meters,
    readings,
    reading_withdrawals,
    electricity,
    room_money,
    room_money_staff,
    charge_disputes,
    electricity_days,
    price_plans,
    sessions,
    usage,
    water_places,
    supply,
)
for _part in _PARTS:
    router.include_router(_part.router)
