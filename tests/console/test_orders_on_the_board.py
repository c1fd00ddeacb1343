"""Staff actions, from a click or a key to the door: real controllers, signed commands, a real broker."""

import pytest
from sqlalchemy import select

from accounts.tables import AuditEntry
from operations.tables import StaffOrder
from tests.databases import ON_SQLITE

# What a browser shows does not depend on the database: `test_stream` and `test_review_figures` run on each.
pytestmark = ON_SQLITE


def card(page, gate: str):
    return page.locator(f"[data-gate={gate}]")


def give(page, action: str) -> None:
    """Confirm what the open dialog asks."""
    page.get_by_role("dialog").get_by_role("button", name=action).click()


def states(page, *expected: str) -> None:
    for gate in ("north", "south"):
        card(page, gate).get_by_text(expected[0] if len(expected) == 1 else expected[gate == "south"]).wait_for()


def test_a_door_is_held_open_and_released(open_window, campus) -> None:
    page = open_window(campus, "F1")
    card(page, "north").get_by_role("button", name="Hold open").click()
    page.get_by_text("Hold open · North gate").wait_for()
    give(page, "Hold open")
    page.get_by_text("Hold open · North gate: done").wait_for()
    card(page, "north").locator(".door", has_text="Held open").wait_for()
    assert campus.relays["north"].energised
    assert not campus.relays["south"].energised
    card(page, "north").get_by_role("button", name="Release").click()
    give(page, "Release")
    card(page, "north").locator(".door", has_text="Locked").wait_for()


def test_nothing_is_ordered_without_the_confirmation(open_window, campus) -> None:
    page = open_window(campus, "F1")
    card(page, "north").get_by_role("button", name="Lockdown").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    card(page, "north").get_by_role("button", name="Lockdown").click()
    page.keyboard.press("Escape")
    with campus.database.read() as session:
        assert session.scalars(select(StaffOrder)).all() == []


def test_a_lockdown_of_a_zone_waits_for_a_second_person(open_window, campus) -> None:
    chen, zhou = open_window(campus, "F1"), open_window(campus, "F2")
    chen.get_by_label("Place").select_option(label="Hall 1")
    chen.locator("#many").get_by_role("button", name="Lockdown").click()
    chen.get_by_role("dialog").get_by_label("Note").fill("drill")
    give(chen, "Lockdown")
    chen.get_by_text("Waiting for a second person to confirm").wait_for()
    chen.get_by_text("Asked by Chen Jing · drill").wait_for()
    chen.get_by_role("button", name="Confirm").click()
    chen.get_by_text("Another person must confirm this order.").wait_for()
    assert not [view for view in campus.board.views() if view.door.mode != "normal"]
    zhou.get_by_text("North gate, South gate").wait_for()
    zhou.get_by_role("button", name="Confirm").click()
    for page in (chen, zhou):
        for gate in ("north", "south"):
            card(page, gate).locator(".door", has_text="Lockdown").wait_for()
    zhou.locator("#waiting-panel").wait_for(state="hidden")
    with campus.database.read() as session:
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("order."))).all()
    assert sorted(actions) == ["order.ask", "order.confirm", "order.done"]


def test_a_gate_that_is_not_there_is_named_and_the_others_obey(open_window, campus) -> None:
    page = open_window(campus, "F1")
    page.get_by_label("Place").select_option(label="Everywhere")
    page.locator("#many").get_by_role("button", name="Lock", exact=True).click()
    give(page, "Lock")
    page.locator("#order-results").get_by_text("Lab: not sent: the gate is not there").wait_for()
    page.locator("#order-results").get_by_text("South gate: done").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    for gate in ("north", "south"):
        card(page, gate).locator(".door", has_text="Always closed").wait_for()


def test_everything_can_be_done_with_the_keyboard(open_window, campus) -> None:
    page = open_window(campus, "F1")
    card(page, "south").locator(".door", has_text="Locked").wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        where = "[document.activeElement.dataset.action, document.activeElement.closest('[data-gate]')?.dataset.gate]"
        if page.evaluate(where) == ["hold", "south"]:
            break
    else:
        pytest.fail("the button cannot be reached with the Tab key")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("Note").wait_for()
    page.keyboard.type("delivery")
    page.keyboard.press("Enter")
    card(page, "south").locator(".door", has_text="Held open").wait_for()
    with campus.database.read() as session:
        assert session.scalars(select(StaffOrder.note)).all() == ["delivery"]


@pytest.mark.parametrize("address", ["/console/gates", "/console/gates/north"])
def test_staff_see_who_opened_a_door_and_why(open_window, campus, address: str) -> None:
    chen = open_window(campus, "F1")
    card(chen, "north").get_by_role("button", name="Open once").click()
    chen.get_by_role("dialog").get_by_label("Note").fill("delivery for the kitchen")
    give(chen, "Open once")
    chen.get_by_text("Open once · North gate: done").wait_for()
    zhou = open_window(campus, "F2")
    zhou.goto(campus.url + address)
    row = zhou.locator("#events tr", has_text="Access granted")
    for shown in ("Chen Jing", "staff", "order of staff · delivery for the kitchen"):
        row.get_by_text(shown, exact=shown == "staff").wait_for()


def test_an_order_sent_twice_is_given_once(open_window, campus) -> None:
    page = open_window(campus, "F1")
    sent = """async () => {
        const {ticket} = await (await fetch('/console/tickets', {method: 'POST',
            headers: {'Content-Type': 'application/json'}, body: JSON.stringify({action: 'open'})})).json();
        const send = () => fetch('/console/orders', {method: 'POST', headers: {
            'Content-Type': 'application/json', 'Idempotency-Key': 'pressed-twice', 'Door-Ticket': ticket},
            body: JSON.stringify({action: 'open', gates: ['north']})}).then((answer) => answer.json());
        return (await Promise.all([send(), send()])).map((order) => order.id);
    }"""
    first, second = page.evaluate(sent)
    assert first == second
    with campus.database.read() as session:
        assert len(session.scalars(select(StaffOrder)).all()) == 1
