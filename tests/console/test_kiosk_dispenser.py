"""A kiosk's screens where it has a card dispenser: the offer, the way of the card, and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from accounts import devices, people
from accounts.tables import LossReport
from accounts.vocabulary import DeviceRole, PersonState
from card_dispensing import issues, sightings
from card_dispensing.contract import Fault, Stacker, StatusIn
from card_dispensing.tables import CardIssue
from database import new_id
from tests.console.axe import inspect
from tests.console.money_desk import QUERY_PASSWORD, Desk, open_desk
from tests.console.page_server import signed_in
from tests.console.test_kiosk_pages import HIDDEN
from tests.waiting import PATIENCE_S

REISSUE = "/console/kiosk/reissue"


@pytest.fixture(scope="module")
def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(sqlite_template, tmp_path_factory.mktemp("dispenser")) as desk:
        yield desk


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine ends no wish: these tests have the real time."""
    monkeypatch.setattr(issues, "BOOKED_WITHIN", timedelta(hours=1))
    monkeypatch.setattr(issues, "HANDED_OUT_WITHIN", timedelta(hours=1))
    monkeypatch.setattr(sightings, "SILENT_AFTER", timedelta(hours=1))


@dataclass
class Screen:
    """A kiosk of its own with a dispenser, in front of which somebody stands who lost their card two days ago."""

    desk: Desk
    browser: httpx.Client
    dispenser: UUID
    person: UUID
    number: str
    token: str

    def tell(self, **status: object) -> None:
        with self.desk.database.begin() as session:
            sightings.note(session, self.dispenser, StatusIn.model_validate(status), self.desk.now)

    def ask(self) -> UUID:
        self.tell(stacker=Stacker.ENOUGH)
        page = self.browser.get(REISSUE)
        key = HIDDEN.search(page.text)[1]
        page = self.browser.post(REISSUE, data={"key": key})
        assert page.url.path == f"{REISSUE}/{key}"
        return UUID(key)

    def stage(self, issue: UUID) -> str:
        return self.browser.get(f"{REISSUE}/{issue}/state", headers={"Accept": "application/json"}).json()["stage"]

    def page(self, issue: UUID, lang: str = "en") -> str:
        return self.browser.get(f"{REISSUE}/{issue}", headers={"Accept-Language": lang}).text

    def book(self, issue: UUID) -> str:
        uid = f"07{new_id().hex[-12:].upper()}"
        with self.desk.database.begin() as session:
            issues.begin(session, self.dispenser, issue, self.desk.now)
        issues.book(self.desk.services.accounts, self.dispenser, issue, uid, self.desk.now)
        return uid

    def hand_out(self, issue: UUID) -> None:
        with self.desk.database.begin() as session:
            issues.hand_out(session, self.dispenser, issue, self.desk.now)

    def give_up(self, issue: UUID, fault: Fault) -> None:
        with self.desk.database.begin() as session:
            accounts = self.desk.services.accounts
            issues.give_up(accounts, session, self.dispenser, issue, fault=fault, now=self.desk.now)

    def set_state(self, state: PersonState) -> None:
        with self.desk.database.begin() as session:
            person = people.get(session, self.person, lock=True)
            people.set_state(session, person, state, by="test", now=self.desk.now)


@pytest.fixture
def screen(desk: Desk) -> Iterator[Screen]:
    with desk.database.begin() as session:
        kiosk, token = devices.add(session, name=f"k {new_id()}", role=DeviceRole.KIOSK, by="test", now=desk.now)
        dispenser, _ = devices.add(
            session, name=f"d {new_id()}", role=DeviceRole.DISPENSER, kiosk_id=kiosk.id, by="test", now=desk.now
        )
        dispenser_id = dispenser.id
    person, number, _ = desk.holder("王小明", fen=1500)
    headers = {"Origin": desk.url, "Accept-Language": "en", "Accept": "text/html"}
    with httpx.Client(base_url=desk.url, timeout=PATIENCE_S, headers=headers, follow_redirects=True) as browser:
        browser.post("/console/kiosk/pair", data={"token": token}).raise_for_status()
        browser.post("/console/kiosk/number", data={"number": number, "query_password": QUERY_PASSWORD})
        browser.post("/console/kiosk/loss")
        with desk.database.begin() as session:
            mine = update(LossReport).where(LossReport.person_id == person)
            session.execute(mine.values(reported_at=desk.now - timedelta(days=2)))
        made = Screen(desk, browser, dispenser_id, person, number, token)
        made.tell(stacker=Stacker.ENOUGH)
        yield made


