"""Whose sign-in has ended comes back to the page that they were on, and to what they had typed there."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from accounts import passwords
from accounts.vocabulary import PasswordPurpose
from tests.console.page_server import PASSWORD, Pages, hire, signed_in
from tests.waiting import PATIENCE_S

HTML = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def browser_of_nobody(served_pages: Pages) -> Iterator[httpx.Client]:
    headers = HTML | {"Origin": served_pages.url}
    with httpx.Client(base_url=served_pages.url, timeout=PATIENCE_S, headers=headers) as client:
        yield client


def wanted(answer: httpx.Response) -> str | None:
    """The page that the way to the form carries."""
    return parse_qs(urlsplit(answer.headers["location"]).query).get("next", [None])[0]


def sign_in(client: httpx.Client, address: str | None) -> httpx.Response:
    form = {"number": "F1", "password": PASSWORD} | ({} if address is None else {"next": address})
    return client.post("/console/sign-in", data=form, follow_redirects=True)


@pytest.mark.parametrize(
    "address",
    ["/console/records/events", "/console/gates/north", "/console/records/events?result=refused&who=Li+Hua"],
)
def test_the_page_that_was_asked_for_is_shown_after_signing_in(browser_of_nobody: httpx.Client, address: str) -> None:
    answer = browser_of_nobody.get(address)
    assert (answer.status_code, wanted(answer)) == (303, address)
    form = browser_of_nobody.get(answer.headers["location"]).text
    assert f'name="next" value="{address.replace("&", "&amp;")}"' in form
    landed = sign_in(browser_of_nobody, address)
    assert (landed.status_code, landed.url.raw_path.decode()) == (200, address)


@pytest.mark.parametrize(
    ("path", "referer", "back"),
    [
        ("/console/me/visitors/invitations", "/console/me/visitors", "/console/me/visitors"),
        ("/console/me/security/limits", "/console/me/security/limits", "/console/me/security"),
        ("/console/orders", "/console/gates?zone=hall", "/console/gates?zone=hall"),
        ("/console/orders", "/console/records/events/table", "/console/records/events"),
        ("/console/orders", "/nowhere", None),
    ],
)
def test_a_form_leads_back_to_the_page_it_stood_on(
    browser_of_nobody: httpx.Client, path: str, referer: str, back: str | None
) -> None:
    answer = browser_of_nobody.post(path, headers={"Referer": f"{browser_of_nobody.base_url}{referer}"})
    assert (answer.status_code, wanted(answer)) == (303, back)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/console/gates",
        "//evil.example/console/gates",
        "/\\evil.example",
        "/console/../api/v1/me",
        "/console//evil.example",
        "/console/sign-in",
        "/console/sign-in?next=/console/gates",
        "/console/me/money/statement.csv",
        "/console/stream",
        "/console/nowhere",
        "/console/records/events?" + "x" * 2_000,
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_no_page_of_ours_leads_home(browser_of_nobody: httpx.Client, address: str) -> None:
    page = browser_of_nobody.get("/console/sign-in", params={"next": address}).text
    assert 'name="next"' not in page
    assert sign_in(browser_of_nobody, None).url.path == "/console/gates"
    landed = browser_of_nobody.get("/console/", params={"next": address}, follow_redirects=True)
    assert landed.url.path == "/console/gates"


def test_another_sites_page_names_no_way_back(browser_of_nobody: httpx.Client) -> None:
    answer = browser_of_nobody.post(
        "/console/orders", headers={"Referer": "https://evil.example/console/records/events"}
    )
    assert wanted(answer) is None


def test_a_wrong_password_keeps_the_way_back(browser_of_nobody: httpx.Client) -> None:
    form = {"number": "F1", "password": "wrong", "next": "/console/records/events"}
    page = browser_of_nobody.post("/console/sign-in", data=form)
    assert (page.status_code, 'name="next" value="/console/records/events"' in page.text) == (403, True)


def test_signing_out_leads_to_no_page_of_whoever_was_there(served_pages: Pages) -> None:
    with signed_in(served_pages, "F1") as client:
        assert "next" not in client.post("/console/sign-out").url.query.decode()


def give_consumption_password(console: Pages, number: str) -> None:
    """Somebody who may change their limits."""
    services, now = console.app.state.accounts, datetime.now(UTC)
    person_id = hire(console.database, services, number, "Guan Li")
    with console.database.begin() as session:
        hashes = {PasswordPurpose.CONSUMPTION: services.hasher.hash("482913")}
        passwords.store(session, person_id, hashes, must_change=False, by="test", now=now)


def open_limits(open_window: Callable[..., Page], console: Pages, number: str, meal: str) -> Page:
    page = open_window(console, number, ready="main", path="/console/me/security")
    limits = page.get_by_role("region", name="Limits")
    limits.locator("summary").click()
    limits.locator("input[name=meal]").fill(meal)
    limits.locator("input[type=password]").fill("482913")
    page.context.clear_cookies()
    limits.get_by_role("button").click()
    return page


def test_what_was_typed_is_there_again_after_the_sign_in_ended_but_no_password(
    open_window: Callable[..., Page], served_pages: Pages
) -> None:
    give_consumption_password(served_pages, "K1")
    page = open_limits(open_window, served_pages, "K1", "35")
    expect(page.get_by_role("alert")).to_contain_text("had ended")
    page.get_by_label("Number").fill("K1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status").filter(has_text="here again")).to_be_visible()
    assert urlsplit(page.url).path == "/console/me/security"
    expect(page.locator("input[name=meal]")).to_have_value("35")
    assert page.locator("form[action$='/limits'] input[type=password]").input_value() == ""
    page.reload()
    expect(page.locator("#typed-again")).to_be_hidden()


def test_nobody_else_gets_what_was_typed(open_window: Callable[..., Page], served_pages: Pages) -> None:
    give_consumption_password(served_pages, "K2")
    give_consumption_password(served_pages, "K3")
    page = open_limits(open_window, served_pages, "K2", "36")
    page.get_by_label("Number").fill("K3")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Security")
    expect(page.locator("#typed-again")).to_be_hidden()
    assert page.locator("input[name=meal]").input_value() != "36"
