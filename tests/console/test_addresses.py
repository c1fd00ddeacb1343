"""Addresses on the pages are made from the names of routes, which the whole server shares."""

import re
from pathlib import Path

from fastapi import FastAPI

from accounts.api.router import router as accounts
from console import pages
from console.rendering import FOLDER
from directory.api.routes import router as directory
from enrollment.api import router as enrollment
from operations.api import router as operations
from tests.app_client import AppClient
from web.static_files import CompressedFiles

OURS = [route for router in pages.ROUTERS for route in router.routes]
FILES = {"console-static", "display-static"}
"""Names of what is mounted, not routed; `install` makes them."""


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
        for template in (FOLDER / "templates").rglob("*.html")
        for name in re.findall(r"""\bpath\(["']([\w-]+)["']""", template.read_text(encoding="utf-8"))
    }
    assert named - {route.name for route in OURS} - FILES == set()


def test_every_address_that_code_names_exists() -> None:
    named = {
        name
        for module in FOLDER.rglob("*.py")
        for name in re.findall(r"""\b(?:path_to|done)\(\s*request,\s*"([\w-]+)\"""", module.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert named - {route.name for route in OURS} - FILES == set()


def test_static_files_are_compressed_and_kept_until_a_release_changes_them() -> None:
    app = FastAPI()
    static = CompressedFiles(FOLDER / "static", "/static")
    app.mount(static.mount_path, static)
    with AppClient(app) as client:
        style, drawing = (client.get(f"{static.mount_path}/{name}") for name in ("console.css", "favicon.svg"))
        plain = client.get(f"{static.mount_path}/console.css", headers={"Accept-Encoding": "identity"})
    for answer in (style, drawing, plain):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
    assert style.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert style.text == plain.text
    assert int(style.headers["content-length"]) < 0.5 * int(plain.headers["content-length"])


def test_a_changed_file_changes_every_address(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text("a", encoding="utf-8")
    before = CompressedFiles(tmp_path, "/static").mount_path
    assert CompressedFiles(tmp_path, "/static").mount_path == before
    (tmp_path / "one.js").write_text("b", encoding="utf-8")
    assert CompressedFiles(tmp_path, "/static").mount_path != before
