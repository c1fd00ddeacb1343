"""Pages of one's own."""

from console.pages.mine import (
    cards,
    face_data,
    fines,
    gates,
    home,
    money,
    network,
    passages,
    photo,
    room_payments,
    security,
    top_ups,
    usage,
    virtual_card,
    visitors,
)

ROUTERS = (
    home.router,
    virtual_card.router,
    cards.router,
    security.router,
    photo.router,
    face_data.router,
    gates.router,
    passages.router,
    money.router,
    top_ups.router,
    fines.router,
    usage.router,
    network.router,
    visitors.router,
    room_payments.router,
)
