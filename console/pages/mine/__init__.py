"""Pages of one's own."""

from console.pages.mine import home, money, photo, room_payments, top_ups, usage

ROUTERS = (
    home.router,
    photo.router,
    money.router,
    top_ups.router,
    usage.router,
    room_payments.router,
)