def test_a_card_is_followed_until_it_is_in_the_slot(screen: Screen) -> None:
    page = screen.browser.get(REISSUE)
    assert "comes out of the slot" in page.text
    assert 'name="uid"' not in page.text, "no number is typed where cards come from the dispenser"
    issue = screen.ask()
    assert screen.stage(issue) == "preparing"
    shown = screen.page(issue)
    assert "is being prepared" in shown
    assert 'data-idle="240"' in shown, "nobody who waits is sent away"
    screen.book(issue)
    assert screen.stage(issue) == "booked"
    assert "on its way out" in screen.page(issue)
    screen.hand_out(issue)
    assert screen.stage(issue) == "handed_out"
    for lang, words in (("en", "take it from the slot"), ("zh", "请从出卡口取走")):
        shown = screen.page(issue, lang)
        assert words in shown
        assert "¥5.00" in shown
        assert 'data-idle="45"' in shown, "the next person sees nothing of it"


def test_a_card_that_never_was_booked_costs_nothing_and_says_so(screen: Screen) -> None:
    issue = screen.ask()
    screen.give_up(issue, Fault.JAM)
    for lang, words in (("en", "No card was handed out, and nothing was taken"), ("zh", "新卡没有送出，没有扣款")):
        assert words in screen.page(issue, lang)
    assert "¥15.00" in screen.page(issue)


def test_a_booking_that_was_reversed_says_so(screen: Screen) -> None:
    issue = screen.ask()
    uid = screen.book(issue)
    screen.give_up(issue, Fault.JAM)
    for lang, words in (("en", "the fee was given back"), ("zh", "补卡费已退回")):
        shown = screen.page(issue, lang)
        assert words in shown
        assert "¥15.00" in shown
        assert uid not in shown
    again = screen.ask()
    screen.book(again)
    screen.hand_out(again)
    assert "¥5.00" in screen.page(again), "the same person gets a card at once, and pays once"


def test_a_fee_that_was_kept_is_given_back_at_the_card_centre(screen: Screen) -> None:
    issue = screen.ask()
    screen.book(issue)
    screen.set_state(PersonState.SUSPENDED)
    screen.give_up(issue, Fault.JAM)
    for lang, words in (("en", "come to the card centre"), ("zh", "请到卡务中心")):
        assert words in screen.page(issue, lang)
    cards = f"/console/office/people/{screen.person}/cards"
    with signed_in(screen.desk.pages, "C1") as cashier:
        found = cashier.get("/console/office/cards").text
        assert (cards in found, "王小明" in found) == (True, False), "where and since when, not whose"
        assert "Fee of a card not given back" in cashier.get(cards).text
        button = f"/console/office/people/{screen.person}/card-issues/{issue}/fee_returned"
        refused = cashier.post(button)
        assert (refused.status_code, "was not given back" in refused.text) == (409, True)
        screen.set_state(PersonState.ACTIVE)
        assert "The fee was given back." in cashier.post(button).text
        assert "Fee of a card not given back" not in cashier.get(cards).text
        assert cards not in cashier.get("/console/office/cards").text
    assert "¥15.00" in screen.page(issue)


