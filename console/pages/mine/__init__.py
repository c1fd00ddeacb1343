"""Pages of one's own."""

from console.pages.mine import face_data, home, money, photo, room_payments, top_ups, usage, visitors

ROUTERS = (
    home.router,
    photo.router,
    face_data.router,
    money.router,
    top_ups.router,
    usage.router,
    visitors.router,
    room_payments.router,
)
