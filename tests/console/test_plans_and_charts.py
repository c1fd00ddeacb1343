"""Plans of the campus and charts: made by administrators, seen by all staff."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import audit
from accounts.vocabulary import Role
from database import new_id
from messages import Event
from operations import hours, site_plans, zone_samples
from operations.plan_pictures import make_safe
from operations.tables import SitePlan
from tests.console.axe import violations
from tests.console.page_server import Pages, hire, signed_in

DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200"><metadata>evil</metadata><rect width="9"/></svg>'
)


@pytest.fixture(scope="module")
def admin(served_pages: Pages) -> str:
    hire(served_pages.database, served_pages.app.state.accounts, "A1", "Sun Wei", Role.ADMIN)
    return "A1"


def add_plan(console: Pages, title: str) -> SitePlan:
    with console.database.begin() as session:
        return site_plans.add(session, title, make_safe(DRAWING), by="test", now=datetime.now(UTC))


def test_an_administrator_adds_fills_changes_and_removes_a_plan(served_pages: Pages, admin: str) -> None:
    with signed_in(served_pages, admin) as client:
        drawing = {"picture": ("east.svg", DRAWING, "image/svg+xml")}
        made = client.post("/console/plans", data={"title": " East  campus "}, files=drawing)
        assert "The plan was added" in made.text
        place = made.url.path
        plan = place.removesuffix("/places")
        figures = {
            "x.north": "25",
            "y.north": "50.5",
            "x.lab": "",
            "y.lab": "7",
            "x.elsewhere": "1",
            "y.elsewhere": "1",
        }
        shown = client.post(place, data=figures)
        assert "The places were saved" in shown.text
        assert shown.text.count('class="place ') == 1
        assert 'transform="translate(250.0 252.' in shown.text
        picture = client.get(f"{plan}/picture")
        assert (picture.headers["content-type"], b"evil" in picture.content) == ("image/svg+xml", False)
        assert "sandbox" in picture.headers["content-security-policy"]
        renamed = client.post(f"{plan}/plan-picture", data={"title": "East"}, files={"picture": ("", b"")})
        assert "The plan was changed" in renamed.text
        assert "The plan was removed" in client.post(f"{plan}/remove").text
        assert client.get(plan).status_code == 404
    with served_pages.database.read() as session:
        actions = [line.action for line in audit.find(session, limit=20) if line.action.startswith("plan.")]
    assert actions == ["plan.remove", "plan.change", "plan.place", "plan.add"]


def test_what_is_no_picture_is_refused_beside_the_field_and_the_title_is_kept(served_pages: Pages, admin: str) -> None:
    with signed_in(served_pages, admin) as client:
        wrong = client.post("/console/plans", data={"title": "West"}, files={"picture": ("west.gif", b"GIF89a")})
        assert wrong.status_code == 422
        assert "This picture cannot be read" in wrong.text
        assert 'value="West"' in wrong.text
        scripted = DRAWING.replace(b"</svg>", b"<script>alert(1)</script></svg>")
        for name, content, said in (
            ("a.svg", scripted, "holds a script"),
            ("a.svg", b"<html><body>no drawing</body></html>", "This picture cannot be read"),
            ("a.png", b"\x89PNG" + bytes(6_000_000), "at most 5 MB"),
            ("a.pdf", b"%PDF-1.7", "This picture cannot be read"),
        ):
            refused = client.post("/console/plans", data={"title": "West"}, files={"picture": (name, content)})
            assert (refused.status_code, said in refused.text) == (422, True), name
        untitled = client.post("/console/plans", data={"title": " "}, files={"picture": ("a.svg", DRAWING)})
        assert "Give a title" in untitled.text


def test_staff_see_plans_and_may_not_change_them(served_pages: Pages, admin: str) -> None:
    del admin
    plan = add_plan(served_pages, "Library")
    with signed_in(served_pages, "F1") as client:
        shown = client.get("/console/plans").text
        assert "Library" in shown
        assert 'type="file"' not in shown
        assert client.get(f"/console/plans/{plan.id}").status_code == 200
        assert client.get(f"/console/plans/{plan.id}/places").status_code == 403
        assert client.post(f"/console/plans/{plan.id}/places", data={}).status_code == 403


def test_gates_are_placed_by_dragging_and_by_keyboard(open_window, served_pages: Pages, admin: str) -> None:
    plan = add_plan(served_pages, "North campus")
    page = open_window(served_pages, admin, viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.goto(f"{served_pages.url}/console/plans/{plan.id}/places")
    page.get_by_role("button", name="Put on the plan: North gate").click()
    for key in ("ArrowRight", "Shift+ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.locator("[name='x.north']").input_value() == "49.5"
    assert page.locator("[name='y.north']").input_value() == "55.0"
    page.get_by_role("button", name="Put on the plan: Lab").click()
    box = page.locator("#plan").bounding_box()
    page.locator("#marks .mover").last.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert abs(float(page.locator("[name='x.lab']").input_value()) - 25) < 1
    assert violations(page) == []
    page.get_by_role("button", name="Save the places").click()
    page.locator("#link.live").wait_for()
    served_pages.happen(kind="spoof", gate="lab")
    page.locator("#marks .is-critical[data-gate=lab]").wait_for()
    assert page.locator("[data-gate=lab]").get_attribute("aria-label") == "Lab: False face shown +1 more"
    for width, scheme in ((1280, "dark"), (360, "light")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        for path in (
            f"/console/plans/{plan.id}",
            "/console/plans",
            f"/console/plans/{plan.id}/places",
            "/console/charts",
        ):
            page.goto(served_pages.url + path)
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_days_figures_stand_in_tables_below_the_charts(served_pages: Pages) -> None:
    console = served_pages
    zone, now = console.app.state.console.zone, datetime.now(UTC)
    noon = datetime(2026, 3, 2, 12, 15, tzinfo=zone)
    told = [("access_granted", None)] * 3 + [("access_denied", "card_lost")]
    events = [Event(id=new_id(), gate="south", at=noon, kind=kind, reason=reason, details={}) for kind, reason in told]
    with console.database.begin() as session:
        hours.count(session, events, now=now)
        for minutes in range(3):
            zone_samples.take(session, noon.astimezone(UTC) + timedelta(minutes=minutes))
    with signed_in(console, "F1") as client:
        page = client.get("/console/charts?day=2026-03-02&zone=hall").text
        other = client.get("/console/charts?day=2026-03-02&gate=north").text
        strange = client.get("/console/charts?day=never&gate=nowhere&zone=none")
    assert "In all: 3" in page
    assert '<th scope="row">12:00–13:00</th><td class="number">3</td>' in page
    assert "card reported lost" in page.lower() or "lost" in page.lower()
    assert '<th scope="row">12:00–12:30</th><td class="number">0</td>' in page
    assert '<th scope="row">11:30–12:00</th><td class="number">not known</td>' in page
    assert "In all: 0" in other
    assert strange.status_code == 200
