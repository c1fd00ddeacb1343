"""The office's main jobs in a real browser: a list imported and undone, a card issued and reissued."""

import io
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from playwright.sync_api import Page

from accounts import people
from accounts.cards import loss
from accounts.ledger import chart, posting
from accounts.ledger.transfer import AccountKind, Transfer
from accounts.tables import LossReport
from accounts.vocabulary import PersonKind, Role
from database import new_id
from tests.console.axe import violations
from tests.console.page_server import Pages, hire

PHONE = {"viewport": {"width": 360, "height": 800}, "color_scheme": "light"}
DESK = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def office(served_pages: Pages) -> Pages:
    hire(served_pages.database, served_pages.app.state.console.accounts, "A1", "Chen Jing", Role.ADMIN)
    return served_pages


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["学号", "姓名", "类别"])
    for number in range(30):
        book.active.append([f"2026{number:04}", f"Student {number}", "学生"])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_an_administrator_imports_a_list_and_takes_it_back(office: Pages, open_window) -> None:
    page = open_window(office, "A1", ready="main", **DESK)
    page.goto(f"{office.url}/console/office/imports")
    page.get_by_label("File").set_input_files(
        {"name": "new.xlsx", "mimeType": "application/octet-stream", "buffer": workbook()}
    )
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("link", name="30 New").wait_for()
    page.get_by_role("button", name="Import (30)").click()
    page.get_by_role("heading", name="Undo the import").wait_for()
    with office.database.read() as session:
        assert people.by_number(session, "20260029") is not None
    page.get_by_role("button", name="Undo the import").click()
    page.get_by_text("Removed: 30").wait_for()
    with office.database.read() as session:
        assert people.by_number(session, "20260029") is None


def read(page: Page, uid: str) -> None:
    """Type as a reader at the desk does, once the page gave the focus to its field."""
    page.locator("#uid:focus").wait_for()
    page.keyboard.type(uid)


def test_a_reader_at_the_desk_issues_and_reissues_a_card(office: Pages, open_window) -> None:
    now = datetime.now(UTC)
    with office.database.begin() as session:
        given = people.Particulars(
            number="K100", name="Wang Fang", kind=PersonKind.STUDENT, valid_from=now - timedelta(days=1)
        )
        person_id = people.create(session, given, by="test", now=now).id
        cash = chart.open_named(session, AccountKind.CASH, "counter", now)
        posting.record(session, [Transfer(id=new_id(), purpose="cash", debit=cash, credit=person_id, amount=2000)], now)
    page = open_window(office, "A1", ready="main", **DESK)
    page.goto(f"{office.url}/console/office/people/{person_id}/cards")
    read(page, "04a1b2c3d4e580")
    page.get_by_text("04 A1 B2 C3 D4 E5 80").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("The card was issued.").wait_for()
    read(page, "04a1b2c3d4e580")
    page.keyboard.press("Enter")
    page.get_by_text("Right: the card is this person").wait_for()
    page.get_by_role("button", name="Report lost").click()
    page.get_by_text("A new card can be issued 24 hours after the report").wait_for()
    with office.database.begin() as session:
        session.query(LossReport).filter_by(person_id=person_id).one().reported_at -= loss.WAIT
    page.reload()
    read(page, "04a1b2c3d4e581")
    page.keyboard.press("Enter")
    page.get_by_text("The new card was issued").wait_for()
    with office.database.read() as session:
        assert chart.account(session, person_id).balance == 1000


@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone, light", "desk, dark"])
def test_its_pages_are_for_everybody(office: Pages, open_window, window: dict[str, object]) -> None:
    with office.database.read() as session:
        person_id = people.by_number(session, "S1").id
        runs = office.app.state.console.accounts.people_imports
        admin = people.by_number(session, "A1").id
    waiting = runs.keep(admin, "new.xlsx", workbook(), now=datetime.now(UTC))
    page = open_window(office, "A1", ready="main", **window)
    person, wrong = f"people/{person_id}", []
    for path in (
        "people",
        "people/new",
        person,
        f"{person}/change",
        f"{person}/face",
        f"{person}/balance",
        f"{person}/passages",
        f"{person}/merge?number=F1",
        f"{person}/cards",
        "cards",
        "imports",
        f"imports/lists/{waiting.id}",
        "audit",
    ):
        page.goto(f"{office.url}/console/office/{path}")
        wrong += [f"{path}: {one}" for one in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{path}: wider than the window")
    assert wrong == []
