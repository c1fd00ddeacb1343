"""Every page of the application, on a demonstration that runs: opened, looked at, loaded as on a slow phone.

    python -m benchmarks.pages [--only TEXT] [--languages zh,en] [--sizes phone,desk,…] [--schemes light,dark]
                               [--repeats N] [--without looks,loading,shifts] [--pictures FOLDER] [--json]

`campusgate demo` must run with the same data directory, and its day be over. Addresses are found by following links as
whoever may, starting from where each of them lands; what no link leads to is brought about by forms. A page of the
application that was not opened is a fault of this command, and counts as missed.

Looks: axe's rules for WCAG 2.2 AA and best practices, no scrolling sideways and no error of a script, in each language
at each size in light and dark. Loading: the largest contentful paint (LCP) of a first visit with an empty cache at a
quarter of this processor's speed and 1.6 Mbit/s with 150 ms, and the bytes that came; on a machine that does other
things the times are longer than on a phone, so the median of `--repeats` visits counts, and the machine's load is told.
Shifts: the cumulative layout shift of every page with a stream while alarms come and are acknowledged.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, Request

from benchmarks.page_addresses import Addresses, explore
from benchmarks.page_alarms import Alarms
from benchmarks.page_loading import Loading, measure, moved, shifted, watch_shifts
from benchmarks.page_looks import SCHEMES, SIZES, Finding, inspect
from benchmarks.page_states import State, all_states
from benchmarks.page_visitors import LANGUAGES, find_demonstration, open_context
from benchmarks.report import Report, budget, present, progress
from campusgate.demo.running import RunningDemonstration
from tools.browser import open_browser

_PARTS = ("resident", "guard", "cashier", "admin", "reviewer", "holder")
"""Who follows links: the first to find a page is who looks at it, and a resident's home shows more than a guard's."""
_LCP_MS, _FIRST_PAGE_BYTES, _SHIFT = 2_000.0, 100_000, 0.1
_WATCHED_MS = 20_000
_SETTLES_MS = 700


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that is looked at: an address, or a state."""

    name: str
    part: str
    path: str | None = None
    state: State | None = None

    def open(self, page: Page, told: RunningDemonstration) -> None:
        """Open it."""
        if self.state is not None:
            self.state.open(page, told)
        elif self.path is not None:
            page.goto(self.path)
        page.wait_for_load_state("load")
        page.wait_for_timeout(_SETTLES_MS)


def find_pages(browser: Browser, told: RunningDemonstration) -> tuple[Addresses, list[Opened], list[str]]:
    """Return an address for each page of the application, every page to be opened, and what could not be opened."""
    addresses, states, failed = Addresses.of_the_application(), all_states(), []
    for state in progress(states, "what no link leads to"):
        with open_context(browser, told, state.part, "en") as context:
            page = context.new_page()
            try:
                state.open(page, told)
            except Error as error:
                failed.append(f"{state.name}: {_first_line(error)}")
            else:
                addresses.add(page.url.removeprefix(told.server_url), state.part)
    for part in progress(_PARTS, "following links"):
        with open_context(browser, told, part, "en") as context:
            for _ in explore(addresses, context.new_page(), part, "/console/"):
                pass
    opened = [Opened(state.name, state.part, state=state) for state in states]
    for route, found in addresses.found.items():
        first = min(found, key=lambda one: _PARTS.index(one.part) if one.part in _PARTS else len(_PARTS))
        if first.part in _PARTS:
            opened.append(Opened(route, first.part, path=first.path))
    return addresses, opened, [*failed, *addresses.missing]


def _first_line(error: Error) -> str:
    return " ".join(str(error).split("\n")[:3])


def look(browser: Browser, told: RunningDemonstration, one: Opened, options: argparse.Namespace) -> Iterator[Finding]:
    """Yield what is wrong with a page in each language."""
    sizes = [size for size in SIZES if size.name in options.sizes]
    for language in options.languages:
        with open_context(browser, told, one.part, language) as context:
            page = context.new_page()
            errors: list[str] = []
            page.on("pageerror", partial(_note_error, errors))
            try:
                one.open(page, told)
                yield from inspect(
                    page, one.name, language, sizes=sizes, schemes=options.schemes, pictures=options.pictures
                )
            except Error as error:
                yield Finding(one.name, language, f"was not opened: {_first_line(error)}")
            yield from (Finding(one.name, language, f"a script failed: {error}") for error in errors)


