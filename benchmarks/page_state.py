"""A page that no link leads to: who brings it about, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from benchmarks.page_forms import send
from campusgate.demo.running import RunningDemonstration


@dataclass(frozen=True, slots=True)
class State:
    """A page to be brought about by whoever plays `part`; `open` leaves it open in their browser."""

    name: str
    part: str
    open: Callable[[Page, RunningDemonstration], None]


def at(name: str, part: str, path: str) -> State:
    """Return the page at an address."""
    return State(name, part, lambda page, told: _go(page, path.format(gate=told.gate)))


def sent(name: str, part: str, path: str, action: str, /, **typed: Any) -> State:
    """Return what a form of a page answers."""
    return State(name, part, lambda page, _: send(page, path, action, **typed))


def _go(page: Page, path: str) -> None:
    page.goto(path)


def follow(page: Page, path: str, end: str, *, part_of: bool = False) -> None:
    """Go where the first link of a page leads whose address ends with, or has in it, what is given."""
    page.goto(path)
    link = page.locator(f'main a[href{"*" if part_of else "$"}="{end}"]').first
    page.goto(str(link.get_attribute("href")))


def table_file(name: str, content: str) -> dict[str, Any]:
    """Return a table as a file to be chosen in a form."""
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
