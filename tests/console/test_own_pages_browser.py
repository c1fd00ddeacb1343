"""A newcomer's first minutes on a phone, from the first password to a shown code; a lost card; every page looked at."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from accounts import cards, passwords, people
from accounts.cards import virtual_cards
from accounts.cards.virtual_cards import CodeUsedError
from accounts.people.notices import AccountNotice
from accounts.vocabulary import PasswordPurpose
from database import new_id
from enrollment import account_notices
from messages import TrustedKey, signed_codes
from tests.console.axe import violations
from tests.console.intercepting import intercept
from tests.console.page_server import CODE_KEY, PASSWORD, Pages, hire
from tests.console.test_words_on_the_pages import assert_chinese, shown
from tests.waiting import until

FIRST_QUERY, QUERY = "280035", "739205"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "color_scheme": "light"}
DESK = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"}
OWN = ("", "/virtual-card", "/cards", "/security", "/inbox")


@pytest.fixture
def newcomer(served_pages: Pages) -> str:
    """The number of somebody with a card and first passwords."""
    services, number, now = served_pages.app.state.accounts, f"N{new_id().hex[-10:]}", datetime.now(UTC)
    person_id = hire(served_pages.database, services, number, "Sun Li", must_change=True)
    with served_pages.database.begin() as session:
        hashes = {PasswordPurpose.QUERY: services.hasher.hash(FIRST_QUERY)}
        passwords.store(session, person_id, hashes, must_change=True, by="test", now=now)
        uid = f"04{new_id().hex[-12:]}".upper()
        cards.issue(session, people.get(session, person_id), uid, key_number=None, by="test", now=now)
        account_notices.write(session, person_id, AccountNotice.CARD_ISSUED, now=now)
    return number


def redeem(pages: Pages, digits: str) -> None:
    with pages.database.begin() as session:
        key = pages.app.state.accounts.code_key
        virtual_cards.redeem(session, digits.replace(" ", ""), key, now=datetime.now(UTC))


def scan(page: Page) -> str:
    """Read the code as a scanner does, from the screen; returns its payment code as the page writes it."""
    picture = cv2.imdecode(np.frombuffer(page.locator("#code").screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    text, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(picture)
    trusted = {signed_codes.STAFF_SENDER: TrustedKey(CODE_KEY.public_key())}
    assert signed_codes.verify(text, trusted, site="main", now=datetime.now(UTC)).handle == text[2:9]
    return f"{text[:2]} {text[2:9]} {text[9:18]}"


def test_a_newcomer_comes_from_the_first_password_to_a_code_and_reports_the_card_lost(
    open_window, served_pages: Pages, newcomer: str
) -> None:
    page = open_window(served_pages, newcomer, ready="[name=new]", **PHONE)
    page.get_by_label("Present password").fill(PASSWORD)
    for label in ("New password", "New password again"):
        page.get_by_label(label, exact=True).fill("a walk along the river")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("region", name="Card", exact=True)).to_contain_text("Works")
    page.get_by_role("button", name="Mark as read").first.click()
    expect(page.get_by_role("status")).to_have_text("Marked as read.")

    page.get_by_role("link", name="Get the virtual card").click()
    page.get_by_label("First query password").fill(FIRST_QUERY)
    page.get_by_label("New query password").fill(QUERY)
    page.get_by_label("New password again").fill(QUERY)
    page.get_by_role("button", name="Get the virtual card").click()
    expect(page.locator("#changes")).to_contain_text("changes in")
    first = page.locator("#digits").inner_text()
    assert scan(page) == first, "as the server drew it"
    redeem(served_pages, first)
    page.get_by_role("button", name="Another code").click()
    expect(page.locator("#digits")).not_to_have_text(first)
    # The next code may come between the look at its squares and the look at its digits.
    until(lambda: scan(page) == page.locator("#digits").inner_text(), "not as the script drew it")
    with pytest.raises(CodeUsedError):
        redeem(served_pages, first)
    assert page.locator("#code").evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(255, 255, 255)"
    page.context.set_offline(True)
    expect(page.locator("#network")).to_contain_text("No network: this page works until")
    page.context.set_offline(False)
    expect(page.locator("#network")).to_have_text("")

    page.get_by_role("navigation", name="Mine").get_by_role("link", name="My cards").click()
    page.get_by_text("Report it lost", exact=True).click()
    page.get_by_role("button", name="Report it lost now").click()
    expect(page.get_by_role("region", name="Physical card")).to_contain_text("Reported lost")
    expect(page.get_by_role("region", name="Virtual card")).to_contain_text("Suspended")
    page.get_by_role("navigation", name="Mine").get_by_role("link", name="Home").click()
    expect(page.get_by_role("region", name="Card", exact=True)).to_contain_text("A new card is possible from")


def test_the_code_changes_by_itself_and_ends_honestly_without_a_network(open_window, served_pages: Pages) -> None:
    services, number = served_pages.app.state.accounts, f"N{new_id().hex[-10:]}"
    person_id = hire(served_pages.database, services, number, "Li Hua")
    with served_pages.database.begin() as session:
        user = virtual_cards.ChannelUser(str(person_id), None)
        person = people.get(session, person_id, lock=True)
        virtual_cards.bind(session, person, virtual_cards.Channel.WEB, user, by="test", now=datetime.now(UTC))
    page = open_window(served_pages, number, ready="main", path="/console/me", **PHONE)
    page.clock.install()
    page.goto(f"{served_pages.url}/console/me/virtual-card")
    first = page.locator("#digits").inner_text()
    intercept(page, "**/virtual-card/codes", lambda route: route.abort())
    page.clock.run_for(31_000)
    expect(page.locator("#digits")).not_to_have_text(first)
    page.clock.run_for(600_000)
    expect(page.locator("#network")).to_contain_text("no codes left")
    expect(page.locator("#digits")).to_have_text("")
    page.unroute("**/virtual-card/codes")
    page.clock.run_for(6_000)
    expect(page.locator("#changes")).to_contain_text("changes in")


@pytest.mark.parametrize(("window", "locale"), [(PHONE, "zh-CN"), (DESK, "en-GB")])
def test_every_page_of_ones_own_fits_and_is_open_to_all(
    open_window, served_pages: Pages, window: dict, locale: str
) -> None:
    page = open_window(served_pages, "S1", ready="main", path="/console/me", locale=locale, **window)
    for name in OWN:
        page.goto(f"{served_pages.url}/console/me{name}")
        for folded in page.locator("main summary").all():
            folded.click()
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        small = page.evaluate(
            """[...document.querySelectorAll("main :is(button, summary, input:not([type=hidden]), .links a), .bar a")]
               .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
               .map((one) => one.outerHTML)"""
        )
        assert small == [] or window is DESK, name
        if locale == "zh-CN":
            assert_chinese(shown(page), names={"PIN"})
    page.goto(f"{served_pages.url}/console/sign-in")
    assert violations(page) == []
