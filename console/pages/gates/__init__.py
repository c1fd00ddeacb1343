"""Pages of the gates, for facilities staff."""

from console.pages.gates import actions, board, gate, wall, zone

ROUTERS = (
    board.router,
    actions.router,
    gate.router,
    zone.router,
    wall.router,
)
