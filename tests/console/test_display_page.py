"""The screen of a gate in a browser, from what the server hears."""

import uuid
from datetime import UTC, datetime

import pytest

from messages import Advice, Availability, DoorState, DoorStatus, Feedback, ProcessStatus
from operations.board import Board
from tests.console.axe import violations
from tests.console.page_server import Pages, signed_in

CLOCK_DIFFERS = """async () => {
  const campus = () => new Intl.DateTimeFormat("en-GB", {
    timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date());
  // Between two ticks of a second the minute may have changed: once they agree is enough.
  for (let tries = 0; tries < 40; tries += 1) {
    if (document.getElementById("clock").textContent === campus()) return false;
    await new Promise((after) => setTimeout(after, 100));
  }
  return true;
}"""
SIZES = [(800, 480), (1280, 800), (480, 800)]
"""Seven inches, ten inches, and a tall one."""
BOOT = uuid.uuid4()


def stand(board: Board, status: DoorStatus = DoorStatus.LOCKED, sequence: int = 1) -> None:
    now = datetime.now(UTC)
    board.door(
        DoorState(gate="north", boot_id=BOOT, sequence=sequence, at=now, state=status, unlocked=False), heard_at=now
    )
    present = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=BOOT, at=now)
    for source in ("controller", "edge"):
        board.availability(present, source=source, heard_at=now)


def test_a_person_reads_what_to_do_and_what_became_of_it(served_pages: Pages, open_window) -> None:
    from playwright.sync_api import expect

    stand(served_pages.board)
    page = open_window(served_pages, "F1")
    page.set_viewport_size({"width": 1024, "height": 600})
    page.goto(f"{served_pages.url}/console/display/north")
    title = page.locator("#title-en")
    expect(title).to_have_text("Look at the camera")
    assert page.evaluate(CLOCK_DIFFERS) is False, "the campus's clock, whatever the panel's time zone is"
    now = datetime.now(UTC)
    served_pages.board.feedback(Feedback(gate="north", at=now, advice=Advice.TAKE_OFF_MASK), heard_at=now)
    expect(title).to_have_text("Take off your mask")
    assert violations(page) == []
    served_pages.happen(kind="access_granted")
    expect(page.locator("body[data-look=granted]")).to_be_visible()
    expect(page.locator("#title-zh")).to_have_text("请通行")
    assert violations(page) == []
    served_pages.happen(kind="access_denied", reason="directory_missing")
    expect(page.locator("body[data-look=refused]")).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.body.scrollHeight <= innerHeight && document.body.scrollWidth <= innerWidth")
        lowest = page.locator("#lead-en").bounding_box()
        assert lowest["y"] + lowest["height"] <= page.locator("footer").bounding_box()["y"] + 1, (width, height)
    assert violations(page) == []
    expect(page.locator("body[data-look=idle], body[data-look=advice]")).to_be_visible()


def test_a_screen_is_for_staff_to_open_and_of_a_gate_that_exists(served_pages: Pages) -> None:
    with signed_in(served_pages, "F1") as staff, signed_in(served_pages, "S1") as holder:
        assert staff.get("/console/display/nowhere").status_code == 404
        assert staff.get("/console/display/north").status_code == 200
        assert holder.get("/console/display/north").status_code == 403


@pytest.mark.parametrize("name", ["display.css", "display.js", "display.svg"])
def test_its_files_are_kept_by_their_digest(served_pages: Pages, name: str) -> None:
    with signed_in(served_pages, "F1") as staff:
        html = staff.get("/console/display/north").text
        address = next(one for one in html.split('"') if one.endswith(name))
        assert "immutable" in staff.get(address).headers["cache-control"]
