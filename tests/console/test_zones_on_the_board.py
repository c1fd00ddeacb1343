"""Who is inside: the number on the board, the list for an evacuation, passages forgiven, and every door held open."""

from datetime import UTC, datetime

from sqlalchemy import select

from access.policy import AntiPassback, Direction, GatePolicy, Occupancy
from accounts.tables import AuditEntry
from directory import gates, zone_passages
from messages import Method
from tests.databases import ON_SQLITE

# What a browser shows does not depend on the database: `test_stream` and `test_review_figures` run on each.
pytestmark = ON_SQLITE


def limit_the_hall(console, limit: int) -> None:
    """North counts who goes in."""
    rules = {"occupancy": Occupancy(limit=limit), "anti_passback": AntiPassback(kind="area")}
    policy = GatePolicy(gate="north", inner_zone="hall", direction=Direction.ENTRY, **rules)
    with console.database.begin() as session:
        record = gates.get(session, "north", for_change=True)
        gates.change(session, record, policy, by="test", now=datetime.now(UTC))


def walk_in(console, *numbers: str) -> None:
    for number in numbers:
        [event] = console.happen(person_id=console.people[number], method=Method.CARD, granted=True)
        with console.database.begin() as session:
            zone_passages.record(session, [event], now=datetime.now(UTC))
    console.board.touch()


def test_the_board_counts_who_is_inside_and_staff_forgive_them(open_window, console) -> None:
    limit_the_hall(console, 2)
    page = open_window(console, "F1")
    hall = page.locator("#zones .zone", has_text="Hall 1")
    hall.get_by_text("0 / 2").wait_for()
    walk_in(console, "S1", "F2")
    hall.get_by_text("2 / 2").wait_for()
    hall.get_by_role("button", name="Forgive: Hall 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Number").fill("nobody")
    dialog.get_by_role("button", name="Forgive").click()
    dialog.get_by_text("Not found.").wait_for()
    dialog.get_by_label("Number").fill("S1")
    dialog.get_by_role("button", name="Forgive").click()
    page.get_by_text("Forgiven: Li · Hall 1").wait_for()
    hall.get_by_text("1 / 2").wait_for()
    hall.get_by_role("button", name="Forgive: Hall 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Forgive").click()
    hall.get_by_text("0 / 2").wait_for()
    with console.database.read() as session:
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "passages.forgive")).all()
    assert len(actions) == 2


def test_the_muster_list_names_who_is_inside_and_looking_is_audited(open_window, console) -> None:
    limit_the_hall(console, 9)
    walk_in(console, "S1")
    page = open_window(console, "F1")
    page.locator("#zones .zone", has_text="Hall 1").get_by_role("link", name="Who is inside").click()
    page.get_by_role("heading", name="Inside: 1").wait_for()
    row = page.get_by_role("row", name="Li")
    page.get_by_text("0 safe, 1 missing").wait_for()
    row.get_by_label("Safe: Li").check()
    page.get_by_text("1 safe, 0 missing").wait_for()
    row.get_by_text("north").wait_for()
    page.get_by_label("Only who is missing").check()
    row.wait_for(state="hidden")
    with console.database.read() as session:
        assert "muster.read" in session.scalars(select(AuditEntry.action)).all()


def test_an_evacuation_opens_every_door_also_in_lockdown_without_a_second_person(open_window, campus) -> None:
    page = open_window(campus, "F1")
    card = page.locator("[data-gate=north]")
    card.get_by_role("button", name="Lockdown").click()
    page.get_by_role("dialog").get_by_role("button", name="Lockdown").click()
    card.locator(".door", has_text="Lockdown").wait_for()
    page.get_by_label("Place").select_option(label="Hall 1")
    page.locator("#many").get_by_role("button", name="Evacuate").click()
    page.get_by_role("dialog").get_by_role("button", name="Evacuate").click()
    for gate in ("north", "south"):
        page.locator(f"[data-gate={gate}] .door", has_text="Held open").wait_for()
        assert campus.relays[gate].energised
