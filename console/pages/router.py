"""All pages put together."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from console.dependencies import NewPasswordNeededError, NotAllowedError, SignInNeededError
from console.pages import (
    board,
    board_actions,
    gate,
    metering,
    metering_actions,
    metering_changes,
    metering_days,
    metering_prices,
    metering_room,
    photo,
    review_actions,
    reviews,
    room_payments,
    sign_in,
    usage,
    zone,
)
from console.rendering import FOLDER
from console.services import ConsoleServices

ROUTERS = (
    board.router,
    sign_in.router,
    board_actions.router,
    gate.router,
    zone.router,
    photo.router,
    usage.router,
    room_payments.router,
    reviews.router,
    review_actions.router,
    metering.router,
    metering_room.router,
    metering_actions.router,
    metering_changes.router,
    metering_days.router,
    metering_prices.router,
)


def install(app: FastAPI, services: ConsoleServices) -> None:
    """Add the pages to `app`, which answers errors by `web.problems`."""
    app.state.console = services
    app.mount("/console/static", StaticFiles(directory=FOLDER / "static"), name="console-static")
    for part in ROUTERS:
        app.include_router(part)
    app.add_exception_handler(SignInNeededError, sign_in.ask_to_sign_in)
    app.add_exception_handler(NewPasswordNeededError, sign_in.ask_for_password)
    app.add_exception_handler(NotAllowedError, sign_in.refuse)
