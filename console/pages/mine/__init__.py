"""Pages of one's own."""

from console.pages.mine import (
    cards,
    face_data,
    home,
    money,
    photo,
    room_payments,
    top_ups,
    usage,
    virtual_card,
    visitors,
)

ROUTERS = (
    home.router,
    virtual_card.router,
    cards.router,
    photo.router,
    face_data.router,
    money.router,
    top_ups.router,
    usage.router,
    visitors.router,
    room_payments.router,
)
