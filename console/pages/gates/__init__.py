"""Pages of the gates, for facilities staff."""

from console.pages.gates import actions, board, charts, gate, plans, wall, zone

ROUTERS = (
    board.router,
    actions.router,
    gate.router,
    zone.router,
    wall.router,
    plans.router,
    charts.router,
)
