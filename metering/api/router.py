"""All routes of metering, below `/api/v1`."""

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
from web.routes import join

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
router = join(part.router for part in _PARTS)
