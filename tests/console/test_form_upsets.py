"""Forms that are sent at a bad moment, refused, or filled with what no form holds; over HTTP."""

import re

import httpx
import pytest

from accounts.vocabulary import Role
from console.sign_in_cookies import ACCESS_COOKIE, REFRESH_COOKIE
from tests.console.page_server import Pages, hire, signed_in

FAR_DAYS = ("0001-01-01", "9999-12-31", "1999-12-31")
LANGUAGE_BACK = re.compile(r'name="back" value="([^"]*)"')


def holder(console: Pages, number: str, *roles: Role) -> str:
    hire(console.database, console.app.state.accounts, number, "王小明", *roles)
    return number


def back_of(page: httpx.Response) -> str:
    return LANGUAGE_BACK.search(page.text)[1].replace("&amp;", "&")


@pytest.mark.parametrize("day", FAR_DAYS)
@pytest.mark.parametrize("page", ["money", "money/statement.csv", "gates/passages", "gates/passages/table.csv"])
def test_days_of_no_century_are_said_to_be_wrong(served_pages: Pages, page: str, day: str) -> None:
    with signed_in(served_pages, "S1") as client:
        for asked in ({"from": day}, {"to": day}, {"from": day, "to": day}):
            assert client.get(f"/console/me/{page}", params=asked).status_code in {200, 422}


@pytest.mark.parametrize("day", FAR_DAYS)
def test_staff_pages_know_no_days_of_other_centuries(served_pages: Pages, day: str) -> None:
    with signed_in(served_pages, "F1") as client:
        for page, name in (("gates/charts", "day"), ("metering/days", "day"), ("records/late-returns", "night")):
            assert client.get(f"/console/{page}", params={name: day}).status_code < 500, page


def test_a_refused_form_keeps_the_sign_in_that_was_renewed_on_its_way(served_pages: Pages) -> None:
    with signed_in(served_pages, holder(served_pages, "U1")) as client:
        before = client.cookies[REFRESH_COOKIE]
        client.cookies.delete(ACCESS_COOKIE)
        limits = {"meal": "much", "day": "100", "consumption_password": "204913"}
        assert client.post("/console/me/security/limits", data=limits).status_code == 422
        assert ACCESS_COOKIE in client.cookies
        assert client.cookies[REFRESH_COOKIE] != before


def test_a_table_that_is_downloaded_keeps_the_sign_in_that_was_renewed_on_its_way(served_pages: Pages) -> None:
    with signed_in(served_pages, holder(served_pages, "U4", Role.ADMIN)) as client:
        before = client.cookies[REFRESH_COOKIE]
        client.cookies.delete(ACCESS_COOKIE)
        assert client.get("/console/office/audit/table", params={"whom": "S1"}).status_code == 200
        assert ACCESS_COOKIE in client.cookies
        assert client.cookies[REFRESH_COOKIE] != before


def test_a_form_that_was_sent_too_late_is_said_to_have_come_to_nothing(served_pages: Pages) -> None:
    with signed_in(served_pages, holder(served_pages, "U2")) as client:
        client.cookies.clear()
        page = client.post("/console/me/visitors/invitations", data={"visitor": "Li"})
        assert page.url.path == "/console/sign-in"
        assert "was not saved" in page.text
        assert "was not saved" not in client.get("/console/me").text


def test_the_language_is_changed_where_one_is(served_pages: Pages) -> None:
    with signed_in(served_pages, holder(served_pages, "U3")) as client:
        page = client.get("/console/me/money", params={"kind": "payment", "done": "limits_changed"})
        assert back_of(page) == "/console/me/money?kind=payment"
        for form, typed, stands_on in (
            ("security/limits", {"meal": "x", "day": "1", "consumption_password": "1"}, "security"),
            ("cards/loss", {}, "cards"),
            ("visitors/invitations", {"key": "00000000-0000-4000-8000-000000000000"}, "visitors"),
            ("money/top-ups/new", {"key": "00000000-0000-4000-8000-000000000000"}, "money/top-ups/new"),
        ):
            refused = client.post(f"/console/me/{form}", data=typed)
            assert refused.is_error
            assert back_of(refused) == f"/console/me/{stands_on}"
            led = client.post("/console/language", data={"lang": "en", "back": back_of(refused)})
            assert led.status_code == 200
