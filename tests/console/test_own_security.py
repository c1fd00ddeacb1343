"""Limits, passwords, PIN, phone number and sign-ins of one's own, as a browser without scripts changes them."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from accounts import passwords
from accounts.payments import limits
from accounts.vocabulary import PasswordPurpose
from database import new_id
from directory.people import has_pin
from tests.console.page_server import Pages, hire, signed_in
from web.rate_limits import RateLimiter

SECURITY = "/console/me/security"
CONSUMPTION, QUERY = "482913", "739205"


class Phones:
    """Text messages that were sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, phone: str, code: str) -> None:
        self.sent.append((phone, code))


@pytest.fixture
def holder(served_pages: Pages) -> tuple[str, UUID]:
    """Number and id of somebody with passwords of their own."""
    services, number = served_pages.app.state.accounts, f"H{new_id().hex[-10:]}"
    person_id = hire(served_pages.database, services, number, "Holder")
    hashes = {
        PasswordPurpose.QUERY: services.hasher.hash(QUERY),
        PasswordPurpose.CONSUMPTION: services.hasher.hash(CONSUMPTION),
    }
    with served_pages.database.begin() as session:
        passwords.store(session, person_id, hashes, must_change=False, by="test", now=datetime.now(UTC))
    return number, person_id


@pytest.fixture
def client(served_pages: Pages, holder: tuple[str, UUID]) -> Iterator[httpx.Client]:
    with signed_in(served_pages, holder[0]) as client:
        yield client


def test_limits_are_changed_with_the_consumption_password(
    served_pages: Pages, client: httpx.Client, holder: tuple[str, UUID]
) -> None:
    form = {"meal": "25", "day": "80.5", "consumption_password": CONSUMPTION}
    wrong = client.post(f"{SECURITY}/limits", data=form | {"consumption_password": "111222"})
    assert (wrong.status_code, "The consumption password is wrong." in wrong.text) == (403, True)
    assert 'value="80.5"' in wrong.text, "what was typed stays"
    for impossible in ({"meal": "90"}, {"day": "much"}, {"day": "99999999"}):
        assert client.post(f"{SECURITY}/limits", data=form | impossible).status_code == 422
    changed = client.post(f"{SECURITY}/limits", data=form)
    assert "Up to ¥25.00 a meal and ¥80.50 a day" in changed.text
    with served_pages.database.read() as session:
        assert limits.of_person(session, holder[1], limits.Limits()) == limits.Limits(2500, 8050)


@pytest.mark.parametrize(("purpose", "current"), [("query", QUERY), ("consumption", CONSUMPTION)])
def test_both_passwords_of_six_digits_are_changed(client: httpx.Client, purpose: str, current: str) -> None:
    address = f"{SECURITY}/passwords/{purpose}"
    form = {"current": current, "new": "604812", "repeated": "604812"}
    assert client.post(address, data=form | {"current": "111222"}).status_code == 403
    assert client.post(address, data=form | {"repeated": "604813"}).status_code == 422
    easy = client.post(address, data=form | {"new": "111111", "repeated": "111111"})
    assert (easy.status_code, "Choose another one: six digits" in easy.text) == (422, True)
    assert f"Your {purpose} password is changed." in client.post(address, data=form).text
    assert client.post(address, data=form).status_code == 403, "the one before opens nothing"
    assert client.post(f"{SECURITY}/passwords/portal", data=form).status_code == 422, "that one has its own page"


def test_a_pin_is_chosen_and_removed(served_pages: Pages, client: httpx.Client, holder: tuple[str, UUID]) -> None:
    assert client.post(f"{SECURITY}/pin", data={"pin": "1234", "repeated": "1234"}).status_code == 422
    assert client.post(f"{SECURITY}/pin", data={"pin": "4826", "repeated": "4827"}).status_code == 422
    client.post(f"{SECURITY}/pin", data={"pin": "4826", "repeated": "4826"})
    with served_pages.database.read() as session:
        assert has_pin(session, holder[1])
    assert "Your PIN is removed." in client.post(f"{SECURITY}/pin", data={"remove": "true"}).text
    with served_pages.database.read() as session:
        assert not has_pin(session, holder[1])


def test_a_phone_number_is_confirmed_by_the_code_that_came(served_pages: Pages, client: httpx.Client) -> None:
    assert "sends no text messages yet" in client.get(SECURITY).text
    before, phones = served_pages.app.state.console, Phones()
    messages = RateLimiter(10, timedelta(days=1))
    accounts = dataclasses.replace(before.accounts, code_sender=phones, messages=messages)
    served_pages.app.state.console = dataclasses.replace(before, accounts=accounts)
    try:
        assert client.post(f"{SECURITY}/phone", data={"phone": "12"}).status_code == 422
        page = client.post(f"{SECURITY}/phone", data={"phone": "13812345678"})
        assert "A code is on its way" in page.text
        ((phone, code),) = phones.sent
        wrong = f"{(int(code) + 1) % 10**6:06}"
        refused = client.post(f"{SECURITY}/phone/confirm", data={"code": wrong, "phone": "13812345678"})
        assert (refused.status_code, 'name="code"' in refused.text) == (403, True)
        confirmed = client.post(f"{SECURITY}/phone/confirm", data={"code": code})
        assert "+86138****5678".replace("138", phone[3:6]) in confirmed.text
    finally:
        served_pages.app.state.console = before


def test_other_sign_ins_are_seen_and_ended(served_pages: Pages, client: httpx.Client, holder: tuple[str, UUID]) -> None:
    with signed_in(served_pages, holder[0]) as elsewhere:
        assert "Elsewhere" in client.get(SECURITY).text
        assert "The other sign-ins have ended." in client.post(f"{SECURITY}/sign-ins/end").text
        assert elsewhere.get("/console/me").url.path == "/console/sign-in"
    assert client.get(SECURITY).status_code == 200
