"""Pages of one's own."""

from console.pages.mine import photo, room_payments, usage

ROUTERS = (
    photo.router,
    usage.router,
    room_payments.router,
)
