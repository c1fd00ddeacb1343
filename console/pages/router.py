"""All pages put together."""

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from console import problem_pages
from console.dependencies import KioskNotPairedError, NewPasswordNeededError, NotAllowedError, SignInNeededError
from console.live.feed import Feed
from console.pages import (
    administration,
    display,
    gates,
    kiosk,
    metering,
    mine,
    money,
    office,
    records,
    reviews,
    scan,
    sign_in,
    staff_sign_in,
)
from console.pages.kiosk.pairing import ask_to_pair
from console.pages.kiosk.screens import VisitOverError, lead_to_start
from console.rendering import FOLDER
from console.services import ConsoleServices
from gate_display.page import FOLDER as DISPLAY_FOLDER
from web.routes import add_routes
from web.static_files import CompressedFiles

ROUTERS = (
    sign_in.entrance,
    sign_in.router,
    staff_sign_in.router,
    *gates.ROUTERS,
    *display.ROUTERS,
    *records.ROUTERS,
    *mine.ROUTERS,
    *reviews.ROUTERS,
    *metering.ROUTERS,
    *administration.ROUTERS,
    *money.ROUTERS,
    *kiosk.ROUTERS,
    *office.ROUTERS,
    *scan.ROUTERS,
)


def install(app: FastAPI, services: ConsoleServices) -> None:
    """Add the pages to `app`, which answers errors by `web.problems`."""
    app.state.console = services
    app.state.console_feed = Feed(services)
    static = CompressedFiles(FOLDER / "static", "/console/static")
    screens = CompressedFiles(DISPLAY_FOLDER / "static", "/console/display-static")
    app.state.console_static = static
    files = [
        Mount(static.mount_path, static, name="console-static"),
        Mount(screens.mount_path, screens, name="display-static"),
    ]
    app.routes.extend(files)
    add_routes(app, *ROUTERS)
    pages = [route for part in ROUTERS for route in part.routes if isinstance(route, APIRoute)]
    named: list[Mount | APIRoute] = [*files, *pages]
    app.state.pages = {page.name: page for page in reversed(named)}
    problem_pages.install(app)
    app.add_exception_handler(SignInNeededError, sign_in.ask_to_sign_in)
    app.add_exception_handler(NewPasswordNeededError, sign_in.ask_for_password)
    app.add_exception_handler(NotAllowedError, sign_in.refuse)
    app.add_exception_handler(KioskNotPairedError, ask_to_pair)
    app.add_exception_handler(VisitOverError, lead_to_start)
