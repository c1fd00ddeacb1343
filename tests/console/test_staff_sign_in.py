"""Staff come in through the identity provider, in a browser's own steps; who forgot a password is told where to go."""

import dataclasses
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from accounts.sign_in.cas import CasProvider
from accounts.sign_in.identity_providers import ConnectedProvider
from accounts.vocabulary import PersonKind, Role
from database import new_id
from tests.accounts.oidc_issuer import Issuer, connected, open_issuer
from tests.accounts.speaker import Speaker
from tests.console.page_server import Pages, hire
from tests.served import served
from tests.waiting import PATIENCE_S

CAS = "http://www.yale.edu/tp/cas"
BEGIN, COMPLETE = "/console/staff-sign-in", "/console/staff-sign-in/complete"


@pytest.fixture
def issuer(served_pages: Pages) -> Iterator[Issuer]:
    """An issuer that the pages' server is registered at, and a member of staff known to both."""
    app = served_pages.app
    before = app.state.console
    with open_issuer() as issuer:
        accounts = dataclasses.replace(before.accounts, identity_providers=connected(issuer))
        app.state.console = dataclasses.replace(before, accounts=accounts)
        issuer.number = f"F{new_id().hex[-10:]}"
        hire(served_pages.database, accounts, issuer.number, "Chen Jing", Role.FACILITIES)
        yield issuer
    app.state.console = before


@pytest.fixture
def browser(served_pages: Pages) -> Iterator[httpx.Client]:
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    with httpx.Client(base_url=served_pages.url, timeout=PATIENCE_S, headers=headers) as client:
        yield client


def visit(browser: httpx.Client, issuer: Issuer) -> dict[str, str]:
    """Go to the issuer, and bring back what it says."""
    begun = browser.get(BEGIN)
    assert begun.status_code == 303
    state, code = issuer.visit(begun.headers["location"])
    return {"state": state, "code": code}


def test_a_member_of_staff_comes_in_through_the_provider(browser: httpx.Client, issuer: Issuer) -> None:
    page = browser.get("/console/sign-in").text
    assert f'href="{BEGIN}?provider=oidc"' in page
    brought = visit(browser, issuer)
    kept = next(one for one in browser.cookies.jar if one.name == "campusgate_state")
    assert (kept.path, kept.get_nonstandard_attr("SameSite")) == (BEGIN, "lax")
    assert kept.has_nonstandard_attr("HttpOnly")
    back = browser.get(COMPLETE, params=brought)
    assert back.status_code == 200, "a page that leads on: a redirect from another site carries no strict cookie"
    onward = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', back.text)
    assert onward
    assert browser.get(onward[1]).headers["location"] == "/console/gates"
    assert "campusgate_state" not in browser.cookies


def test_a_ticket_of_cas_signs_in_the_browser_that_asked_for_it(
    browser: httpx.Client, issuer: Issuer, served_pages: Pages
) -> None:
    console = served_pages.app.state.console
    success = f"<cas:authenticationSuccess><cas:user>{issuer.number}</cas:user></cas:authenticationSuccess>"
    with served(Speaker()) as server:
        server.answer = (200, f'<cas:serviceResponse xmlns:cas="{CAS}">{success}</cas:serviceResponse>'.encode())
        cas = CasProvider(address=server.url, redirect_uri=f"{served_pages.url}{COMPLETE}")
        providers = console.accounts.identity_providers | {"cas": ConnectedProvider(cas, [PersonKind.STAFF])}
        accounts = dataclasses.replace(console.accounts, identity_providers=providers)
        served_pages.app.state.console = dataclasses.replace(console, accounts=accounts)
        offered = re.findall(rf'href="{BEGIN}\?provider=(\w+)', browser.get("/console/sign-in").text)
        assert offered == ["oidc", "cas"]
        begun = urlsplit(browser.get(BEGIN, params={"provider": "cas"}).headers["location"])
        (service,) = parse_qs(begun.query)["service"]
        others = f"{service[:-1]}{'b' if service.endswith('a') else 'a'}"
        assert browser.get(f"{others}?ticket=ST-1").status_code == 400
        assert "campusgate_state" not in browser.cookies, "an attempt that went wrong is over"
        begun = urlsplit(browser.get(BEGIN, params={"provider": "cas"}).headers["location"])
        (service,) = parse_qs(begun.query)["service"]
        assert browser.get(f"{service}?ticket=ST-1").status_code == 200
        assert browser.get("/console/").headers["location"] == "/console/gates"
    assert browser.get(BEGIN, params={"provider": "none"}).status_code == 503


def test_what_another_browser_began_signs_nobody_in(browser: httpx.Client, issuer: Issuer, served_pages: Pages) -> None:
    brought = visit(browser, issuer)
    with httpx.Client(base_url=served_pages.url, timeout=PATIENCE_S, headers=browser.headers) as victim:
        refused = victim.get(COMPLETE, params=brought)
        assert refused.status_code == 400
        assert "did not confirm this sign-in" in refused.text
        assert not victim.cookies
        visit(victim, issuer)
        assert victim.get(COMPLETE, params=brought).status_code == 400, "with a state of their own neither"
    assert browser.get(COMPLETE, params=brought).status_code == 200
    assert browser.get(COMPLETE, params=brought).status_code == 400, "once"


def test_who_is_no_staff_or_came_back_with_nothing_is_told_on_the_sign_in_page(
    browser: httpx.Client, issuer: Issuer
) -> None:
    issuer.number = "F0404"
    refused = browser.get(COMPLETE, params=visit(browser, issuer))
    assert refused.status_code == 403
    assert "There is no account for this person that signs in this way" in refused.text
    nothing = browser.get(COMPLETE, params={"error": "access_denied", "state": "x"})
    assert (nothing.status_code, 'name="password"' in nothing.text) == (400, True)
    issuer.claims = {"nonce": "of another attempt"}
    assert browser.get(COMPLETE, params=visit(browser, issuer)).status_code == 400


def test_without_a_provider_there_is_no_button_and_the_address_says_so(browser: httpx.Client) -> None:
    assert BEGIN not in browser.get("/console/sign-in").text
    refused = browser.get(BEGIN)
    assert refused.status_code == 503
    assert parse_qs(urlsplit(str(refused.url)).query) == {}
    assert "not possible at the moment" in refused.text


def test_who_forgot_a_password_is_told_where_to_go(browser: httpx.Client, served_pages: Pages) -> None:
    before = served_pages.app.state.console
    assert "The card centre sets a new one" in browser.get("/console/sign-in").text
    words = {"zh": "行政楼 101，电话 0537-0000000", "en": "Room 101, telephone 0537-0000000"}
    served_pages.app.state.console = dataclasses.replace(before, card_centre=words)
    try:
        assert words["en"] in browser.get("/console/sign-in").text
        assert words["zh"] in browser.get("/console/sign-in", headers={"Accept-Language": "zh"}).text
    finally:
        served_pages.app.state.console = before
