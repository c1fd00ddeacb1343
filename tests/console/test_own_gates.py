"""One's own gates with their hours, and one's own passages, a row for each."""

import csv
import io
import re
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import expect

from access.policy import Direction, GatePolicy, Rule
from access.schedules import Schedule, SpecialDays, Window
from accounts import cards, people
from accounts.tables import PersonGroup
from database import new_id
from directory import gates
from directory.publisher import Publisher
from tests.console.axe import inspect
from tests.console.page_server import SEALER, Pages, hire, signed_in

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
NOW = datetime.now(UTC)
TOMORROW = (NOW + timedelta(days=1)).date()
_numbers = iter(range(1_000))


@pytest.fixture(scope="module")
def campus(served_pages: Pages) -> Pages:
    """A library with hours, special days and one direction, beside the gates that are open to nobody."""
    office = Schedule(
        name="office",
        windows=(Window(start=time(6), end=time(23)),),
        special_days=(SpecialDays(name="校庆日", first=TOMORROW, last=TOMORROW + timedelta(days=3)),),
    )
    policy = GatePolicy(
        gate="library",
        direction=Direction.ENTRY,
        schedules=(office,),
        rules=(Rule(group="readers", schedule="office"),),
    )
    with served_pages.database.begin() as session:
        gates.add(session, policy, title="Library", by="test", now=NOW)
    return served_pages


@pytest.fixture
def reader(campus: Pages) -> tuple[str, UUID]:
    """Somebody who may read in the library, with a card."""
    number = f"G{next(_numbers):03}"
    person = hire(campus.database, campus.app.state.accounts, number, "王小明")
    with campus.database.begin() as session:
        session.add(PersonGroup(person_id=person, name="readers"))
        uid = f"04A1B2C3D5{next(_numbers):04X}"
        cards.issue(session, people.get(session, person), uid, key_number=None, by="test", now=NOW)
    Publisher(campus.database, SEALER, model_id="m").publish()
    return number, person


def let_in(campus: Pages, person: UUID, *, outcome: str = "passed", ago: timedelta = timedelta(minutes=5)) -> None:
    """What a gate tells of one passage: the edge's event, the controller's, and the door's."""
    common = {"gate": "library", "person_id": person, "command_id": new_id(), "method": "face", "granted": True}
    at = datetime.now(UTC) - ago
    for number, kind in enumerate(("face_granted", "access_granted", outcome)):
        campus.happen(kind=kind, at=at + timedelta(seconds=number), **common)


def refuse(campus: Pages, person: UUID, reason: str = "outside_schedule", gate: str = "library") -> None:
    campus.happen(
        kind="access_denied", gate=gate, person_id=person, method="card", granted=False, reason=reason, tap_id=new_id()
    )


def test_gates_are_shown_with_hours_ways_and_why_not(campus: Pages, reader: tuple[str, UUID]) -> None:
    with signed_in(campus, reader[0]) as client:
        page = client.get("/console/me/gates").text
    for words in ("Library", "in only", "06:00–23:00", "face or card", "校庆日", "closed", "Special days ahead"):
        assert words in page
    assert page.count('<svg class="bars"') == 7
    assert "Show 3 gates and why" in page
    assert "not open to your groups" in page
    stranger = f"G{next(_numbers):03}"
    hire(campus.database, campus.app.state.accounts, stranger, "Somebody")
    with signed_in(campus, stranger) as client:
        page = client.get("/console/me/gates").text
    assert "There is no gate that you may pass." in page
    assert "Show 4 gates and why" in page


def test_one_passage_is_one_row_and_only_ones_own_are_there(campus: Pages, reader: tuple[str, UUID]) -> None:
    number, person = reader
    let_in(campus, person)
    let_in(campus, person, outcome="not_taken")
    refuse(campus, person)
    let_in(campus, new_id())
    with signed_in(campus, number) as client:

        def rows(**asked: str) -> list[list[str]]:
            answer = client.get("/console/me/gates/passages/table.csv", params=asked)
            return [row[1:] for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))][1:]

        refused = ["Library", "in", "card", "Not let in", "outside the hours"]
        passed = ["Library", "in", "face", "Passed", ""]
        not_taken = ["Library", "in", "face", "Let in, did not pass", ""]
        assert sorted(rows()) == sorted([refused, passed, not_taken])
        assert rows(result="refused") == [refused]
        assert sorted(rows(result="granted")) == sorted([passed, not_taken])
        assert rows(gate="north") == []
        assert rows(to=f"{(NOW - timedelta(days=3)).date()}") == []
        page = client.get("/console/me/gates/passages").text
        assert page.count('<li><div class="row">') == 3
        assert client.get("/console/me/gates/passages", params={"from": "never"}).status_code == 422


def test_many_passages_go_on_page_by_page(campus: Pages, reader: tuple[str, UUID]) -> None:
    number, person = reader
    for minutes in range(33):
        let_in(campus, person, ago=timedelta(minutes=minutes + 1))
    with signed_in(campus, number) as client:
        first = client.get("/console/me/gates/passages").text
        following = re.search(r'href="([^"]*cursor=[^"]*)"', first)[1].replace("&amp;", "&")
        second = client.get(following).text
    assert [page.count('<li><div class="row">') for page in (first, second)] == [30, 3]


def test_hours_and_passages_fit_on_a_phone(open_window, campus: Pages, reader: tuple[str, UUID]) -> None:
    number, person = reader
    let_in(campus, person)
    refuse(campus, person, "card_required")
    page = open_window(campus, number, ready="main", **PHONE)
    for path in ("gates", "gates/passages?result=refused"):
        page.goto(f"{campus.url}/console/me/{path}")
        inspect(page)
    expect(page.locator(".rows > li")).to_have_count(1)
    expect(page.locator(".rows > li")).to_contain_text("card needed too")
