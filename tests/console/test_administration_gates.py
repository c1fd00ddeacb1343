"""Gates in the administration: added, changed after a look at what would change, retired."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from access.policy import GatePolicy, Rule
from accounts import audit
from directory import gates
from tests.console.administration import check_pages, policy_of, publish, resident, rule, staff
from tests.console.page_server import PASSWORD, Pages, signed_in
from web.tickets import Tickets

GATES = "/console/administration/gates"


@pytest.fixture(scope="module")
def console(served_pages: Pages) -> Pages:
    staff(served_pages)
    rule(served_pages)
    return served_pages


@pytest.fixture
def facilities(console: Pages) -> Iterator[httpx.Client]:
    with signed_in(console, "F1") as client:
        yield client


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1].replace("&#34;", '"')


def ticket(client: httpx.Client, action: str = "gate") -> str:
    return client.post("/console/tickets", json={"action": action}).json()["ticket"]


def test_a_rule_is_changed_after_its_picture_and_a_dry_run(open_window, console) -> None:
    resident(console, "S100", "residents", name="Mei Lin")
    publish(console)
    window = open_window()
    window.context.request.post(
        f"{console.url}/console/sign-in",
        form={"number": "F1", "password": PASSWORD},
        headers={"Origin": console.url},
        max_redirects=0,
    )
    window.goto(f"{console.url}{GATES}")
    window.get_by_role("link", name="North gate").click()
    expect(window.get_by_role("img", name="day: Every day 06:00–23:00")).to_be_visible()
    window.get_by_role("link", name="Change the rules").click()
    hours = window.get_by_role("group", name="Hours 1")
    hours.get_by_label("To").fill("22:00")
    window.get_by_role("button", name="See what will change").last.click()
    expect(window.get_by_role("row", name="Schedule day")).to_contain_text("Every day 06:00–22:00")
    expect(window.get_by_role("img", name="Then: Every day 06:00–22:00")).to_be_visible()
    expect(window.get_by_text("-7.0 hours a week")).to_be_visible()

    window.get_by_label("Student or staff number").fill("S100")
    window.get_by_label("When").fill("2027-01-06T22:30")
    window.get_by_role("button", name="Ask").click()
    answer = window.locator(".answer")
    expect(answer).to_contain_text("Mei Lin")
    expect(answer).to_contain_text("gets in")
    expect(answer.locator("#then")).to_contain_text("is refused")
    expect(answer.locator("#then")).to_contain_text("outside the hours")
    assert policy_of(console).schedules[0].windows[0].end.hour == 23

    window.get_by_role("button", name="Put in force").click()
    expect(window.get_by_role("status")).to_contain_text("The rules were changed")
    assert policy_of(console).schedules[0].windows[0].end.hour == 22
    with console.database.read() as session:
        lines = [(one.action, one.subject) for one in audit.find(session, limit=20)]
    assert ("gate.change", "gate:north") in lines
    assert "dry_run" in {action for action, _ in lines}


def test_the_pages_of_gates_are_for_everybody(open_window, console) -> None:
    check_pages(
        open_window,
        console,
        "F1",
        [GATES, f"{GATES}/new", f"{GATES}/north", f"{GATES}/north/rules", f"{GATES}/north/retirement"],
    )


def test_a_gate_is_added_with_a_group_and_leads_to_its_rules(facilities, console) -> None:
    form = {
        "name": "library", "title": "Library", "kind": "building", "direction": "entry", "mode": "card",
        "inner_zone": "hall", "group": "students",
    }  # fmt: skip
    page = facilities.post(f"{GATES}/new", data=form)
    assert page.url.path == f"{GATES}/library"
    assert "The gate was added" in page.text
    policy = policy_of(console, "library")
    assert (policy.rules, policy.inner_zone) == ((Rule(group="students"),), "hall")
    again = facilities.post(f"{GATES}/new", data=form)
    assert (again.status_code, "Another gate has this name" in again.text) == (409, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "North Gate"}, "Lower case letters"),
        ({"title": " "}, "Please fill this in"),
        ({"mode": "face"}, "never the only way in"),
        ({"kind": "wet_room", "mode": "face_or_card"}, "never have a camera"),
        ({"kind": "castle"}, "cannot hold together"),
    ],
)
def test_a_gate_that_cannot_be_is_refused_with_what_was_typed(facilities, changes, words) -> None:
    form = {"name": "attic", "title": "Attic", "kind": "building", "direction": "both", "mode": "card"} | changes
    page = facilities.post(f"{GATES}/new", data=form)
    assert page.status_code == 422
    assert words in page.text
    if changes.get("title") is None:
        assert 'value="Attic"' in page.text


def test_rows_come_and_go_without_a_script(facilities) -> None:
    page = facilities.post(f"{GATES}/north/rules", data={"title": "North gate", "do": "add:rule"})
    assert re.search(r'name="rule-0-group"[^>]*autofocus', page.text)
    page = facilities.post(
        f"{GATES}/north/rules", data={"title": "North", "rule-0-group": "staff", "do": "remove:rule-0"}
    )
    assert "rule-0-group" not in page.text
    page = facilities.post(f"{GATES}/south/rules", data={"title": "South", "from": "north/day", "do": "add:copy"})
    assert 'name="schedule-0-name" type="text" value="day"' in page.text


def test_what_is_wrong_is_said_beside_its_field(facilities) -> None:
    page = facilities.post(f"{GATES}/north/rules", data={"title": "North", "rule-0-group": "", "do": "review"})
    assert page.status_code == 422
    assert 'id="rule-0-group-said" class="problem"' in page.text


def test_a_change_that_was_overtaken_is_shown_again_and_not_made(facilities, console) -> None:
    page = facilities.get(f"{GATES}/lab/rules").text
    form = {
        "title": "Lab", "kind": "building", "direction": "both", "mode": "card", "offline_trusted": "12",
        "offline_beyond": "nobody", "offline_never": "168", "base": hidden(page, "base"), "do": "review",
    }  # fmt: skip
    draft = hidden(facilities.post(f"{GATES}/lab/rules", data=form).text, "draft")
    with console.database.begin() as session:
        record = gates.get(session, "lab", for_change=True)
        gates.change(
            session, record, GatePolicy(gate="lab", rules=(Rule(group="staff"),)), by="test",
            now=console.app.state.console.now(),
        )  # fmt: skip
    answer = facilities.post(f"{GATES}/lab/rules/apply", data={"draft": draft, "ticket": ticket(facilities)})
    assert answer.status_code == 409
    assert "changed this gate meanwhile" in answer.text
    assert policy_of(console, "lab").rules == (Rule(group="staff"),)
    newer = hidden(answer.text, "draft")
    done = facilities.post(f"{GATES}/lab/rules/apply", data={"draft": newer, "ticket": ticket(facilities)})
    assert "The rules were changed" in done.text
    assert policy_of(console, "lab").rules == ()


def test_nothing_changes_without_a_ticket_of_this_moment(facilities, console) -> None:
    page = facilities.get(f"{GATES}/south/rules").text
    form = {
        "title": "South gate", "kind": "campus", "direction": "both", "mode": "card", "offline_trusted": "12",
        "offline_beyond": "nobody", "offline_never": "168", "base": hidden(page, "base"), "do": "review",
    }  # fmt: skip
    draft = hidden(facilities.post(f"{GATES}/south/rules", data=form).text, "draft")
    for given in ("", ticket(facilities, "pass"), Tickets().issue(console.people["F1"], "gate").token):
        answer = facilities.post(f"{GATES}/south/rules/apply", data={"draft": draft, "ticket": given})
        assert (answer.status_code, "nothing was done" in answer.text) == (409, True)
        answer = facilities.post(f"{GATES}/south/retirement", data={"ticket": given})
        assert answer.status_code == 409
    assert policy_of(console, "south").kind == "building"


def test_a_gate_is_retired_unless_another_needs_it(facilities, console) -> None:
    for name, mode, beside in (("side", "card", ""), ("front", "face", "side")):
        form = {"name": name, "title": name, "kind": "building", "direction": "both", "mode": mode}
        facilities.post(f"{GATES}/new", data=form | {"face_free_gate": beside})
    answer = facilities.post(f"{GATES}/side/retirement", data={"ticket": ticket(facilities)})
    assert (answer.status_code, "as the way for those who show no face" in answer.text) == (409, True)
    for name in ("front", "side"):
        answer = facilities.post(f"{GATES}/{name}/retirement", data={"ticket": ticket(facilities)})
        assert "The gate was retired" in answer.text
        assert facilities.get(f"{GATES}/{name}").status_code == 404


def test_the_dry_run_of_a_change_needs_somebody_and_a_moment(facilities, console) -> None:
    page = facilities.get(f"{GATES}/north/rules").text
    form = {
        "title": "Other", "kind": "building", "direction": "both", "mode": "card", "offline_trusted": "12",
        "offline_beyond": "nobody", "offline_never": "168", "base": hidden(page, "base"), "do": "review",
    }  # fmt: skip
    draft = hidden(facilities.post(f"{GATES}/north/rules", data=form).text, "draft")
    question = {"draft": draft, "do": "ask", "number": "S1", "at": "2027-01-06T12:00", "shown": "card"}
    for changes, words in (
        ({"number": "nobody"}, "nobody with this number"),
        ({"at": "soon"}, "Give a day and a time"),
    ):
        assert words in facilities.post(f"{GATES}/north/rules", data=question | changes).text
    back = facilities.post(f"{GATES}/north/rules", data={"draft": draft, "do": "edit"}).text
    assert 'name="title" type="text" value="Other"' in back
