"""The money desk: the counter, a cashier's day, subsidies, merchants, day-end, reconciliation, offline payments."""

from console.pages.money import (
    channels,
    codes,
    counter,
    days,
    disputes,
    merchants,
    offline,
    own_day,
    payments,
    person,
    receipts,
    refunds,
    requests,
    rooms,
    subsidies,
)

ROUTERS = (
    counter.router,
    person.router,
    receipts.router,
    refunds.router,
    payments.router,
    rooms.router,
    own_day.router,
    requests.router,
    subsidies.router,
    merchants.router,
    codes.router,
    days.router,
    channels.router,
    offline.router,
    disputes.router,
)