@pytest.mark.parametrize(
    ("outcome", "said", "fen", "stage"),
    [
        ("card_is_there", "the holder has the card", "¥5.00", "handed_out"),
        ("card_never_came", "the loss is open again", "¥15.00", "reversed"),
    ],
)
def test_what_became_of_a_card_that_is_gone_is_said_at_the_card_centre(
    screen: Screen, outcome: str, said: str, fen: str, stage: str
) -> None:
    issue = screen.ask()
    screen.book(issue)
    with screen.desk.database.begin() as session:
        issues.mark_unclear(screen.desk.services.accounts, session, screen.dispenser, issue, now=screen.desk.now)
    assert screen.stage(issue) == "undecided"
    assert "Staff have been told" in screen.page(issue)
    cards = f"/console/office/people/{screen.person}/cards"
    with signed_in(screen.desk.pages, "C1") as cashier:
        assert cards in cashier.get("/console/office/cards").text
        shown = cashier.get(cards).text
        for button in ("The holder has the card", "The holder has no card"):
            assert f">{button}</button>" in shown
        settled = cashier.post(f"/console/office/people/{screen.person}/card-issues/{issue}/{outcome}").text
        assert said in settled
        assert "A registered card is gone" not in settled
        assert cards not in cashier.get("/console/office/cards").text
    assert screen.stage(issue) == stage
    assert fen in screen.page(issue)


def test_what_nobody_knows_yet_is_not_called_success(screen: Screen) -> None:
    issue = screen.ask()
    screen.book(issue)
    with screen.desk.database.begin() as session:
        session.get_one(CardIssue, issue).booked_at = screen.desk.now - 2 * issues.HANDED_OUT_WITHIN
    assert screen.stage(issue) == "undecided"
    for lang, words in (("en", "Staff have been told"), ("zh", "工作人员已收到通知")):
        assert words in screen.page(issue, lang)


def test_a_dispenser_whose_process_is_gone_keeps_nobody_waiting(screen: Screen) -> None:
    issue = screen.ask()
    with screen.desk.database.begin() as session:
        session.get_one(CardIssue, issue).asked_at = screen.desk.now - 2 * issues.BOOKED_WITHIN
    assert screen.stage(issue) == "failed"
    assert "nothing was taken" in screen.page(issue)


@pytest.mark.parametrize(
    "status",
    [{"stacker": "empty"}, {"stacker": "enough", "is_bin_full": True}, {"fault": "card_jam"}],
)
def test_a_dispenser_that_cannot_is_offered_to_nobody(screen: Screen, status: dict[str, object]) -> None:
    screen.tell(**status)
    page = screen.browser.get(REISSUE)
    assert "hands out no cards at the moment" in page.text
    assert 'name="key"' not in page.text
    page = screen.browser.post(REISSUE, data={"key": str(new_id())})
    assert (page.status_code, "hands out no cards at the moment" in page.text) == (409, True)


def test_a_typed_number_is_not_taken_where_there_is_a_dispenser(screen: Screen) -> None:
    key = new_id()
    page = screen.browser.post(REISSUE, data={"key": str(key), "uid": "04FFFFFFFFFF80"})
    assert page.url.path == f"{REISSUE}/{key}"
    assert screen.stage(key) == "preparing"


def test_somebody_elses_card_is_not_shown(screen: Screen, desk: Desk) -> None:
    issue = screen.ask()
    _, number, _ = desk.holder()
    screen.browser.post("/console/kiosk/number", data={"number": number, "query_password": QUERY_PASSWORD})
    assert screen.browser.get(f"{REISSUE}/{issue}").status_code == 404
    assert screen.browser.get(f"{REISSUE}/{issue}/state").status_code == 404
    screen.browser.get("/console/kiosk")
    assert screen.browser.get(f"{REISSUE}/{issue}").url.path == "/console/kiosk"


def test_the_screen_follows_the_card_by_itself(open_window, screen: Screen) -> None:
    from playwright.sync_api import expect

    page = open_window()
    page.goto(f"{screen.desk.url}/console/kiosk/pair")
    page.locator("#token").fill(screen.token)
    page.get_by_role("button", name="Pair").click()
    page.get_by_role("link", name="By number and query password").click()
    page.locator("#number").fill(screen.number)
    page.locator("#query_password").fill(QUERY_PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="New card").click()
    screen.tell(stacker=Stacker.ENOUGH)
    page.get_by_role("button", name="Take the fee and give me the card").click()
    expect(page.locator(".result")).to_contain_text("is being prepared")
    inspect(page)
    issue = UUID(page.url.rsplit("/", 1)[1])
    screen.book(issue)
    expect(page.locator(".result")).to_contain_text("on its way out")
    screen.hand_out(issue)
    expect(page.locator(".result")).to_contain_text("take it from the slot")
