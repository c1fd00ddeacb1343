"""The staff's pages of metering: one house in which everything has happened, looked at and worked off."""

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from playwright.sync_api import expect

from accounts.vocabulary import Role
from metering.rooms import meters, residents
from metering.rooms.tables import Meter
from metering.supply import requests, room_state
from metering.supply.states import RequestState
from metering.vocabulary import TripReason
from operations.board import Board
from tests.console.metering_house import House, build_house
from tests.console.page_server import PASSWORD, hire, serve
from tests.databases import ON_POSTGRESQL, copied
from tests.test_chinese import PUNCTUATION
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def pages(sqlite_template, tmp_path_factory):
    database = copied(sqlite_template, tmp_path_factory.mktemp("metering"))
    with serve(database, Board(), None) as pages:
        admin = hire(database, pages.app.state.console.accounts, "A1", "Guan Li", Role.ADMIN)
        pages.names[admin] = "Guan Li"
        yield pages
    database.close()


@pytest.fixture(scope="module")
def house(pages) -> House:
    return build_house(pages)


def case(page, section: str, text: str):
    return page.locator(f"#{section} .cases > li", has_text=text).first


def test_a_second_person_confirms_and_the_page_of_the_first_follows(open_window, pages, house) -> None:
    first, second = (open_window(pages, number) for number in ("F2", "F1"))
    for page in (first, second):
        page.goto(f"{pages.url}/console/metering")
        page.locator("#link.live").wait_for()
    expect(case(first, "requests", "wiring is repaired")).to_contain_text("another person must confirm it")
    asked = case(second, "requests", "wiring is repaired")
    expect(asked).to_contain_text("Zhou Min")
    asked.get_by_role("button", name="Confirm").click()
    second.locator("#confirm-supply").get_by_role("button", name="Confirm").click()
    # Whoever asked sees it without doing anything.
    expect(case(first, "cut", "wiring is repaired")).to_contain_text("Ended by: staff")
    expect(first.locator("#requests")).to_contain_text("None.")
    with pages.database.read() as session:
        assert TripReason.STAFF in {ground.reason for ground in room_state.find_standing(session, house.rooms["1007"])}
        (done,) = requests.find(session, state=RequestState.DONE, room_id=house.rooms["1007"])
        assert done.decided_by == pages.people["F1"]


def test_what_waits_is_shown_with_its_reason_and_decided_on(open_window, pages, house) -> None:
    page = open_window(pages, "F1")
    page.goto(f"{pages.url}/console/metering")
    expect(page.locator("#silence")).to_contain_text("The gateway does not answer · north-1-b")
    expect(case(page, "silence", "Meter silent")).to_contain_text("1007")
    expect(case(page, "cut", "Forbidden appliance")).to_contain_text("Ended by: staff, on a written request")
    expect(page.locator("#near")).to_contain_text("1005")

    reading = case(page, "readings", "More than the connection can carry")
    expect(reading).to_contain_text("90000.00")
    expect(reading).to_contain_text("Good before")
    reading.get_by_role("button", name="Decide").click()
    dialog = page.locator("#decide-reading")
    dialog.get_by_label("Reason").fill("the meter shows 1072.10")
    dialog.get_by_role("button", name="Reject").click()
    expect(page.locator("#readings")).to_contain_text("None.")

    shower = case(page, "showers", "A counter went back")
    expect(shower).to_contain_text("¥2.00")
    shower.get_by_role("button", name="Decide").click()
    dialog = page.locator("#decide-session")
    dialog.get_by_label("It shall cost").fill("0.75")
    dialog.get_by_role("button", name="Decide").click()
    expect(page.locator("#showers")).to_contain_text("None.")

    dispute = case(page, "disputes", "我们那天都不在")
    expect(dispute).to_contain_text("frozen at midnight")
    dispute.get_by_role("button", name="Answer").click()
    dialog = page.locator("#decide-dispute")
    dialog.get_by_label("What the resident is told").fill("The refrigerator ran all day.")
    dialog.get_by_role("button", name="The charge is right").click()
    expect(page.locator("#disputes")).to_contain_text("None.")


