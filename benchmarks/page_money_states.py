"""The money desk's pages that no link leads to, and those that a code on a wall or at a counter leads to."""

from contextlib import closing

from playwright.sync_api import Page
from sqlalchemy import select

from accounts.payments.tables import Merchant
from benchmarks.job_campus import Campus
from benchmarks.page_forms import send
from benchmarks.page_state import State, at, follow, sent, table_file
from benchmarks.page_visitors import NOBODY
from campusgate.demo.running import RunningDemonstration
from database import Database

_MONEY, _TOP_UP, _OTHER = "/console/money", "/console/top-up", "S2026003"


def money_states() -> list[State]:
    """Return them, in an order in which each finds what it needs."""
    return [
        State("subsidies previewed", "admin", _preview_subsidies),
        State("subsidies paid", "admin", _pay_subsidies),
        State("receipt", "cashier", _take_cash),
        State("cash refused", "cashier", lambda page, _: _take(page, "1.234")),
        State("top-up at the desk", "cashier", _look_at_top_up),
        State("payment at the desk", "cashier", _look_at_payment),
        sent("drawer counted", "cashier", f"{_MONEY}/day", "/counts", opening="100", pieces_100="2"),
        State("day", "admin", _close_day),
        sent("journal verified", "cashier", f"{_MONEY}/days", "/verification#verification"),
    ]


def code_states() -> list[State]:
    """Return what whoever scans a printed code sees, who need not be signed in."""
    return [
        at("scanned top-up", NOBODY, _TOP_UP),
        sent("scanned top-up refused", NOBODY, _TOP_UP, "/top-up", number="S2026001", name="别人", amount="5"),
        State("scanned top-up ordered", NOBODY, _order_by_scan),
        State("scanned merchant", NOBODY, _scan_merchant),
        State("scanned merchant refused", NOBODY, lambda page, told: _pay_merchant(page, told, "0.001")),
        State("scanned merchant to be paid", NOBODY, lambda page, told: _pay_merchant(page, told, "0.01")),
    ]


def _look_at_top_up(page: Page, told: RunningDemonstration) -> None:
    number = told.accounts["resident"].number
    follow(page, _counter(page, number), "/console/money/top-ups/", part_of=True)


def _look_at_payment(page: Page, told: RunningDemonstration) -> None:
    number, browser = told.accounts["resident"].number, page.context.browser
    person = _counter(page, number)
    if browser is not None and page.locator(f"main a[href*='{_MONEY}/payments/']").count() == 0:
        campus = Campus(told, browser, "zh")
        campus.buy(campus.open_till(), told.cards[number])
    follow(page, person, f"{_MONEY}/payments/", part_of=True)


def _close_day(page: Page, _told: RunningDemonstration) -> None:
    page.goto(f"{_MONEY}/days")
    if page.locator("main a[href*='/console/money/days/']").count():
        follow(page, f"{_MONEY}/days", "/console/money/days/", part_of=True)
    else:
        send(page, f"{_MONEY}/days", "/close")


def _counter(page: Page, number: str) -> str:
    page.goto(_MONEY)
    form = page.locator('form[action$="/find"]').first
    form.locator("input:not([type=hidden])").first.fill(number)
    form.evaluate("(one) => one.requestSubmit()")
    page.wait_for_url("**/money/people/**")
    return page.url


def _preview_subsidies(page: Page, _told: RunningDemonstration) -> None:
    table = table_file("补助.csv", "学号,姓名,金额\nS2026001,王小明,20.00\nS9,没有,5\n")
    send(page, f"{_MONEY}/subsidies", "/preview", fund="meals", table=table)


def _pay_subsidies(page: Page, _told: RunningDemonstration) -> None:
    table = table_file("补助.csv", "学号,姓名,金额\nS2026001,王小明,0.01\n")
    send(page, f"{_MONEY}/subsidies", "/preview", fund="meals", table=table)
    page.locator('form[action$="/subsidies"]').first.evaluate("(one) => one.requestSubmit()")
    page.wait_for_url("**/money/subsidies")


def _take_cash(page: Page, _told: RunningDemonstration) -> None:
    _take(page, "30")
    page.wait_for_url("**/receipts/**")


def _take(page: Page, amount: str) -> None:
    send(page, _counter(page, _OTHER), "/cash-in", amount=amount)


def _order_by_scan(page: Page, told: RunningDemonstration) -> None:
    person = told.accounts["resident"]
    send(page, _TOP_UP, "/top-up", number=person.number, name=person.name, amount="5", channel="loopback")
    page.wait_for_url("**/top-up/*")


def _scan_merchant(page: Page, told: RunningDemonstration) -> None:
    page.goto(_find_merchant(told))


def _pay_merchant(page: Page, told: RunningDemonstration, amount: str) -> None:
    address = _find_merchant(told)
    send(page, address, address, amount=amount, channel="loopback")


def _find_merchant(told: RunningDemonstration) -> str:
    """Return where a merchant's printed code leads to."""
    with closing(Database(told.database_url)) as database, database.read() as session:
        return f"/console/pay/{session.scalars(select(Merchant.id).order_by(Merchant.id)).first()}"
