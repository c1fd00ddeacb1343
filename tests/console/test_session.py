"""A sign-in that goes on: renewed when its token runs out, also for several windows at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from accounts.services import AccountsServices
from accounts.sign_in.service import Origin, RefreshRefusedError
from console.dependencies import SAME_MOMENT
from database import Database
from tests.accounts.conftest import CHEAP_HASHER
from tests.console.page_server import PASSWORD, hire
from tests.waiting import PATIENCE_S

HERE = Origin("127.0.0.1")
NOW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def services(database: Database) -> AccountsServices:
    services = AccountsServices(database=database, secret=bytes(range(32)), hasher=CHEAP_HASHER)
    hire(database, services, "F1", "Chen Jing")
    return services


def test_windows_that_come_back_at_the_same_moment_all_stay_signed_in(services: AccountsServices) -> None:
    """Also where a balancer gives each to another server, whose clock is another."""
    token = services.sign_in.with_password("F1", PASSWORD, origin=HERE, now=NOW).refresh_token
    other = AccountsServices(database=services.database, secret=bytes(range(32)), hasher=CHEAP_HASHER)

    def renew(number: int) -> str:
        server = (services, other)[number % 2]
        return server.sign_in.refresh(token, now=NOW - timedelta(seconds=number % 2), grace=SAME_MOMENT).refresh_token

    with ThreadPoolExecutor(8) as windows:
        got = set(windows.map(renew, range(8)))
    assert len(got) == 1
    assert other.sign_in.refresh(got.pop(), now=NOW + timedelta(minutes=10), grace=SAME_MOMENT).refresh_token


@pytest.mark.parametrize("grace", [SAME_MOMENT, timedelta()])
def test_a_token_that_comes_back_later_was_stolen_and_ends_the_sign_in(
    services: AccountsServices, grace: timedelta
) -> None:
    sign_in = services.sign_in
    token = sign_in.with_password("F1", PASSWORD, origin=HERE, now=NOW).refresh_token
    new = sign_in.refresh(token, now=NOW, grace=grace).refresh_token
    with pytest.raises(RefreshRefusedError):
        sign_in.refresh(token, now=NOW + grace, grace=grace)
    with pytest.raises(RefreshRefusedError):
        sign_in.refresh(new, now=NOW + grace + timedelta(seconds=1), grace=grace)


def test_a_sign_in_that_was_ended_is_not_renewed_by_a_window_that_comes_late(services: AccountsServices) -> None:
    sign_in = services.sign_in
    token = sign_in.with_password("F1", PASSWORD, origin=HERE, now=NOW).refresh_token
    new = sign_in.refresh(token, now=NOW, grace=SAME_MOMENT).refresh_token
    sign_in.end(new, now=NOW)
    with pytest.raises(RefreshRefusedError):
        sign_in.refresh(token, now=NOW, grace=SAME_MOMENT)


def test_the_live_page_goes_on_when_its_token_runs_out(open_window, console) -> None:
    """The stream ends with the token; the browser renews it and misses nothing."""
    page = open_window(console, "F1")
    context = page.context
    console.happen(kind="access_granted")
    page.locator("#events tr[data-kind=access_granted]").wait_for()
    before = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    context.clear_cookies(name="campusgate_access")
    page.goto(f"{console.url}/console/gates")
    page.locator("#link.live").wait_for()
    after = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    assert after["campusgate_refresh"] != before["campusgate_refresh"]
    console.happen(kind="door_held")
    page.locator("#events tr[data-kind=door_held]").wait_for()


def test_a_first_password_is_changed_once_also_when_the_form_was_open_for_long(console) -> None:
    """The access token runs out while somebody thinks of a password; it is renewed on the way to the change."""
    services, new = console.app.state.accounts, "another quiet evening"
    hire(console.database, services, "N1", "Wu", must_change=True)
    with httpx.Client(base_url=console.url, timeout=PATIENCE_S, headers={"Origin": console.url}) as browser:
        browser.post("/console/sign-in", data={"number": "N1", "password": PASSWORD})
        browser.cookies.delete("campusgate_access")
        form = {"current": PASSWORD, "new": new, "repeated": new}
        assert browser.post("/console/password", data=form).headers["location"] == "/console/"
        home = browser.get("/console/", headers={"Accept": "text/html"})
        assert home.headers["location"] == "/console/me"
