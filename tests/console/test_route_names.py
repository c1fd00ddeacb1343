"""Addresses on the pages are made from the names of routes, which the whole server shares."""

import re

from fastapi import FastAPI

from accounts.api.router import router as accounts
from console import pages
from console.rendering import FOLDER
from directory.api.routes import router as directory
from enrollment.api import router as enrollment
from operations.api import router as operations

OURS = [route for router in pages.ROUTERS for route in router.routes]


def test_no_api_route_takes_the_name_of_a_page() -> None:
    """The name of a route is by default its function's, and the first one found wins."""
    app = FastAPI()
    for part in (accounts, directory, enrollment, operations):
        app.include_router(part)
    for part in pages.ROUTERS:
        app.include_router(part)
    for route in OURS:
        parameters = dict.fromkeys(re.findall(r"{(\w+)}", route.path), "x")
        assert app.url_path_for(route.name, **parameters) == re.sub(r"{\w+}", "x", route.path)


def test_every_address_that_a_page_names_exists() -> None:
    named = {
        name
        for template in (FOLDER / "templates").glob("*.html")
        for name in re.findall(r"""\bpath\(["']([\w-]+)["']""", template.read_text(encoding="utf-8"))
    }
    assert named - {route.name for route in OURS} == {"console-static"}
