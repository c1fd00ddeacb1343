"""Pages of metering, for facilities staff."""

from console.pages.metering import actions, changes, days, network, overview, prices, room

ROUTERS = (
    overview.router,
    room.router,
    actions.router,
    changes.router,
    days.router,
    prices.router,
    network.router,
)
