"""The pages behind printed codes, over HTTP and without a sign-in."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from accounts.ledger.chart import account
from accounts.payments import merchants
from database import new_id
from tests.console.money_desk import Desk, open_desk
from tests.console.page_server import signed_in

HIDDEN = re.compile(r'name="key" value="([0-9a-f-]{36})"')


@pytest.fixture(scope="module")
def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(sqlite_template, tmp_path_factory.mktemp("scan")) as desk:
        yield desk


@pytest.fixture
def anybody(desk: Desk) -> Iterator[httpx.Client]:
    headers = {"Origin": desk.url, "Accept": "text/html", "Accept-Language": "en"}
    with httpx.Client(base_url=desk.url, headers=headers) as client:
        yield client


@pytest.fixture(scope="module")
def stall(desk: Desk) -> UUID:
    with desk.database.begin() as session:
        merchants.set_campuses(session, "canteen", ["north"], by="test", now=desk.now)
        made = merchants.add(session, name="Noodles & Tea", campus="north", service="canteen", by="test", now=desk.now)
        return made.id


def key_of(page: httpx.Response) -> str:
    found = HIDDEN.search(page.text)
    assert found is not None
    return found[1]


def balance(desk: Desk, of: UUID) -> int:
    with desk.database.read() as session:
        return account(session, of).balance


def send(client: httpx.Client, at: str, **form: str) -> httpx.Response:
    return client.post(at, data={"key": key_of(client.get(at)), "channel": "loopback"} | form)


@pytest.mark.parametrize("typed", ["Li Lei", " ＬＩ　lei ", "li  lei"])
def test_whoever_gives_number_and_name_tops_the_account_up(desk: Desk, anybody: httpx.Client, typed: str) -> None:
    person_id, number, _ = desk.holder("Li Lei")
    led = send(anybody, "/console/top-up", number=f" {number} ", name=typed, chosen="50")
    assert led.status_code == 303
    page = anybody.get(led.headers["location"])
    assert "Waiting for your payment" in page.text
    assert "<svg" in page.text
    assert number not in page.text
    order_id = UUID(led.headers["location"].rsplit("/", 1)[1])
    desk.provider.pay(order_id)
    assert anybody.get(f"/console/top-up/{order_id}/state").json() == {"state": "credited"}
    assert "The money is in the account" in anybody.get(f"/console/top-up/{order_id}").text
    assert balance(desk, person_id) == 5_000


def test_a_wrong_number_and_a_wrong_name_are_told_alike(desk: Desk, anybody: httpx.Client) -> None:
    _, number, _ = desk.holder("Li Lei")
    answers = [
        send(anybody, "/console/top-up", number=one, name=name, amount="12.50")
        for one, name in ((number, "Han Meimei"), ("nobody", "Li Lei"))
    ]
    for answer, one in zip(answers, (number, "nobody"), strict=True):
        assert answer.status_code == 422
        assert f'value="{one}"' in answer.text, "what was typed stands there again"
    words = [re.findall(r'id="name-said" class="problem">([^<]+)<', one.text) for one in answers]
    assert words[0] == words[1] != []


@pytest.mark.parametrize(
    ("form", "said"),
    [({"amount": "0"}, "amount-said"), ({"amount": "12.345"}, "amount-said"), ({"channel": "bank"}, "channel-said")],
)
def test_what_is_wrong_in_the_form_is_said_beside_it(
    desk: Desk, anybody: httpx.Client, form: dict[str, str], said: str
) -> None:
    _, number, _ = desk.holder("Li Lei")
    answer = send(anybody, "/console/top-up", **({"number": number, "name": "Li Lei", "chosen": "50"} | form))
    assert answer.status_code == 422
    assert f'id="{said}" class="problem"' in answer.text


def test_who_scans_the_merchants_code_pays_and_shows_that(desk: Desk, anybody: httpx.Client, stall: UUID) -> None:
    at = f"/console/pay/{stall}"
    before = balance(desk, stall)
    assert "Noodles &amp; Tea" in anybody.get(at).text
    led = send(anybody, at, amount="15")
    assert led.status_code == 303
    assert "Waiting for your payment" in anybody.get(led.headers["location"]).text
    desk.provider.pay(UUID(led.headers["location"].rsplit("/", 1)[1]))
    shown = anybody.get(led.headers["location"]).text
    assert "Show this page at the counter" in shown
    assert "15.00" in shown
    assert balance(desk, stall) - before == 1_500


def test_a_form_that_is_sent_twice_pays_once(desk: Desk, anybody: httpx.Client, stall: UUID) -> None:
    at = f"/console/pay/{stall}"
    form = {"key": key_of(anybody.get(at)), "channel": "loopback", "amount": "3.20"}
    first, again = (anybody.post(at, data=form) for _ in range(2))
    assert first.headers["location"] == again.headers["location"]
    other = anybody.post(at, data=form | {"amount": "4"})
    assert other.status_code == 409
    assert key_of(other) != form["key"], "another amount is another payment"


def test_a_code_of_no_merchant_and_a_payment_of_another_are_not_found(
    desk: Desk, anybody: httpx.Client, stall: UUID
) -> None:
    assert anybody.get(f"/console/pay/{new_id()}").status_code == 404
    assert anybody.get(f"/console/pay/{stall}/payments/{new_id()}").status_code == 404
    assert anybody.get(f"/console/top-up/{new_id()}").status_code == 404


def test_the_app_that_scanned_is_chosen(anybody: httpx.Client, desk: Desk) -> None:
    desk.money.channels["wechat"] = desk.money.channels["loopback"]  # type: ignore[index]
    try:
        shown = anybody.get("/console/top-up", headers={"User-Agent": "Mozilla/5.0 MicroMessenger/8.0.50"}).text
    finally:
        del desk.money.channels["wechat"]  # type: ignore[attr-defined]
    assert re.search(r'value="wechat" required checked', shown)


def test_both_codes_are_printed_at_the_money_desk(desk: Desk, stall: UUID) -> None:
    with signed_in(desk.pages, "C1") as client:
        shown = client.get("/console/money/merchants").text
        for at, leads in (
            ("/console/money/codes/top-up", "/console/top-up"),
            (f"/console/money/codes/merchants/{stall}", f"/console/pay/{stall}"),
        ):
            assert f'href="{at}"' in shown
            page = client.get(at).text
            assert f"{desk.url}{leads}" in page
            assert 'class="qr"' in page
            tabs = re.findall(r'href="(/console/money[^"]*)" class="aside" aria-current', page)
            assert tabs == ["/console/money/merchants"]
