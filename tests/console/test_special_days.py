"""Special days of many gates: chosen by zone, looked at, put in force at all of them or at none."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import httpx
import pytest

from access.policy import GatePolicy, Rule
from accounts import audit
from directory import gates
from tests.console.administration import DAYTIME, policy_of, rule, staff
from tests.console.axe import inspect
from tests.console.page_server import Pages, signed_in

PAGE = "/console/administration/schedules/special-days"
HOLIDAY = {"name": "春节", "first": "2099-02-01", "last": "2099-02-07", "hours": ""}
NIGHT = DAYTIME.model_copy(update={"name": "night"})


@pytest.fixture(scope="module")
def console(served_pages: Pages) -> Pages:
    staff(served_pages)
    rule(served_pages)
    return served_pages


@pytest.fixture
def facilities(console: Pages) -> Iterator[httpx.Client]:
    rule(console)
    put(console, "lab", policy("lab"))
    with signed_in(console, "F1") as client:
        yield client


def policy(gate: str) -> GatePolicy:
    return GatePolicy(gate=gate, rules=(Rule(group="staff", schedule="night"),), schedules=(NIGHT,))


def put(console: Pages, gate: str, wanted: GatePolicy) -> None:
    with console.database.begin() as session:
        record = gates.get(session, gate, for_change=True)
        gates.change(session, record, wanted, by="test", now=datetime.now(UTC))


def draft_of(page: str) -> str:
    found = re.search(r'name="draft" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def apply(client: httpx.Client, draft: str) -> httpx.Response:
    ticket = client.post("/console/tickets", json={"action": "gate"}).json()["ticket"]
    return client.post(f"{PAGE}/apply", data={"draft": draft, "ticket": ticket})


def review(client: httpx.Client, *places: str, **changed: str) -> httpx.Response:
    return client.post(PAGE, data=HOLIDAY | changed | {"do": "review", "place": list(places)})


def test_a_holiday_is_added_at_two_gates_and_taken_away_again(facilities, console) -> None:
    shown = review(facilities, "north/day", "lab/night")
    assert "2 schedules at 2 gates" in shown.text
    assert shown.text.count("The hours of the week") == 2
    assert policy_of(console).schedules[0].special_days == ()
    after = apply(facilities, draft_of(shown.text))
    assert "The special days were changed" in after.text
    for gate in ("north", "lab"):
        special = policy_of(console, gate).schedules[0].special_on(date(2099, 2, 3))
        assert special is not None
        assert (special.name, special.hours) == ("春节", ())
    with console.database.read() as session:
        lines = [(one.action, one.subject) for one in audit.find(session, limit=2)]
    assert sorted(lines) == [("gate.change", "gate:lab"), ("gate.change", "gate:north")]
    there = html.unescape(facilities.get(PAGE).text)
    special = re.search(r'name="special" value="(\{.*?\})"', there)
    assert special is not None
    away = facilities.post(PAGE, data={"do": "remove", "special": special[1]})
    assert "Special days to be taken away" in away.text
    apply(facilities, draft_of(away.text))
    assert policy_of(console, "lab").schedules[0].special_days == ()


def test_a_gate_that_was_changed_meanwhile_holds_all_of_them_back(facilities, console) -> None:
    draft = draft_of(review(facilities, "north/day", "lab/night").text)
    put(console, "north", policy_of(console).model_copy(update={"accepts_bare_uid": False}))
    refused = apply(facilities, draft)
    assert refused.status_code == 409
    assert "Somebody changed this gate meanwhile" in html.unescape(refused.text)
    assert policy_of(console, "lab").schedules[0].special_days == ()
    assert "The special days were changed" in apply(facilities, draft_of(refused.text)).text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "Please fill this in."),
        ({"first": ""}, "Give the day."),
        ({"last": "2099-01-01"}, "It ends before it begins."),
        ({"first": "2020-02-01", "last": ""}, "These days are over."),
        ({"hours": "8 till late"}, "Write hours as 08:00."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_choice_stays(facilities, changed, said) -> None:
    answer = review(facilities, "north/day", **changed)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="north/day" checked' in answer.text
    assert 'value="lab/night" checked' not in answer.text


def test_nothing_chosen_is_said(facilities) -> None:
    answer = review(facilities)
    assert answer.status_code == 422
    assert "Choose at least one schedule." in answer.text


def test_a_zone_is_chosen_at_once(facilities) -> None:
    answer = facilities.post(PAGE, data=HOLIDAY | {"do": "tick:hall"})
    assert ('value="north/day" checked' in answer.text, 'value="lab/night" checked' in answer.text) == (True, False)
    none = facilities.post(PAGE, data=HOLIDAY | {"do": "untick:hall", "place": ["north/day", "lab/night"]})
    assert ('value="north/day" checked' in none.text, 'value="lab/night" checked' in none.text) == (False, True)
    assert 'value="春节"' in none.text


def test_the_pages_hold_for_everybody(open_window, console, facilities) -> None:
    page = open_window(console, "F1")
    page.goto(f"{console.url}{PAGE}")
    inspect(page)
    page.get_by_label("Name").fill("New year")
    page.get_by_label("First day").fill("2099-01-01")
    page.get_by_label("North gate · day").check()
    page.get_by_role("button", name="See what will change").last.click()
    page.get_by_role("heading", name="New year").wait_for()
    inspect(page)
    page.get_by_role("button", name="Put in force").click()
    page.get_by_role("status").wait_for()
    assert policy_of(console).schedules[0].special_days[0].name == "New year"
