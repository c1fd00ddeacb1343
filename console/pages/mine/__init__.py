"""Pages of one's own."""

from console.pages.mine import money, photo, room_payments, top_ups, usage

ROUTERS = (
    photo.router,
    money.router,
    top_ups.router,
    usage.router,
    room_payments.router,
)
