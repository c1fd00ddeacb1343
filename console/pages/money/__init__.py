"""The money desk: the counter, a cashier's day, subsidies, merchants, day-end, reconciliation, offline payments."""

from console.pages.money import (
    channels,
    counter,
    days,
    merchants,
    offline,
    own_day,
    person,
    receipts,
    refunds,
    requests,
    subsidies,
)

ROUTERS = (
    counter.router,
    person.router,
    receipts.router,
    refunds.router,
    own_day.router,
    requests.router,
    subsidies.router,
    merchants.router,
    days.router,
    channels.router,
    offline.router,
)
