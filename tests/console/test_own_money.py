"""A person's own money: balance, statement with its files, and topping up through a channel."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from accounts.ledger import AccountKind, Transfer, account, open_named, record
from accounts.payment_channels.loopback import loopback
from accounts.payment_channels.loopback_provider import LoopbackProvider
from accounts.payments import merchants
from accounts.topup.tables import TopUpOrder
from database import Database, new_id
from metering.billing import top_up as room_top_up
from metering.billing.top_up import RoomPayment
from metering.sessions.tables import WaterPlace
from operations.board import Board
from tests.console.axe import inspect
from tests.console.dormitory import open_dormitory
from tests.console.page_server import Pages, hire, serve, signed_in
from tests.databases import copied
from tests.metering.sessions.bath import hot

ZONE = ZoneInfo("Asia/Shanghai")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
LONG_AGO = timedelta(days=40)


@dataclass
class Bank:
    """A server with one channel, a canteen, and people with wallets of their own."""

    console: Pages
    provider: LoopbackProvider
    canteen: UUID
    people: int = 0

    def holder(self) -> tuple[str, UUID]:
        self.people += 1
        number = f"M{self.people:03}"
        return number, hire(self.console.database, self.console.app.state.accounts, number, "王小明")

    def move(self, *transfers: Transfer, at: datetime | None = None) -> None:
        now = at or datetime.now(UTC)
        with self.console.database.begin() as session:
            for outcome in record(session, list(transfers), now):
                outcome.require()

    def give(self, person: UUID, fen: int, *, at: datetime | None = None) -> UUID:
        with self.console.database.begin() as session:
            counter = open_named(session, AccountKind.CASH, "counter:1", at or datetime.now(UTC))
        made = new_id()
        self.move(Transfer(made, "cash_in", counter, person, fen), at=at)
        return made

    def pay(self, person: UUID, fen: int) -> UUID:
        made = new_id()
        self.move(Transfer(made, "payment", person, self.canteen, fen))
        return made

    def refund(self, person: UUID, paid: UUID, fen: int) -> None:
        self.move(Transfer(new_id(), "refund", self.canteen, person, fen, corrects=paid))

    def balance(self, person: UUID) -> int:
        with self.console.database.read() as session:
            return account(session, person).balance or 0


@pytest.fixture(scope="module")
def bank(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """One server for the tests of this module."""
    database = copied(sqlite_template, tmp_path_factory.mktemp("bank"))
    provider, channel = loopback("wechat", zone=ZONE, pay_at="https://pay.example/")
    with database.begin() as session:
        canteen = merchants.add(
            session, name="第一食堂", campus="east", service="canteen", by="test", now=datetime.now(UTC)
        ).id
    with serve(database, Board(), None, channels={"wechat": channel}) as console:
        yield Bank(console, provider, canteen)
    database.close()


def rows_of(answer: httpx.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def key_of(page: str) -> str:
    return re.search(r'name="key" value="([^"]+)"', page)[1]


def test_each_line_is_in_plain_words_and_a_refund_leads_to_what_it_undoes(bank: Bank) -> None:
    number, person = bank.holder()
    bank.give(person, 10_000)
    paid = bank.pay(person, 1_230)
    bank.refund(person, paid, 230)
    with signed_in(bank.console, number) as client:
        page = client.get("/console/me/money").text
    assert "¥90.00" in page
    for words in ("Cash paid in · counter", "Payment · 第一食堂", "−¥12.30", "given back of it: ¥2.30", "+¥2.30"):
        assert words in page
    assert f'href="#line-{paid}"' in page
    assert page.index("Refund") < page.index("Payment · 第一食堂") < page.index("Cash paid in"), "newest first"


def test_files_add_up_to_the_fen_also_when_lines_are_left_out(bank: Bank) -> None:
    number, person = bank.holder()
    bank.give(person, 5_007, at=datetime.now(UTC) - LONG_AGO)
    bank.give(person, 1_000)
    paid = bank.pay(person, 333)
    bank.refund(person, paid, 33)
    with signed_in(bank.console, number) as client:
        whole = rows_of(client.get("/console/me/money/statement.csv"))
        part = rows_of(client.get("/console/me/money/statement.csv", params={"kind": "payment"}))
        pdf = client.get("/console/me/money/statement.pdf")
    amounts = [row[2] for row in whole[2:-1]]
    assert (whole[1][3], amounts, whole[-1][3]) == ("50.07", ["10.00", "-3.33", "0.33"], "57.07")
    assert [row[3] for row in whole[2:-1]] == ["60.07", "56.74", "57.07"]
    assert [row[2] for row in part[2:-1]] == ["-3.33", "10.33"], "the payment, and what is left out"
    assert (part[1][3], part[-1][3]) == ("50.07", "57.07")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")
    assert b"STSong-Light" in pdf.content


def test_what_is_asked_for_narrows_the_list_and_wrong_days_are_said(bank: Bank) -> None:
    number, person = bank.holder()
    bank.give(person, 1_000)
    bank.pay(person, 100)
    with signed_in(bank.console, number) as client:

        def shown(**asked: str) -> tuple[bool, bool]:
            page = client.get("/console/me/money", params=asked).text
            return "Payment · 第一食堂" in page, "Cash paid in" in page

        assert shown() == (True, True)
        assert shown(words="食堂") == (True, False)
        assert shown(words="cash") == (False, True)
        assert shown(words="100%_") == (False, False)
        assert shown(direction="in") == (False, True)
        assert shown(kind="payment") == (True, False)
        assert shown(to=f"{datetime.now(ZONE).date() - timedelta(days=1)}") == (False, False)
        for asked in ({"from": "yesterday"}, {"from": "2026-05-02", "to": "2026-05-01"}, {"from": "2001-01-01"}):
            wrong = client.get("/console/me/money", params=asked)
            assert wrong.status_code == 422
            assert 'role="alert"' in wrong.text


def test_long_statements_go_on_page_by_page(bank: Bank) -> None:
    number, person = bank.holder()
    for _ in range(35):
        bank.give(person, 100)
    with signed_in(bank.console, number) as client:
        first = client.get("/console/me/money").text
        second = client.get(re.search(r'href="([^"]*cursor=[^"]*)"', first)[1].replace("&amp;", "&")).text
    assert [page.count("Cash paid in") for page in (first, second)] == [30, 5]
    assert not re.search(r'href="[^"]*cursor=', second)


def test_the_same_form_sent_twice_is_one_top_up_and_nobody_sees_anothers(bank: Bank) -> None:
    number, person = bank.holder()
    stranger, _ = bank.holder()
    with signed_in(bank.console, number) as client:
        form = {"key": key_of(client.get("/console/me/money/top-ups/new").text), "channel": "wechat", "amount": "12.3"}
        first, second = (client.post("/console/me/money/top-ups/new", data=form) for _ in range(2))
        assert first.url == second.url
        assert "Waiting for your payment" in second.text
        assert f"https://pay.example/{UUID(form['key']).hex}" in second.text
        assert "<svg" in second.text, "a code for another phone"
        changed = client.post("/console/me/money/top-ups/new", data=form | {"amount": "50"})
        assert (changed.status_code, key_of(changed.text) != form["key"]) == (409, True)
        bank.provider.pay(UUID(form["key"]))
        for _ in range(2):
            assert "Paid" in client.get(first.url.path).text
    assert bank.balance(person) == 1_230
    with signed_in(bank.console, stranger) as client:
        assert client.get(first.url.path).status_code == 404
        assert client.get(f"{first.url.path}/state").status_code == 404


def test_a_channel_that_is_away_is_explained_and_takes_nothing_twice(bank: Bank) -> None:
    number, person = bank.holder()
    with signed_in(bank.console, number) as client:
        form = {"key": str(uuid4()), "channel": "wechat", "chosen": "20"}
        bank.provider.answers_to_lose = 3
        away = client.post("/console/me/money/top-ups/new", data=form)
        assert "does not answer just now, and nothing was taken" in away.text
        back = client.get(away.url.path)
        assert "Waiting for your payment" in back.text
        assert "does not answer" not in back.text
        bank.provider.pay(UUID(form["key"]))
        assert client.get(f"{away.url.path}/state").json() == {"state": "credited"}
        assert "Top-ups" in client.get("/console/me/money/top-ups").text
    with bank.console.database.read() as session:
        assert len(session.scalars(select(TopUpOrder).filter_by(person_id=person)).all()) == 1
    assert bank.balance(person) == 2_000


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"channel": "wechat", "amount": "-5"}, "This is no amount"),
        ({"channel": "wechat", "amount": "10000.01"}, "at most 10,000.00 yuan"),
        ({"channel": "wechat", "amount": "1.234"}, "at most two digits"),
        ({"channel": "wechat"}, "Type an amount"),
        ({"channel": "nobody", "amount": "5"}, "Choose how to pay"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(bank: Bank, typed: dict[str, str], said: str) -> None:
    number, _person = bank.holder()
    key = str(uuid4())
    with signed_in(bank.console, number) as client:
        answer = client.post("/console/me/money/top-ups/new", data={"key": key} | typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert key_of(answer.text) == key
    assert typed.get("amount", "") in answer.text


def test_showers_and_rooms_are_named_on_the_statement_and_found_by_their_names(
    sqlite_template: Path, tmp_path: Path
) -> None:
    database = copied(sqlite_template, tmp_path)
    with open_dormitory(database) as dormitory:
        number, person = dormitory.student("王小明", 10_000)
        room = dormitory.room("王小明", number="3005")
        with database.begin() as session:
            paid = RoomPayment(room, person, 2_000, unlocked=True)
            top_up = room_top_up.pay(session, dormitory.services.money, paid, datetime.now(UTC)).row.id
            room_top_up.refund(
                session, dormitory.services.money, top_up, fen=500, reason="wrong", by="test", now=datetime.now(UTC)
            )
        bath = dormitory.bath
        bath.ask(dormitory.card_of(person), 21)
        for number_, (step, litres) in enumerate((("started", 0), ("ended", 40)), start=1):
            bath.tell(21, number_, step, hot(litres), **({"stop_reason": "local"} if step == "ended" else {}))
        with signed_in(dormitory.console, number) as client:
            page = client.get("/console/me/money").text
            showers = client.get("/console/me/money", params={"words": place_of(database)}).text
            rooms = client.get("/console/me/money", params={"words": "3005"}).text
    for words in (
        "Room&#39;s electricity · 北一楼 3005",
        "Room&#39;s top-up given back · 北一楼 3005",
        f"Water · {place_of(database)}",
        "given back of it: ¥5.00",
    ):
        assert words in page
    assert ("Water ·" in showers, "electricity · 北" in showers) == (True, False)
    assert ("Water ·" in rooms, "electricity · 北" in rooms) == (False, True)
    database.close()


def place_of(database: Database) -> str:
    """The title of the place that the shower stands at."""
    with database.read() as session:
        return session.scalars(select(WaterPlace.title)).first() or ""


def test_somebody_tops_up_by_phone_and_finds_it_on_the_statement_and_in_its_files(open_window, bank: Bank) -> None:
    number, person = bank.holder()
    page = open_window(bank.console, number, ready="main", **PHONE)

    def check() -> None:
        inspect(page)
        page.set_viewport_size(PHONE["viewport"])

    page.goto(f"{bank.console.url}/console/me/money")
    check()
    page.get_by_role("link", name="Top up", exact=True).click()
    page.get_by_label("100", exact=True).check()
    check()
    page.get_by_role("button", name="Go on to pay").click()
    expect(page.locator("#top-up-state")).to_have_text("Waiting for your payment")
    check()
    bank.provider.pay(UUID(page.url.rsplit("/", 1)[1]))
    expect(page.locator("#top-up-state")).to_have_text("Paid")
    expect(page.locator("#top-up")).to_contain_text("You have now ¥100.00")
    check()
    page.get_by_role("link", name="Back to money").click()
    line = page.locator(".statement > li").first
    expect(line).to_contain_text("Top-up · WeChat Pay")
    expect(line).to_contain_text("+¥100.00")
    page.get_by_text("Filter", exact=True).click()
    check()
    with page.expect_download() as made:
        page.get_by_role("link", name="Download as CSV").click()
    assert "Top-up · WeChat Pay,100.00,100.00" in made.value.path().read_text(encoding="utf-8-sig")
    with page.expect_download() as made:
        page.get_by_role("link", name="Download as PDF").click()
    assert made.value.path().read_bytes().startswith(b"%PDF")
    page.goto(f"{bank.console.url}/console/me/money/top-ups")
    check()
    assert bank.balance(person) == 10_000