def _note_error(errors: list[str], error: Error) -> None:
    errors.append(str(error))


def load(browser: Browser, told: RunningDemonstration, pages: Sequence[Opened], repeats: int) -> dict[str, Loading]:
    """Return how each page that has an address loads."""
    with_address = [one for one in pages if one.path is not None]
    return {
        one.name: measure(browser, told, one.part, one.path or "", language="zh", repeats=repeats)
        for one in progress(with_address, "loading as on a slow phone")
    }


def watch(browser: Browser, told: RunningDemonstration, pages: Sequence[Opened]) -> dict[str, tuple[float, list[str]]]:
    """Return how far things move on each page with a stream, desk and phone together, and what moved."""
    found = {}
    with Alarms(told) as alarms:
        for one in progress(pages, "watching what moves"):
            for width in (1280, 360):
                with open_context(browser, told, one.part, "zh", viewport={"width": width, "height": 800}) as context:
                    page = context.new_page()
                    streams: list[str] = []
                    page.on("request", partial(_note_stream, streams))
                    watch_shifts(page)
                    one.open(page, told)
                    if streams:
                        alarms.come_and_go(page.wait_for_timeout, _WATCHED_MS)
                        found[f"{one.name} {width}"] = (shifted(page), moved(page))
    return found


def _note_stream(streams: list[str], asked: Request) -> None:
    if "/stream" in asked.url:
        streams.append(asked.url)


def run(told: RunningDemonstration, options: argparse.Namespace) -> Report:
    """Do what was asked for."""
    figures: dict[str, Any] = {"load average": os.getloadavg()[0]}
    budgets = []
    with open_browser() as browser:
        addresses, every, unopened = find_pages(browser, told)
        chosen = [one for one in every if options.only in one.name]
        figures["pages opened"] = len(addresses.found)
        figures["states opened"] = len(every) - len(addresses.found)
        figures["pages not opened"] = unopened
        budgets.append(budget("pages not opened", len(unopened), "at most", 0))
        if "looks" not in options.without:
            findings = [found for one in progress(chosen, "looking") for found in look(browser, told, one, options)]
            figures["findings"] = [asdict(found) for found in findings]
            budgets.append(budget("findings", len(findings), "at most", 0))
        if "loading" not in options.without:
            loaded = load(browser, told, chosen, options.repeats)
            figures["loading"] = {name: asdict(one) for name, one in loaded.items()}
            budgets += [
                budget("LCP ms", max(one.largest_paint_ms for one in loaded.values()), "at most", _LCP_MS),
                budget(
                    "bytes of a first visit", max(one.received for one in loaded.values()), "at most", _FIRST_PAGE_BYTES
                ),
            ]
        if "shifts" not in options.without:
            shifts = watch(browser, told, chosen)
            figures["shifts"] = {name: value for name, (value, _) in shifts.items()}
            figures["moved"] = {name: things[:8] for name, (value, things) in shifts.items() if value >= _SHIFT}
            budgets.append(budget("layout shift", max(value for value, _ in shifts.values()), "at most", _SHIFT))
    figures["load average at the end"] = os.getloadavg()[0]
    return Report("pages", figures, budgets)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [size.name for size in SIZES]
    parser.add_argument("--only", default="", help="pages and states whose name holds this")
    parser.add_argument("--languages", type=lambda text: text.split(","), default=list(LANGUAGES))
    parser.add_argument("--sizes", type=lambda text: text.split(","), default=names, help=", ".join(names))
    parser.add_argument("--schemes", type=lambda text: text.split(","), default=list(SCHEMES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--without", type=lambda text: text.split(","), default=[])
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of each look")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    sys.exit(present(run(find_demonstration(), options), as_json=options.json))


if __name__ == "__main__":
    main()
