"""Facilities staff look up what happened, take it along as a table, and hand over a shift."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from accounts.tables import AuditEntry
from console.pages.records.period import Span, find_span
from database import new_id
from directory import gates
from operations.orders import OrderState
from operations.tables import Alarm, StaffOrder
from tests.console.axe import inspect
from tests.console.page_server import Pages, camera_view, hire, signed_in

PAGES = ("events", "alarms", "orders", "late-returns", "shift")
EARLIER = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Noon of the campus, on a day of which these tests own every event."""
CAMPUS = ZoneInfo("Asia/Shanghai")
OF_THE_DAY = {"since": "2026-03-02T00:00", "until": "2026-03-03T00:00"}


@pytest.fixture(scope="module")
def people(served_pages: Pages) -> dict[str, UUID]:
    accounts = served_pages.app.state.accounts
    made = {name: hire(served_pages.database, accounts, number, name) for number, name in
            (("20260301", "Gu Yun"), ("20260302", "Tao Lin"))}  # fmt: skip
    served_pages.names.update({person: name for name, person in made.items()})
    return made


@pytest.fixture(scope="module")
def history(served_pages: Pages, people: dict[str, UUID]) -> Pages:
    """Somebody let in, somebody refused, a late return and a forced door; an alarm and an order."""
    command = new_id()
    given = {"at": EARLIER, "person_id": people["Gu Yun"], "command_id": command, "gate": "north"}
    served_pages.happen(kind="access_granted", granted=True, method="face", reason="granted", **given)
    served_pages.happen(kind="passed", **given | {"at": EARLIER + timedelta(seconds=2)})
    served_pages.happen(
        kind="access_denied", granted=False, method="card", reason="outside_schedule", gate="south",
        at=EARLIER + timedelta(hours=1), person_id=people["Tao Lin"],
    )  # fmt: skip
    served_pages.happen(
        kind="access_granted", granted=True, method="face", at=EARLIER + timedelta(hours=11, minutes=30),
        person_id=people["Tao Lin"], details={"late_return": True},
    )  # fmt: skip
    with served_pages.database.begin() as session:
        session.add(
            Alarm(
                gate="north", kind="door_forced", severity="critical", opened_at=EARLIER, raised_at=EARLIER,
                last_at=EARLIER, count=2, restored_at=EARLIER, closed_at=EARLIER + timedelta(minutes=3),
                acknowledged_at=EARLIER + timedelta(minutes=1), acknowledged_by=served_pages.people["F1"],
                note="=a locksmith was called",
            )
        )  # fmt: skip
        session.add(
            StaffOrder(
                action="open", gates=["north"], note="a delivery", state=OrderState.DONE, asked_at=EARLIER,
                asked_by=served_pages.people["F2"], carried_out_at=EARLIER,
                results=[{"gate": "north", "effect": "done", "detail": None, "command": str(new_id())}],
            )
        )  # fmt: skip
    return served_pages


@pytest.fixture
def staff(history: Pages) -> Iterator[httpx.Client]:
    with signed_in(history, "F1") as client:
        yield client


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, ["Tao Lin", "Tao Lin", "Gu Yun"]),
        ({"person": "Gu"}, ["Gu Yun"]),
        ({"person": "20260302"}, ["Tao Lin", "Tao Lin"]),
        ({"person": "nobody at all"}, []),
        ({"gate": "south"}, ["Tao Lin"]),
        ({"result": "refused"}, ["Tao Lin"]),
        ({"result": "granted", "gate": "north"}, ["Tao Lin", "Gu Yun"]),
        ({"reason": "outside_schedule"}, ["Tao Lin"]),
        ({"kind": "passed"}, ["Gu Yun"]),
        ({"until": "2026-03-02T12:30"}, ["Gu Yun"]),
    ],
)
def test_events_are_found_by_who_where_when_and_what(
    staff: httpx.Client, conditions: dict[str, str], found: list[str]
) -> None:
    rows = rows_of(staff.get("/console/records/events/table", params=OF_THE_DAY | conditions))
    assert [row["Name"] for row in rows] == found


