"""A kiosk's touch screen: nothing but what its holder does there."""

from console.pages.kiosk import card_issue, fines, loss, pairing, start, top_up

ROUTERS = (pairing.router, start.router, top_up.router, loss.router, card_issue.router, fines.router)
