"""One gate's page: its timeline, its figures, its directory, and why somebody was refused."""

from datetime import UTC, datetime

import pytest

from access.policy import GatePolicy, Rule
from accounts.people import changes
from accounts.tables import PersonGroup
from database import new_id
from directory import gates
from directory.publisher import Publisher
from directory.tables import GateApplied, GateRecord
from messages import Health
from tests.console.page_server import SEALER
from tests.databases import ON_SQLITE

# What a browser shows does not depend on the database: `test_stream` and `test_review_figures` run on each.
pytestmark = ON_SQLITE


def open_gate(open_window, console, **options):
    page = open_window(console, "F1", **options)
    # Not by a click: the board may move under the pointer while its first figures come in.
    page.goto(console.url + page.get_by_role("link", name="North gate").first.get_attribute("href"))
    page.locator("#link.live").wait_for()
    return page


def publish(console, *, group: str | None) -> None:
    """Let the directory be assembled with a rule for the student's group; `group` is where the student is."""
    now = datetime.now(UTC)
    with console.database.begin() as session:
        record = gates.get(session, "north", for_change=True)
        gates.change(session, record, GatePolicy(gate="north", rules=(Rule(group="students"),)), by="test", now=now)
        if group is not None:
            session.add(PersonGroup(person_id=console.people["S1"], name=group))
        changes.record(session, console.people["S1"])
    publisher = Publisher(console.database, SEALER, model_id="test-1", notify=lambda _gate, _revision: None)
    publisher.publish()


def test_the_timeline_shows_the_gates_own_events_and_goes_back_page_by_page(open_window, console) -> None:
    console.happen(120)
    console.happen(3, gate="south", kind="door_forced")
    page = open_gate(open_window, console)
    rows = page.locator("#events tr")
    page.get_by_role("button", name="Older events").click()
    page.locator("#events tr:nth-child(100)").wait_for()
    page.get_by_role("button", name="Older events").click()
    page.locator("#events tr:nth-child(120)").wait_for()
    page.get_by_role("button", name="Older events").wait_for(state="hidden")
    assert rows.count() == 120
    assert len({rows.nth(index).get_attribute("data-sequence") for index in range(120)}) == 120


def test_a_new_event_appears_at_the_top_without_reloading(open_window, console) -> None:
    console.happen(2)
    page = open_gate(open_window, console)
    console.happen(kind="door_forced", gate="south")
    console.happen(kind="door_held")
    page.locator("#events tr").first.get_by_text("Held open too long").wait_for()
    assert page.locator("#events tr").count() == 3
    page.locator("#alarms").get_by_text("Door held open").wait_for()
    assert page.locator("#alarms .alarm").count() == 1, "another gate's alarm is not this page's"


def test_the_figures_are_named_and_live(open_window, console) -> None:
    page = open_gate(open_window, console)
    now = datetime.now(UTC)
    figures = {"camera": "running", "frames_per_second": 14.8, "clock_sure": True, "camera_error": None}
    console.board.health(Health(gate="north", source="edge", at=now, figures=figures), heard_at=now)
    health = page.locator("#health")
    health.get_by_text("Frames per second").wait_for()
    shown = dict(line.split("\t") for line in health.locator("table").inner_text().splitlines())
    assert shown == {"Camera": "running", "Frames per second": "14.8", "Clock trusted": "yes", "Camera error": "–"}


def test_the_directorys_revision_and_lag_are_shown(open_window, console) -> None:
    publish(console, group=None)
    now = datetime.now(UTC)
    with console.database.begin() as session:
        revision = session.get_one(GateRecord, "north").revision
        session.add(GateApplied(gate="north", view="full", device_id=new_id(), revision=0, applied_at=now, seen_at=now))
        session.add(
            GateApplied(gate="north", view="cards", device_id=new_id(), revision=revision, applied_at=now, seen_at=now)
        )
    page = open_gate(open_window, console)
    directory = page.locator("#directory")
    directory.get_by_text("Edge (faces and cards)").wait_for()
    directory.get_by_text("in force").wait_for()
    directory.locator(".bad").first.wait_for()


def test_why_a_person_was_refused_is_explained_with_what_would_be_decided_now(open_window, console) -> None:
    publish(console, group="students")
    student = console.people["S1"]
    refused = {"kind": "access_denied", "granted": False, "method": "card", "person_id": student}
    console.happen(**refused, reason="card_lost", details={"people": 3.0})
    page = open_gate(open_window, console)
    page.get_by_role("button", name="Why?").click()
    why = page.get_by_role("dialog")
    why.get_by_text("The card was reported lost.").wait_for()
    why.get_by_text("would not pass now").wait_for()
    why.get_by_text("unknown card or code").wait_for()
    why.get_by_text("students").wait_for()
    why.get_by_text("Details").click()
    why.get_by_text("People known").wait_for()
    page.keyboard.press("Escape")
    why.wait_for(state="hidden")


def test_a_stranger_has_no_now(open_window, console) -> None:
    console.happen(kind="face_refused", granted=False, method="face", reason="unknown_face")
    page = open_gate(open_window, console)
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("Nobody in this gate's directory has this face").wait_for()
    page.get_by_text("so there is nobody to ask about").wait_for()


@pytest.mark.parametrize(
    ("group", "reason"),
    [(None, "no rule of the gate names a group of theirs"), ("students", "a photo not approved yet")],
)
def test_staff_ask_whether_somebody_may_pass(open_window, console, group: str | None, reason: str) -> None:
    publish(console, group=group)
    page = open_gate(open_window, console)
    page.get_by_label("Student or staff number").fill("S1")
    page.get_by_role("button", name="Ask").click()
    answer = page.locator("#answer")
    answer.get_by_text("May not pass").wait_for()
    answer.get_by_text(reason).wait_for()
    answer.get_by_text("Li", exact=False).first.wait_for()


def test_an_unknown_number_is_said_to_be_unknown(open_window, console) -> None:
    publish(console, group=None)
    page = open_gate(open_window, console)
    page.get_by_label("Student or staff number").fill("nobody")
    page.get_by_role("button", name="Ask").click()
    page.locator("#answer").get_by_text("Not found.").wait_for()


def test_an_event_of_another_gate_is_not_explained_here(open_window, console) -> None:
    console.happen(kind="access_denied", gate="south", reason="card_lost", granted=False)
    page = open_gate(open_window, console)
    status = page.evaluate("fetch('/console/gates/north/events/1/why').then((answer) => answer.status)")
    assert status == 404


def test_orders_are_given_from_the_gates_page_too(open_window, campus) -> None:
    page = open_gate(open_window, campus)
    page.get_by_role("button", name="Hold open").click()
    page.get_by_role("dialog").get_by_role("button", name="Hold open").click()
    page.locator(".door", has_text="Held open").wait_for()
