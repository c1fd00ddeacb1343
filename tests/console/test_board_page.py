import re
from datetime import UTC, datetime

from database import new_id
from messages import Availability, DoorState, DoorStatus, ProcessStatus
from tests.console.axe import violations
from tests.console.page_server import camera_view
from tests.databases import ON_SQLITE

# What a browser shows does not depend on the database: `test_stream` and `test_review_figures` run on each.
pytestmark = ON_SQLITE

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
BOOT = new_id()
PASSWORD = "a quiet evening at the gate"


def door(sequence: int, state: DoorStatus) -> DoorState:
    return DoorState(gate="north", boot_id=BOOT, sequence=sequence, at=NOW, state=state, unlocked=False)


def sign_in(page, console, number: str = "F1", password: str = PASSWORD) -> None:
    page.goto(f"{console.url}/console/")
    page.get_by_label("Student or staff number").fill(number)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_staff_see_a_gate_change_without_reloading(page, console) -> None:
    console.board.door(door(0, DoorStatus.LOCKED), heard_at=NOW)
    console.board.availability(
        Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=BOOT), source="controller", heard_at=NOW
    )
    sign_in(page, console)
    gate = page.locator("[data-gate=north]")
    gate.get_by_text("Locked").wait_for()
    gate.get_by_text("Controller: online").wait_for()
    gate.get_by_text("Edge: not heard of").wait_for()
    console.board.door(door(1, DoorStatus.FORCED), heard_at=NOW)
    gate.get_by_text("Forced open").wait_for()


def test_a_gate_that_nobody_has_heard_of_is_there_too(page, console) -> None:
    sign_in(page, console)
    lab = page.locator("[data-gate=lab]")
    lab.get_by_text("Unknown").wait_for()
    lab.get_by_text("Controller: not heard of").wait_for()


def test_a_passage_appears_at_the_top_with_the_persons_name(page, console) -> None:
    console.happen(kind="door_forced")
    sign_in(page, console)
    page.locator("#events tr").get_by_text("Forced open").wait_for()
    person = new_id()
    console.names[person] = "Wang <b>Xiaoming</b>"
    console.happen(person_id=person, method="face", granted=True, reason="granted", latency_ms=41.6)
    page.get_by_text("Wang <b>Xiaoming</b>", exact=True).wait_for()
    assert page.locator("#events tr").first.inner_text().split("\t")[1:] == [
        "North gate",
        "Access granted",
        "Wang <b>Xiaoming</b>",
        "face",
        "granted",
        "42 ms",
    ]


def test_a_wrong_password_opens_nothing(page, console) -> None:
    sign_in(page, console, "F1", "wrong password")
    page.get_by_text("is wrong").wait_for()
    assert page.locator("[name=number]").input_value() == "F1"
    page.goto(f"{console.url}/console/gates")
    page.get_by_role("button", name="Sign in").wait_for()


def test_who_has_no_business_here_is_told_so(page, console) -> None:
    sign_in(page, console, "S1")
    page.get_by_role("heading", name="Last passage").wait_for()
    answer = page.goto(f"{console.url}/console/gates")
    assert answer.status == 403
    page.get_by_text("Your role does not include this page").wait_for()
    assert page.locator("#events").count() == 0
    page.get_by_role("link", name="Go to my page").click()
    page.get_by_role("heading", name="Last passage").wait_for()


def test_after_signing_out_the_board_asks_to_sign_in_again(page, console) -> None:
    sign_in(page, console)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in").wait_for()
    page.goto(f"{console.url}/console/gates")
    page.get_by_role("button", name="Sign in").wait_for()


def test_a_chinese_reader_sees_chinese(open_window, console) -> None:
    console.happen(kind="door_forced")
    page = open_window(console, "F1", locale="zh-CN")
    page.locator("#alarms").get_by_text("强行开门").wait_for()
    words = page.locator("main").inner_text()
    # Names of gates and people are data; everything else is Chinese.
    left = set(re.findall(r"[A-Za-z]{3,}", words)) - {"North", "South", "gate", "Lab", "Hall"}
    assert not left, left


def test_an_alarm_is_acknowledged_with_a_note_and_everybody_sees_it(open_window, console) -> None:
    console.happen(kind="spoof")
    chen, zhou = open_window(console, "F1"), open_window(console, "F2")
    chen.get_by_role("button", name="Acknowledge: False face shown, North gate").click()
    chen.get_by_role("dialog").get_by_label("Note").fill("went to look")
    chen.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    for page in (chen, zhou):
        page.get_by_text("No alarms.").wait_for()
        assert not page.title().startswith("(")


