"""What a first visit loads: 100 KB at most, and no script that is asked for only when another has come."""

import posixpath
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from access.policy import GatePolicy
from access.reasons import Reason
from accounts.vocabulary import Role
from console.navigation import AREAS
from directory import gates
from tests.console.page_server import Pages, hire, signed_in

MOST_BYTES = 100_000
MOST_BYTES_OF_HEADERS = 700
"""Of one answer; those of the server come to 400 to 600."""

PAGES = sorted({page.route for area in AREAS for page in area.pages} | {"sign_in_page"})
IMPORT = re.compile(r"""^import\b[^"'(]*["'](\.[^"']+)["']""", re.MULTILINE)


@pytest.fixture(scope="module")
def campus_of_200_gates(served_pages: Pages) -> Pages:
    """Two hundred gates in ten buildings, and a hundred refusals of this hour."""
    now = datetime.now(UTC)
    with served_pages.database.begin() as session:
        for building in range(10):
            gates.put_zone(session, f"b{building}", site="main", title=f"{building + 1}号楼", by="test", now=now)
        for number in range(197):
            policy = GatePolicy(gate=f"gate-{number:03}", inner_zone=f"b{number % 10}")
            gates.add(session, policy, title=f"{number}号门", by="test", now=now)
    for number in range(100):
        served_pages.happen(
            gate=f"gate-{number:03}",
            kind="access_refused",
            granted=False,
            reason=list(Reason)[number % len(Reason)],
            person_id=uuid4(),
        )
    return served_pages


@pytest.fixture(scope="module")
def files() -> dict[str, tuple[str, int]]:
    """Static files by address, with what each costs; they are the same for every page."""
    return {}


@pytest.fixture(scope="module")
def everybody(campus_of_200_gates: Pages) -> Iterator[httpx.Client]:
    """Somebody who may open every page, and reads Chinese."""
    console = campus_of_200_gates
    hire(console.database, console.app.state.accounts, "A1", "王芳", *Role)
    with signed_in(console, "A1", **{"Accept-Language": "zh", "Accept-Encoding": "gzip"}) as client:
        yield client


class Visit:
    """Loads a page and all that it names, as a browser with an empty cache does."""

    def __init__(self, client: httpx.Client, files: dict[str, tuple[str, int]], address: str) -> None:
        html, size = _load(client, address)
        self.named = set(re.findall(r"/console/static/[\w./]+\.\w+", html))
        for one in self.named - set(files):
            files[one] = _load(client, one)
        self.sizes = {address: size} | {one: files[one][1] for one in self.named}
        self.modules = {one: files[one][0] for one in self.named if one.endswith(".js")}

    @property
    def imported(self) -> set[str]:
        """What the modules import at once, by their own text."""
        return {
            posixpath.normpath(posixpath.join(posixpath.dirname(address), one))
            for address, content in self.modules.items()
            for one in IMPORT.findall(content)
        }


def _load(client: httpx.Client, address: str) -> tuple[str, int]:
    answer = client.get(address).raise_for_status()
    return answer.text, answer.num_bytes_downloaded + MOST_BYTES_OF_HEADERS


@pytest.mark.parametrize("route", PAGES)
def test_a_first_visit_is_small_and_asks_for_every_script_at_once(
    everybody: httpx.Client, campus_of_200_gates: Pages, files: dict[str, tuple[str, int]], route: str
) -> None:
    pages = campus_of_200_gates.app.state.pages
    visit = Visit(everybody, files, pages[route].url_path_for(route))
    assert visit.imported <= visit.named
    assert sum(visit.sizes.values()) <= MOST_BYTES, visit.sizes


def test_the_page_of_a_gate_is_small_too(everybody: httpx.Client, files: dict[str, tuple[str, int]]) -> None:
    visit = Visit(everybody, files, "/console/gates/gate-042")
    assert len(visit.modules) > 10, "found"
    assert visit.imported <= visit.named
    assert sum(visit.sizes.values()) <= MOST_BYTES, visit.sizes


def test_a_live_page_ships_the_words_of_its_own_area(everybody: httpx.Client) -> None:
    wall, photo = everybody.get("/console/wall").text, everybody.get("/console/me/photo").text
    assert '"alarm.none"' in wall
    assert '"offline"' in wall, "what all scripts share"
    assert '"consent.' not in wall
    assert '"consent.' in photo
    assert '"metering_staff' not in photo


def test_a_page_is_compressed_for_whoever_takes_that(everybody: httpx.Client) -> None:
    small = everybody.get("/console/wall")
    plain = everybody.get("/console/wall", headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert {small.headers["vary"], plain.headers["vary"]} == {"Accept-Encoding"}
    assert small.num_bytes_downloaded < 0.3 * plain.num_bytes_downloaded


SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() => resolve(sum), 100));
})"""


def test_nothing_moves_when_what_a_phone_shows_has_come(open_window, served_pages: Pages) -> None:
    phone = {"viewport": {"width": 360, "height": 780}}
    page = open_window(served_pages, "S1", path="/console/me/photo", ready="#consent", **phone)
    assert page.locator(".further").first.is_visible()
    assert page.evaluate(SHIFT) < 0.05