def test_a_passage_is_one_row_in_the_campuss_time(staff: httpx.Client) -> None:
    [row] = rows_of(staff.get("/console/records/events/table", params=OF_THE_DAY | {"person": "Gu Yun"}))
    assert (row["Time"], row["Gate"], row["Number"]) == ("2026-03-02 12:00:00+08:00", "North gate", "20260301")
    assert row["Result"].startswith("let in · ")
    page = staff.get("/console/records/events", params=OF_THE_DAY | {"person": "Gu Yun"}).text
    assert page.count("<details>") == 1
    assert page.count("2 March 12:00:0") == 3, "the row itself, and both events folded away in it"


def test_excel_holds_the_same_rows_with_moments_that_sort(staff: httpx.Client) -> None:
    answer = staff.get("/console/records/events/table", params=OF_THE_DAY | {"form": "xlsx"})
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet.max_row == 4
    assert sheet["A4"].value.isoformat() == "2026-03-02T12:00:00"
    assert (sheet["A1"].value, sheet["F2"].value) == ("Time", "Tao Lin")


def test_pages_follow_one_another(staff: httpx.Client, history: Pages) -> None:
    for minute in range(120):
        history.happen(kind="door_held", at=datetime(2026, 2, 1, 4, minute % 60, minute // 60, tzinfo=UTC))
    address, seen = "/console/records/events?since=2026-02-01T00:00&until=2026-02-02T00:00", 0
    while address:
        html = staff.get(address).text
        seen += html.count("<tr class=")
        ahead = html.partition('class="pager"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
        address = ahead
    assert seen == 120


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIiwyXQ", "WyIyMDI2LTAzLTAyVDA0OjAwOjAwWiIsLTFd"])
def test_a_cursor_of_another_list_is_refused_in_words(staff: httpx.Client, cursor: str) -> None:
    answer = staff.get("/console/records/events", params={"cursor": cursor})
    assert (answer.status_code, answer.headers["content-type"][:9]) == (400, "text/html")


@pytest.mark.parametrize(
    "typed",
    [{"since": "yesterday"}, {"since": "2026-03-03T00:00", "until": "2026-03-02T00:00"}, {"until": "9999-99-99"}],
)
def test_a_time_that_makes_no_sense_is_told(staff: httpx.Client, typed: dict[str, str]) -> None:
    for page in ("events", "alarms", "orders", "shift"):
        answer = staff.get(f"/console/records/{page}", params=typed)
        assert answer.status_code == 422
        assert "the last day is shown" in answer.text


@pytest.mark.parametrize(
    ("span", "now", "since", "until"),
    [
        (Span.LAST_HOUR, "2026-03-02T00:20:30", "2026-03-01T23:21", "2026-03-02T00:21"),
        (Span.TODAY, "2026-03-02T13:05:00", "2026-03-02T00:00", "2026-03-02T13:06"),
        (Span.LAST_NIGHT, "2026-03-02T13:05:00", "2026-03-01T18:00", "2026-03-02T08:00"),
        (Span.LAST_NIGHT, "2026-03-02T03:05:00", "2026-03-01T18:00", "2026-03-02T03:06"),
        (Span.LAST_WEEK, "2026-03-02T13:05:00", "2026-02-23T13:06", "2026-03-02T13:06"),
    ],
)
def test_times_often_asked_for_are_one_press(span: Span, now: str, since: str, until: str) -> None:
    found = find_span(span, datetime.fromisoformat(now).replace(tzinfo=CAMPUS))
    assert [f"{one:%Y-%m-%dT%H:%M}" for one in found] == [since, until]


@pytest.mark.parametrize("page", ["events", "alarms", "orders"])
def test_a_press_on_such_a_time_counts_and_keeps_the_other_filters(staff: httpx.Client, page: str) -> None:
    given = OF_THE_DAY | {"gate": "north", "span": "last_hour"}
    shown = staff.get(f"/console/records/{page}", params=given).raise_for_status().text
    assert OF_THE_DAY["since"] not in shown, "the press counts"
    assert 'name="span" value="last_night"' in shown
    if page != "orders":
        assert '<option value="north" selected>' in shown
    assert shown.index(">Search</button>") < shown.index('name="span"'), "Enter in a field presses the first button"


def test_alarms_tell_who_looked_after_them_and_no_note_becomes_a_formula(staff: httpx.Client) -> None:
    [row] = rows_of(staff.get("/console/records/alarms/table", params=OF_THE_DAY))
    assert (row["Alarm"], row["Count"], row["Seen by"]) == ("door forced", "2", "Chen Jing")
    assert row["Note"] == "'=a locksmith was called"
    assert "a locksmith was called" in staff.get("/console/records/alarms", params=OF_THE_DAY).text
    assert rows_of(staff.get("/console/records/alarms/table", params=OF_THE_DAY | {"gate": "south"})) == []


def test_orders_tell_who_opened_what_and_why(staff: httpx.Client) -> None:
    [row] = rows_of(staff.get("/console/records/orders/table", params=OF_THE_DAY))
    assert (row["Asked by"], row["Gates"], row["Note"]) == ("Zhou Min", "North gate", "a delivery")


@pytest.mark.parametrize("address", ["events?gate=%00", "events?reason=%00", "events?person=%00", "alarms?gate=%00"])
def test_what_no_text_may_hold_is_refused(staff: httpx.Client, address: str) -> None:
    assert staff.get(f"/console/records/{address}").status_code == 422


def test_a_night_lists_who_came_back_late(staff: httpx.Client) -> None:
    [row] = rows_of(staff.get("/console/records/late-returns/table", params={"night": "2026-03-02"}))
    assert (row["Name"], row["Time"]) == ("Tao Lin", "2026-03-02 23:30:00+08:00")
    assert rows_of(staff.get("/console/records/late-returns/table", params={"night": "2026-03-01"})) == []
    assert staff.get("/console/records/late-returns", params={"night": "a while ago"}).status_code == 422


def test_the_shifts_report_counts_what_the_records_hold(staff: httpx.Client) -> None:
    html = " ".join(staff.get("/console/records/shift", params=OF_THE_DAY).text.split())
    for what, number in (("let in", 2), ("refused", 1), ("Alarms", 1), ("still open", 0), ("Orders", 1)):
        assert f"<dt>{what}</dt><dd>{number}</dd>" in html
    assert "Chen Jing" in html


def test_what_was_looked_up_is_recorded_without_what_was_searched_for(staff: httpx.Client, history: Pages) -> None:
    from accounts.audit import trail

    staff.get("/console/records/events", params=OF_THE_DAY | {"person": "Tao Lin"})
    with history.database.read() as session:
        line = next(iter(trail.find(session, action="events.read", limit=1)))
        assert "South gate" in gates.find_titles(session).values()
    assert "Tao Lin" not in str(line.details)
    assert "person" in str(line.details)


def test_the_pages_can_be_read_by_everybody_who_may(history: Pages, open_window) -> None:
    page = open_window(history, "F1")
    for name in PAGES:
        query = "night=2026-03-02" if name == "late-returns" else "&".join(map("=".join, OF_THE_DAY.items()))
        page.goto(f"{history.url}/console/records/{name}?{query}")
        inspect(page)
    page.goto(f"{history.url}/console/records/events?{query}&result=refused")
    page.locator("summary").first.press("Enter")
    assert "outside" in page.locator("tr.refused").inner_text().lower()


def test_an_alarm_with_a_picture_leads_to_it_and_each_look_is_recorded(history: Pages, staff: httpx.Client) -> None:
    [event] = history.happen(kind="spoof")
    alarm = history.picture(event.id, camera_view())
    address = f"/console/records/alarms/{alarm}/pictures"
    assert address in staff.get("/console/records/alarms", params={"span": "today"}).text
    assert f"{address}/{event.id}" in staff.get(address).text
    looks = count_looks(history, alarm)
    picture = staff.get(f"{address}/{event.id}")
    assert (picture.headers["content-type"], picture.headers["cache-control"]) == ("image/jpeg", "no-store")
    assert count_looks(history, alarm) == looks + 1
    assert staff.get(f"{address}/{new_id()}").status_code == 404
    assert staff.get(f"/console/records/alarms/{new_id()}/pictures").status_code == 404
    with signed_in(history, "S1") as student:
        assert student.get(address).status_code == 403
        assert student.get(f"{address}/{event.id}").status_code == 403
        told = student.get("/console/me/face-data").text
    assert "a picture:" in told
    assert "North gate" in told
    assert "South gate" not in told


def count_looks(pages: Pages, alarm: UUID) -> int:
    of_alarm = select(func.count()).where(AuditEntry.action == "alarm.picture", AuditEntry.subject == f"alarm:{alarm}")
    with pages.database.read() as session:
        return session.scalar(of_alarm) or 0
