"""Every page of a demonstration that runs, found and opened; what goes wrong with one does not end the others."""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, Request, Response

from benchmarks.page_addresses import Addresses, explore
from benchmarks.page_looks import SIZES, Finding, Look, settle
from benchmarks.page_records import Key, Records
from benchmarks.page_state import State
from benchmarks.page_states import all_states
from benchmarks.page_visitors import open_client, open_context
from benchmarks.report import progress
from campusgate.demo.running import RunningDemonstration

_PARTS = ("resident", "guard", "cashier", "admin", "reviewer", "holder")
"""Who follows links: the first to find a page is who looks at it, and a resident's home shows more than a guard's."""
FOUND: Key = ("found",)
_NOT_THE_PAGE = frozenset({httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND})
_FILLS_MS = 300
"""A live page has its first rows by then."""


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
        page.wait_for_timeout(_FILLS_MS)
        settle(page)


@dataclass(frozen=True, slots=True)
class Survey:
    """A demonstration, browsers, what is asked for, and what is known so far."""

    told: RunningDemonstration
    browser: Callable[[], Browser]
    options: argparse.Namespace
    records: Records

    def look_at_all(self) -> list[Opened]:
        """Look at every page that is asked for, and return it; states come first, for they make what links lead to."""
        states = [Opened(one.name, one.part, state=one) for one in all_states()]
        first, *others = self.options.languages
        for one in progress(states, f"what no link leads to, {first}"):
            self._look(one, first)
        linked = self._find_linked()
        wanted = [one for one in (*states, *linked) if self.options.only in one.name]
        if self.is_asked("looks"):
            for language in (first, *others):
                for one in progress(wanted, f"looking, {language}"):
                    self._look(one, language)
        return wanted

    def is_asked(self, which: str) -> bool:
        """Tell whether a pass is wanted."""
        return which not in self.options.without

    def _find_linked(self) -> list[Opened]:
        """Return an address for each page of the application that a link or a state led to."""
        addresses, failed = Addresses.of_the_application(), list[str]()
        note_opened(addresses, self.records.of("looks").values())
        for part in progress(_PARTS, "following links"):
            try:
                with open_client(self.told, part) as client:
                    failed += explore(addresses, client, part, "/console/")
            except (httpx.HTTPError, OSError) as error:
                failed.append(f"{part}: {error!r}")
        self.records.add(FOUND, {"pages": len(addresses.found), "missed": [*failed, *addresses.missing]})
        return list(_choose(addresses))

    def note(self, key: Key, work: Callable[[], dict[str, Any]]) -> None:
        """Do a piece of work unless it is done, and keep what came of it; an error is what came of it."""
        if key in self.records:
            return
        try:
            answer = work()
        except Exception as error:  # noqa: BLE001 - a page may break in any way, and the others are looked at all the same
            answer = {"failed": _first_lines(error)}
        self.records.add(key, answer)

    def _look(self, one: Opened, language: str) -> None:
        self.note(("looks", one.name, language), partial(self._look_once, one, language))

    def _look_once(self, one: Opened, language: str) -> dict[str, Any]:
        began = time.monotonic()
        findings: list[Finding] = []
        streams: list[str] = []
        path, statuses = None, list[int]()
        with open_context(self.browser(), self.told, one.part, language) as context:
            page = context.new_page()
            page.on(
                "pageerror", lambda error: findings.append(Finding(one.name, language, f"a script failed: {error}"))
            )
            page.on("request", partial(note_stream, streams))
            page.on("response", partial(_note_failure, findings, one.name, language))
            page.on("response", partial(_note_status, statuses, page))
            try:
                one.open(page, self.told)
                path = page.url.removeprefix(self.told.server_url)
                if self.is_asked("looks") and self.options.only in one.name:
                    for found in self._inspect(page, one, language):
                        findings.append(found)  # noqa: PERF402 - what came before an error stays
            except Exception as error:  # noqa: BLE001 - what was found before it counts too
                findings.append(Finding(one.name, language, f"was not opened: {_first_lines(error)}"))
        return {
            "findings": [asdict(found) for found in findings],
            "part": one.part,
            "path": path,
            "status": statuses[-1] if statuses else None,
            "streams": bool(streams),
            "seconds": time.monotonic() - began,
        }

    def _inspect(self, page: Page, one: Opened, language: str) -> Iterator[Finding]:
        sizes = [size for size in SIZES if size.name in self.options.sizes]
        return Look(page, one.name, language, sizes, self.options.schemes, self.options.pictures).inspect()


def note_opened(addresses: Addresses, answers: Iterable[Mapping[str, Any]]) -> None:
    """Note the addresses where looks ended; not where it was told that there is no such page, or none for them."""
    for answer in answers:
        if answer.get("path") and answer.get("status") not in _NOT_THE_PAGE:
            addresses.add(answer["path"], answer["part"])


def note_stream(streams: list[str], asked: Request) -> None:
    """Note a request for a stream of server-sent events."""
    if "/stream" in asked.url:
        streams.append(asked.url)


def _note_status(statuses: list[int], page: Page, answer: Response) -> None:
    """Note the status of a page itself, not of what belongs to it."""
    if answer.request.is_navigation_request() and answer.frame == page.main_frame:
        statuses.append(answer.status)


def _note_failure(findings: list[Finding], name: str, language: str, answer: Response) -> None:
    """Note an answer of the server that says that it failed: the page about it is not the page that was wanted."""
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        findings.append(Finding(name, language, f"{answer.request.method} {answer.url} answered {answer.status}"))


def _choose(addresses: Addresses) -> Iterator[Opened]:
    for route, found in addresses.found.items():
        first = min(found, key=lambda one: _PARTS.index(one.part) if one.part in _PARTS else len(_PARTS))
        if first.part in _PARTS:
            yield Opened(route, first.part, path=first.path)


def _first_lines(error: Exception) -> str:
    return f"{type(error).__name__}: " + " ".join(str(error).split("\n")[:3])
