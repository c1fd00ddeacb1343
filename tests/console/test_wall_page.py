"""The wall in a browser: every gate in its place, trouble above, alarms grouped at the side, and nothing that jumps."""

import json
import random
from datetime import UTC, datetime

import pytest

from access.policy import GatePolicy
from console.live.state import Scope, State
from database import new_id
from directory import gates
from messages import Availability, DoorState, ProcessStatus
from messages.status import DoorStatus
from operations.tables import Alarm
from tests.console.axe import DESK, PHONE, inspect
from tests.console.page_server import Pages, signed_in

BOOT = new_id()
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts.push([one.startTime, one.value]);
}).observe({ type: "layout-shift", buffered: true });
"""


def cumulative_shift(page) -> float:
    """The layout shift of the worst session window, as browsers define it: at most 1 s between two, 5 s in all."""
    worst = window = 0.0
    begun = last = float("-inf")
    for at, value in page.evaluate("window.shifts"):
        if at - last > 1000 or at - begun > 5000:
            window, begun = 0.0, at
        window, last = window + value, at
        worst = max(worst, window)
    return worst


@pytest.fixture(scope="module")
def many_gates(served_pages: Pages) -> list[str]:
    """Two hundred gates in ten buildings, all at rest."""
    now = datetime.now(UTC)
    names = [f"gate-{number:03}" for number in range(197)]
    with served_pages.database.begin() as session:
        for building in range(10):
            gates.put_zone(session, f"b{building}", site="main", title=f"Building {building + 1}", by="test", now=now)
        for number, name in enumerate(names):
            policy = GatePolicy(gate=name, inner_zone=f"b{number % 10}")
            gates.add(session, policy, title=f"Door {number}", by="test", now=now)
    names += ["north", "south", "lab"]
    for name in names:
        presence = Availability(gate=name, status=ProcessStatus.ONLINE, boot_id=BOOT)
        served_pages.board.availability(presence, source="controller", heard_at=now)
        told = DoorState(gate=name, boot_id=BOOT, sequence=1, at=now, state=DoorStatus.LOCKED, unlocked=False)
        served_pages.board.door(told, heard_at=now)
    return names


def test_two_hundred_gates_on_one_wall_and_nothing_jumps(open_window, served_pages: Pages, many_gates) -> None:
    served_pages.happen(kind="access_denied", gate="north", granted=False, reason="card_lost")
    page = open_window(served_pages, "F1", viewport={"width": 1920, "height": 1080})
    page.add_init_script(SHIFTS)
    page.goto(f"{served_pages.url}/console/wall")
    page.locator("#link.live").wait_for()
    page.get_by_text("All gates: 200 · need a look: 0").wait_for()
    assert page.locator("#tiles .tile").count() == 200
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "it has to be scrolled"
    before = page.locator("#tiles [data-gate=gate-150]").bounding_box()

    chosen = random.Random(7).sample(many_gates, 36)
    for gate in chosen:
        served_pages.happen(kind="camera_lost", gate=gate)
    served_pages.happen(kind="door_forced", gate="south")
    page.get_by_text("All gates: 200 · need a look: 3").wait_for()
    page.locator("#alarms").get_by_text("36 × Camera lost").wait_for()
    assert page.locator("#trouble .tile").first.inner_text()
    assert page.locator("#trouble .is-critical").get_by_text("South gate").is_visible()
    assert page.locator("#tiles [data-gate=gate-150]").bounding_box() == before

    page.get_by_role("button", name="Unfold: 36 × Camera lost").click()
    assert page.locator("#alarms .alarm").count() == 37
    inspect(page, (1920, "light"), DESK, PHONE)

    page.get_by_role("button", name="Acknowledge all: 36 × Camera lost").click()
    page.get_by_role("dialog").get_by_label("Note").fill("power cut in the east")
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    page.locator(".group.seen").get_by_text("36 × Camera lost").wait_for()
    with served_pages.database.read() as session:
        seen = session.query(Alarm).filter(Alarm.kind == "camera_lost", Alarm.acknowledged_at.is_not(None)).all()
    assert {one.note for one in seen} == {"power cut in the east"}
    assert len(seen) == 36

    for gate in chosen:
        served_pages.happen(kind="camera_back", gate=gate)
    page.get_by_text("All gates: 200 · need a look: 1").wait_for()
    assert cumulative_shift(page) < 0.1


def test_the_board_does_not_jump_while_alarms_come_and_go(open_window, served_pages: Pages, many_gates) -> None:
    del many_gates
    page = open_window(served_pages, "F1", viewport={"width": 1280, "height": 720})
    page.add_init_script(SHIFTS)
    page.goto(f"{served_pages.url}/console/gates")
    page.locator("#link.live").wait_for()
    for _ in range(3):
        served_pages.happen(kind="tamper", gate="north")
        served_pages.happen(kind="wire_fault", gate="south")
        page.locator("[data-gate=north]").get_by_text("Tamper").wait_for()
        served_pages.happen(20, gate="lab", granted=True, reason="granted")
        served_pages.happen(kind="tamper_ended", gate="north")
        page.locator("#alarms").get_by_text("over").wait_for()
    assert cumulative_shift(page) < 0.1


def test_the_page_names_what_happened_last_before_any_script_runs(served_pages: Pages) -> None:
    served_pages.happen(kind="access_denied", gate="lab", granted=False, reason="card_lost")
    served_pages.happen(kind="closed", gate="lab")
    with signed_in(served_pages, "F1") as client:
        page = client.get("/console/wall").text
    places = json.loads(page.partition('id="places">')[2].partition("</script>")[0])
    assert places["last"]["lab"]["kind"] == "access_denied"


def test_only_what_changed_is_sent() -> None:
    north, south = ({"gate": name, "door": "locked", "health": {}} for name in ("north", "south"))
    before = State(gates={"north": north, "south": south}, alarms={"1": {"id": "1", "gate": "north"}})
    after = State(gates={"north": north, "south": {**south, "door": "open"}}, alarms={})
    assert after.changes(before, Scope()).decode().splitlines() == [
        "event: gates_changed",
        'data: {"put":[{"gate":"south","door":"open"}],"gone":[]}',
        "",
        "event: alarms_changed",
        'data: {"put":[],"gone":["1"]}',
        "",
    ]
    figures = State(gates={**before.gates, "north": {**north, "health": {"edge": 1}}}, alarms=before.alarms)
    assert figures.changes(before, Scope()) == b""
    assert b'"edge":1' in figures.changes(before, Scope(gate="north"))
    assert figures.changes(before, Scope(gate="south")) == b""
