"""`docs/page-operations.md` names the page of every operation that a person may call."""

import re
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI

from accounts.api.router import router as accounts
from card_dispensing.api import router as card_dispensing
from console import pages
from directory.api.routes import router as directory
from enrollment.api import router as enrollment
from metering.api.router import router as metering
from network_access.api.router import router as network_access
from operations.api import router as operations

DOC = Path(__file__).parent.parent.parent / "docs" / "page-operations.md"
ROWS = dict(re.findall(r"^\| `([A-Z]+ /\S+)` \| ?(.*?) ?\|$", DOC.read_text(encoding="utf-8"), re.MULTILINE))


def _open_to_people() -> Iterator[str]:
    app = FastAPI()
    for router in (accounts, directory, enrollment, metering, network_access, card_dispensing, operations):
        app.include_router(router)
    for path, operations_of in app.openapi()["paths"].items():
        for method, operation in operations_of.items():
            schemes = {name for one in operation.get("security", []) for name in one}
            if schemes != {"device"}:
                yield f"{method.upper()} {path}"


def test_every_operation_of_people_stands_in_the_list() -> None:
    assert set(ROWS) == set(_open_to_people())


def test_every_operation_has_a_page_or_a_reason_why_not() -> None:
    assert [operation for operation, page in ROWS.items() if not page.strip(" |")] == []


def test_every_page_that_the_list_names_exists() -> None:
    addresses = {route.path for router in pages.ROUTERS for route in router.routes}
    named = {address for page in ROWS.values() for address in re.findall(r"`(/console[^`]*)`", page)}
    assert named - addresses == set()