def test_what_the_camera_saw_is_one_press_away_from_the_alarm(open_window, console) -> None:
    [event] = console.happen(kind="spoof")
    chen = open_window(console, "F1")
    alarm = chen.locator("#alarms .alarm")
    alarm.get_by_text("False face shown").wait_for()
    assert alarm.locator(".picture").is_hidden()
    console.picture(event.id, camera_view())
    alarm.get_by_role("link", name="Picture: False face shown, North gate").click()
    chen.get_by_role("img", name="North gate: what the camera saw at the alarm “False face shown”").wait_for()
    chen.wait_for_function("document.querySelector('figure img').naturalWidth === 160")
    caption = chen.locator("caption").bounding_box()
    assert caption is None or caption["width"] <= 1, "one row needs no caption that is seen"
    for width, scheme in ((360, "light"), (1280, "dark")):
        chen.set_viewport_size({"width": width, "height": 800})
        chen.emulate_media(color_scheme=scheme)
        assert violations(chen) == []


def test_an_alarm_that_goes_on_says_who_looks_after_it(open_window, console) -> None:
    console.happen(kind="door_forced")
    chen, zhou = open_window(console, "F1"), open_window(console, "F2")
    assert zhou.title().startswith("(1)")
    chen.get_by_role("button", name="Acknowledge").click()
    chen.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    zhou.get_by_text("Acknowledged · Chen Jing").wait_for()
    console.happen(kind="door_forced_ended")
    zhou.get_by_text("No alarms.").wait_for()


def test_an_alarm_somebody_else_acknowledged_first_is_said_to_be(open_window, console) -> None:
    console.happen(kind="spoof")
    chen, zhou = open_window(console, "F1"), open_window(console, "F2")
    chen.get_by_role("button", name="Acknowledge").click()
    zhou.get_by_role("button", name="Acknowledge").click()
    zhou.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    zhou.get_by_text("No alarms.").wait_for()
    chen.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    chen.get_by_text("acknowledged or closed already").wait_for()


def test_focus_stays_where_it_is_while_the_board_changes(page, console) -> None:
    console.happen(kind="spoof")
    sign_in(page, console)
    button = page.get_by_role("button", name="Acknowledge")
    button.focus()
    console.happen(kind="door_forced", gate="south")
    console.happen(kind="tamper", gate="lab")
    page.locator("#alarms").get_by_text("Tamper").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "Acknowledge: False face shown, North gate"
    )


def test_a_server_without_a_key_offers_no_orders(page, console) -> None:
    sign_in(page, console)
    page.get_by_text("cannot give orders").wait_for()
    assert page.locator("[data-action]").count() == 0


def test_an_open_critical_alarm_needs_a_look_although_the_door_is_at_rest(page, console) -> None:
    for gate in ("north", "south", "lab"):
        presence = Availability(gate=gate, status=ProcessStatus.ONLINE, boot_id=BOOT)
        console.board.availability(presence, source="controller", heard_at=NOW)
        told = DoorState(gate=gate, boot_id=BOOT, sequence=1, at=NOW, state=DoorStatus.LOCKED, unlocked=False)
        console.board.door(told, heard_at=NOW)
    sign_in(page, console)
    page.get_by_text("All gates: 3 · need a look: 0").wait_for()
    console.happen(kind="spoof")
    page.get_by_text("All gates: 3 · need a look: 1").wait_for()
    page.locator("[data-gate=north] .urgent").get_by_text("False face shown").wait_for()
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    page.get_by_text("All gates: 3 · need a look: 0").wait_for()


def test_of_many_gates_those_that_need_a_look_can_be_shown_alone(page, console) -> None:
    for gate, state in (("north", DoorStatus.LOCKED), ("south", DoorStatus.FORCED)):
        presence = Availability(gate=gate, status=ProcessStatus.ONLINE, boot_id=BOOT)
        console.board.availability(presence, source="controller", heard_at=NOW)
        told = DoorState(gate=gate, boot_id=BOOT, sequence=1, at=NOW, state=state, unlocked=False)
        console.board.door(told, heard_at=NOW)
    sign_in(page, console)
    page.get_by_text("All gates: 3 · need a look: 2").wait_for()
    page.get_by_label("Only those that need a look").check()
    page.locator("[data-gate=north]").wait_for(state="hidden")
    assert page.locator("[data-gate=south]").is_visible()
    assert page.locator("[data-gate=lab]").is_visible(), "nobody has heard of it"
    console.board.door(
        door(2, DoorStatus.LOCKED).model_copy(update={"wire_faults": ("fire:cut",)}),
        heard_at=NOW,
    )
    page.locator("[data-gate=north]").get_by_text("Fire input: cut").wait_for()