def test_a_meter_is_replaced_at_one_instant_and_both_values_are_confirmed(open_window, pages, house) -> None:
    page = open_window(pages, "F1")
    page.goto(f"{pages.url}/console/metering/rooms/{house.rooms['1008']}")
    page.get_by_role("button", name="Replace the meter").click()
    dialog = page.locator("#replace")
    dialog.get_by_label("Serial").fill("NEW-8")
    dialog.get_by_label("Address on the line").fill("000000000808")
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_label("Final value of").fill("999")
    dialog.get_by_label("First value of").fill("0.07")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog).to_contain_text("it cannot be")
    expect(dialog.get_by_role("button", name="Replace the meter")).to_be_disabled()
    dialog.get_by_role("button", name="Back").click()
    dialog.get_by_label("Final value of").fill("1000.25")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.locator(".summary")).to_contain_text("0.250 kWh")
    dialog.get_by_label("the old meter's final value").check()
    dialog.get_by_label("the new meter's first value").check()
    dialog.get_by_role("button", name="Replace the meter").click()
    expect(case(page, "meters", "NEW-8")).to_contain_text("0.07")
    expect(page.locator("#meters .is-gone")).to_contain_text("1000.25")
    with pages.database.read() as session:
        (new, _), (old, _) = meters.find_room_periods(session, house.rooms["1008"])
        assert (old.ends_at, old.final_digits, new.first_digits) == (new.begins_at, 100_025, 7)


def test_somebody_moves_over_only_once_their_share_is_paid(open_window, pages, house) -> None:
    page = open_window(pages, "F1")
    page.goto(f"{pages.url}/console/metering/rooms/{house.rooms['1008']}")
    page.get_by_role("button", name="Move somebody in").click()
    dialog = page.locator("#move")
    dialog.get_by_label("Student or staff number").fill("20260000")
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.locator(".summary")).to_contain_text("北一楼 1005")
    expect(dialog).to_contain_text("they pay their share before they move out")
    expect(dialog.get_by_role("button", name="Confirm")).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    pages.names[house.hall.person("新生")] = "新生"
    page.get_by_role("button", name="Move somebody in").click()
    dialog.get_by_label("Student or staff number").fill(f"2026{len(house.hall.people) - 1:04}")
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.locator("#residents")).to_contain_text("新生")
    with pages.database.read() as session:
        (one,) = residents.find_history(session, house.rooms["1008"])
        assert one.person_id == house.hall.people["新生"]


def test_prices_are_compared_before_they_are_added_and_the_day_is_reconciled(open_window, pages, house) -> None:
    page = open_window(pages, "A1", locale="zh-CN")
    page.goto(f"{pages.url}/console/metering/prices")
    page.get_by_role("button", name="新电价").click()
    dialog = page.locator("#new-prices")
    dialog.get_by_label("名称").fill("新电价")
    dialog.locator("[data-rate]").fill("0.6")
    dialog.get_by_role("button", name="预览影响").click()
    expect(dialog.locator("[data-compared]")).to_contain_text("¥52.83¥60.00+¥7.17")
    dialog.get_by_role("button", name="启用新电价").click()
    expect(page.locator("#plans")).to_contain_text("待执行")
    page.goto(f"{pages.url}/console/metering/days?everything=true")
    expect(page.locator("tbody")).to_contain_text("一致")
    words = page.locator("main").inner_text()
    assert set(re.findall(r"[A-Za-z]{3,}", words)) - {"kWh", "CSV"} == set()
    assert [line for line in words.splitlines() if PUNCTUATION.search(line)] == []
    with page.expect_download() as download:
        page.get_by_role("link", name="下载").click()
    table = download.value.path().read_text(encoding="utf-8-sig")
    assert table.splitlines()[0].startswith("day,building,room,finding")
    assert "北一楼,1005,agrees" in table


def test_a_phone_holds_every_page_and_none_is_heavy(open_window, pages, house) -> None:
    page = open_window(pages, "F1", viewport={"width": 360, "height": 740}, locale="zh-CN")
    for path in ("", "/rooms", f"/rooms/{house.rooms['1005']}", "/prices", "/days?everything=true"):
        answer = page.goto(f"{pages.url}/console/metering{path}")
        assert len(answer.body()) <= 100_000, path
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page.goto(f"{pages.url}/console/metering/rooms/{house.rooms['1005']}")
    page.locator("#course svg .bar").first.wait_for(state="attached")
    for button in page.locator("main button:visible").all():
        assert button.bounding_box()["height"] >= 24


