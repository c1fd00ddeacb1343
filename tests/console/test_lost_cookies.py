"""A sign-in that the browser does not keep is explained on the page, with a way out."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from console.texts import TEXTS
from tests.console.intercepting import intercept
from tests.console.page_server import PASSWORD, Pages, hire
from tests.console.photo_studio import PHONE
from tests.databases import ON_SQLITE
from tests.waiting import PATIENCE_S

# What a browser keeps does not depend on the database.
pytestmark = ON_SQLITE

NOT_THIS_MACHINE = "campus.example"


@pytest.fixture
def in_production(console: Pages) -> Pages:
    """The pages as they run outside the demonstration: their cookies are for HTTPS only."""
    state = console.app.state
    state.console = replace(state.console, secure_cookies=True)
    return console


@pytest.fixture
def far_window(launch_browser, browser_thread) -> Iterator:
    """A window of a browser for which the server is another machine, without TLS."""
    browser = launch_browser(f"--host-resolver-rules=MAP {NOT_THIS_MACHINE} 127.0.0.1")
    opened = []

    def open_window(**options):
        opened.append(browser.new_page(**options))
        return opened[-1]

    yield open_window
    browser_thread.run(lambda: [page.close() for page in opened])


def far(console: Pages) -> str:
    return console.url.replace("127.0.0.1", NOT_THIS_MACHINE)


def sign_in(page) -> None:
    page.get_by_label(TEXTS["number"][1]).fill("F1")
    page.get_by_label(TEXTS["password"][1]).fill(PASSWORD)
    page.locator("form.sign-in button").click()


def test_the_right_password_without_tls_says_that_https_is_needed(far_window, in_production) -> None:
    page = far_window(locale="en-GB")
    page.goto(f"{far(in_production)}/console/")
    page.locator("#unencrypted").wait_for()
    sign_in(page)
    chinese, english = TEXTS["problem.cookies_unencrypted"]
    page.get_by_role("alert").get_by_text(english).wait_for()
    # The choice of a language is no secret, and is kept.
    page.get_by_role("button", name="中文").click()
    page.locator("html[lang=zh]").wait_for()
    page.get_by_label(TEXTS["number"][0]).fill("F1")
    page.get_by_label(TEXTS["password"][0]).fill(PASSWORD)
    page.locator("form.sign-in button").click()
    page.get_by_role("alert").get_by_text(chinese).wait_for()


def test_nothing_is_said_where_the_sign_in_is_kept(page, in_production) -> None:
    # A browser trusts its own machine as it does HTTPS.
    page.goto(f"{in_production.url}/console/")
    assert page.locator("#unencrypted").is_hidden()
    sign_in(page)
    page.locator("#link.live").wait_for()
    assert "lost" not in page.url


def test_a_browser_without_cookies_is_told_to_allow_them(in_production) -> None:
    asked = {"Origin": in_production.url.replace("http:", "https:"), "Accept": "text/html", "Accept-Language": "en"}
    asked["Host"] = in_production.url.removeprefix("http://")
    with httpx.Client(base_url=in_production.url, headers=asked, timeout=PATIENCE_S) as client:
        answer = client.post("/console/sign-in", data={"number": "F1", "password": PASSWORD})
        while answer.is_redirect:
            client.cookies.clear()
            answer = client.get(answer.headers["location"])
        assert answer.status_code == 200
        assert TEXTS["problem.cookies_blocked"][1] in answer.text


def test_signing_in_again_says_that_the_browser_kept_nothing(open_window, console) -> None:
    hire(console.database, console.app.state.console.accounts, "S2", "Sun")
    page = open_window(console, "S2", ready="#consent", path="/console/me/photo", **PHONE)

    def without_cookies(route) -> None:
        answer = route.fetch(max_redirects=0)
        kept = {name: value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
        page.context.clear_cookies()
        route.fulfill(status=answer.status, headers=kept, body=answer.body())

    intercept(page, "**/console/sign-in", without_cookies)
    page.context.clear_cookies()
    page.locator("#give").click()
    again = page.get_by_role("dialog", name="Your sign-in has run out")
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Go on").click()
    again.get_by_role("alert").get_by_text(TEXTS["problem.cookies_blocked"][1]).wait_for()


@pytest.mark.parametrize("lost", ["", "cookies", "sign_in_failed", "cookies_blocked.", "not_found"])
def test_an_address_cannot_make_the_page_say_anything_else(console, lost: str) -> None:
    answer = httpx.get(f"{console.url}/console/sign-in", params={"lost": lost}, timeout=PATIENCE_S)
    assert 'role="alert"' not in answer.text