@pytest.fixture
def client(pages) -> Iterator[Callable[[str], httpx.Client]]:
    """Signs somebody in without a browser."""
    with contextlib.ExitStack() as stack:

        def sign_in(number: str) -> httpx.Client:
            headers = {"Origin": pages.url}
            client = stack.enter_context(httpx.Client(base_url=pages.url, timeout=PATIENCE_S, headers=headers))
            client.post("/console/sign-in", data={"number": number, "password": PASSWORD})
            return client

        yield sign_in


def ticket(client: httpx.Client) -> dict[str, str]:
    return {"Door-Ticket": client.post("/console/tickets", json={"action": "supply"}).json()["ticket"]}


TRIP = {"action": "trip", "reason": "staff", "note": "because"}


def test_no_relay_moves_without_a_ticket_of_this_moment_and_each_ticket_is_for_one_request(client, house) -> None:
    staff = client("F1")
    path = f"/console/metering/rooms/{house.rooms['1005']}/supply-requests"
    assert staff.post(path, json=TRIP).status_code == 422
    other = client("F2")
    assert staff.post(path, json=TRIP, headers=ticket(other)).json()["code"] == "ticket_not_valid"
    shown = ticket(staff)
    asked = staff.post(path, json=TRIP, headers=shown)
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    assert staff.post(path, json=TRIP, headers=shown).json()["code"] == "ticket_not_valid"
    mine = f"/console/metering/supply-requests/{asked.json()['id']}"
    assert staff.post(f"{mine}/confirm", headers=ticket(staff)).json()["code"] == "supply_second_person_needed"
    assert other.post(f"{mine}/cancel").json()["state"] == "cancelled"


def test_nobody_decides_about_the_room_they_live_in(client, pages, house) -> None:
    room = house.hall.room(number="1010", since=house.first)
    with pages.database.begin() as session:
        residents.move_in(session, room, pages.people["F2"], house.first, by="system", now=datetime.now(UTC))
        meter = meters.find_meters_of(session, room)[0].id
    staff = client("F2")
    asked = staff.post(f"/console/metering/rooms/{room}/supply-requests", json=TRIP, headers=ticket(staff))
    wanted = {"new_serial": "X", "new_address": "1", "at": "2026-09-01T12:00", "final_shown": "1", "first_shown": "0"}
    replaced = staff.post(f"/console/metering/meters/{meter}/replacement", json=wanted)
    moved = staff.post("/console/metering/moves", json={"person_id": str(pages.people["F2"]), "day": "2026-09-01"})
    assert [one.json()["code"] for one in (asked, replaced, moved)] == ["own_account"] * 3


def test_only_administrators_change_prices(client, pages) -> None:
    staff = client("F1")
    assert 'data-open="new-prices"' not in staff.get("/console/metering/prices").text
    assert 'data-open="new-prices"' in client("A1").get("/console/metering/prices").text
    assert staff.post("/console/metering/prices", json={}).status_code == 403


def test_the_stream_tells_when_something_new_is_wrong(client, pages, house) -> None:
    with client("F1").stream("GET", "/console/metering/stream") as stream:
        lines = stream.iter_lines()
        first = next(line for line in lines if line.startswith('data: {"mark"'))
        with pages.database.begin() as session:
            session.get_one(Meter, house.meter_of("1005").id).silent_since = datetime.now(UTC)
        assert next(line for line in lines if line.startswith('data: {"mark"')) != first


@ON_POSTGRESQL
def test_postgresql_answers_every_page(console) -> None:
    """What a browser shows is tried on SQLite; here, that the questions behind it are questions to PostgreSQL too."""
    house = build_house(console)
    with httpx.Client(base_url=console.url, timeout=PATIENCE_S, headers={"Origin": console.url}) as staff:
        staff.post("/console/sign-in", data={"number": "F1", "password": PASSWORD})
        rooms = [f"/rooms/{one}{step}" for one in house.rooms.values() for step in ("", "?step=hour", "?step=month")]
        paths = ("", "/rooms", *rooms, "/prices", "/days?everything=true")
        shown = {path: staff.get(f"/console/metering{path}") for path in paths}
        assert {path: one.status_code for path, one in shown.items()} == dict.fromkeys(paths, 200)
        assert "wiring is repaired" in shown[""].text
