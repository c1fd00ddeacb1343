"""Pages that no link leads to: what a form answers, what must first be made, and what a page says when it refuses."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import update

from accounts import people
from accounts.cards import loss
from accounts.tables import LossReport
from benchmarks.job_campus import Campus
from benchmarks.page_dialogs import ask_to_acknowledge, ask_to_order, ask_to_withdraw
from benchmarks.page_forms import send
from benchmarks.page_visitors import KIOSK, NOBODY
from campusgate.demo.running import RunningDemonstration
from database import Database

_ADMINISTRATION, _OFFICE, _MONEY, _OWN = "/console/administration", "/console/office", "/console/money", "/console/me"
_OTHER = "S2026003"
_LIST = (
    "学号,姓名,人员类别,院系\n{number},新生甲,学生,化学学院\n,没有学号,学生,物理学院\nS2026001,王小明,学生,数学学院\n"
)


@dataclass(frozen=True, slots=True)
class State:
    """A page to be brought about by whoever plays `part`; `open` leaves it open in their browser."""

    name: str
    part: str
    open: Callable[[Page, RunningDemonstration], None]


def _at(name: str, part: str, path: str) -> State:
    return State(name, part, lambda page, told: _go(page, path.format(gate=told.gate)))


def _sent(name: str, part: str, path: str, action: str, /, **typed: Any) -> State:
    return State(name, part, lambda page, _: send(page, path, action, **typed))


def _go(page: Page, path: str) -> None:
    page.goto(path)


def all_states() -> list[State]:
    """Return every state, in an order in which each finds what it needs."""
    return [*_ways_in(), *_own(), *_of_gates(), *_of_the_office(), *_of_the_money_desk(), *_of_the_kiosk()]


def _ways_in() -> list[State]:
    wrong = {"current": "x", "new": "y", "repeated": "z"}
    wrong_account = {"number": "S1", "password": "x"}
    return [
        _at("sign-in", NOBODY, "/console/sign-in"),
        _sent("sign-in refused", NOBODY, "/console/sign-in", "/sign-in", **wrong_account),
        _at("first password", "newcomer", "/console/"),
        _sent("password refused", "guard", "/console/password", "/password", **wrong),
        _at("no such page", "guard", f"/console/gates/{'-'.join(8 * ['nowhere'])}"),
        _at("somebody else's page", "resident", "/console/gates"),
    ]


def _own() -> list[State]:
    limits = {"consumption_password": "1"}
    return [
        State("virtual card", "resident", _show_virtual_card),
        State("top-up", "resident", _order_top_up),
        State("top-up paid", "resident", _pay_top_up),
        _sent("top-up refused", "resident", f"{_OWN}/money/top-ups/new", "/top-ups/new", amount="0.001"),
        _sent("limits refused", "resident", f"{_OWN}/security", "/limits", **limits),
        State("visitor's pass", "guard", _invite),
        State("consent to be withdrawn", "resident", ask_to_withdraw),
    ]


def _of_gates() -> list[State]:
    return [
        _at("display", "guard", "/console/display/{gate}"),
        State("order to be given", "guard", ask_to_order),
        State("alarm to be acknowledged", "guard", ask_to_acknowledge),
        State("plan", "admin", _draw_plan),
        _sent("gate refused", "guard", f"{_ADMINISTRATION}/gates/new", "/gates/new", name="north", title="北门"),
        State("rules refused", "guard", _write_wrong_rules),
        State("rules reviewed", "guard", _review_rules),
        State("device's token", "admin", _add_device),
        State("pass with its code", "guard", _give_pass),
        State("pass ended", "guard", lambda page, _: _follow(page, f"{_ADMINISTRATION}/passes", "/end")),
    ]


def _of_the_office() -> list[State]:
    return [
        _sent("person refused", "admin", f"{_OFFICE}/people/new", "/people/new", number="!"),
        State("password slip", "admin", lambda page, _: send(page, _person(page, "S2026008"), "/passwords/portal")),
        State("list previewed", "admin", _preview_list),
        State("list imported", "admin", _import_list),
        _at("references", "admin", "/console/reviews/references?number=S2026001"),
    ]


def _of_the_money_desk() -> list[State]:
    return [
        State("subsidies previewed", "admin", _preview_subsidies),
        State("subsidies paid", "admin", _pay_subsidies),
        State("receipt", "cashier", _take_cash),
        State("cash refused", "cashier", lambda page, _: _take(page, "1.234")),
        State("top-up at the desk", "cashier", _look_at_top_up),
        State("payment at the desk", "cashier", _look_at_payment),
        _sent("drawer counted", "cashier", f"{_MONEY}/day", "/counts", opening="100", pieces_100="2"),
        State("day", "admin", _close_day),
        _sent("journal verified", "cashier", f"{_MONEY}/days", "/verification#verification"),
    ]


def _of_the_kiosk() -> list[State]:
    wrong = {"number": "S1", "query_password": "1"}
    return [
        _at("kiosk to be paired", NOBODY, "/console/kiosk/pair"),
        _at("kiosk", KIOSK, "/console/kiosk"),
        _at("kiosk by number", KIOSK, "/console/kiosk/number"),
        _sent("kiosk by number, refused", KIOSK, "/console/kiosk/number", "/number", **wrong),
        State("kiosk's menu", KIOSK, _be_known),
        State("kiosk's top-up", KIOSK, lambda page, told: _at_kiosk(page, told, "top-up")),
        State("kiosk's order", KIOSK, _order_at_kiosk),
        State("kiosk's loss", KIOSK, lambda page, told: _at_kiosk(page, told, "loss")),
        State("kiosk's new card", KIOSK, _ask_for_card),
        State("kiosk's card issued", KIOSK, _issue_at_kiosk),
    ]


def _show_virtual_card(page: Page, told: RunningDemonstration) -> None:
    page.goto(f"{_OWN}/virtual-card")
    if page.locator("#code").count() == 0:
        send(page, f"{_OWN}/virtual-card", "/virtual-card", query_password=told.accounts["resident"].digits)
    page.locator("#code").wait_for()


def _order_top_up(page: Page, _told: RunningDemonstration) -> None:
    send(page, f"{_OWN}/money/top-ups/new", "/top-ups/new", amount="5")


def _pay_top_up(page: Page, told: RunningDemonstration) -> None:
    _order_top_up(page, told)
    order = page.url
    send(page, order.replace("/console/me/money/top-ups/", "/demonstration/bank/"), "")
    page.goto(order)


def _look_at_top_up(page: Page, told: RunningDemonstration) -> None:
    number = told.accounts["resident"].number
    _follow(page, _counter(page, number), "/console/money/top-ups/", part_of=True)


def _look_at_payment(page: Page, told: RunningDemonstration) -> None:
    number, browser = told.accounts["resident"].number, page.context.browser
    person = _counter(page, number)
    if browser is not None and page.locator(f"main a[href*='{_MONEY}/payments/']").count() == 0:
        campus = Campus(told, browser, "zh")
        campus.buy(campus.open_till(), told.cards[number])
    _follow(page, person, f"{_MONEY}/payments/", part_of=True)


def _close_day(page: Page, _told: RunningDemonstration) -> None:
    page.goto(f"{_MONEY}/days")
    if page.locator("main a[href*='/console/money/days/']").count():
        _follow(page, f"{_MONEY}/days", "/console/money/days/", part_of=True)
    else:
        send(page, f"{_MONEY}/days", "/close")


def _invite(page: Page, _told: RunningDemonstration) -> None:
    page.goto(f"{_OWN}/visitors")
    links = page.locator("a.row")
    if links.count() == 0:
        send(page, f"{_OWN}/visitors", "/invitations", visitor="李访客", purpose="讲座", gates=True)
        if "/visitors/" in page.url:
            return
    links.first.click()
    page.wait_for_load_state()


def _draw_plan(page: Page, _told: RunningDemonstration) -> None:
    page.goto("/console/plans")
    if page.locator("ul a[href*='/plans/']").count() == 0:
        stream = io.BytesIO()
        Image.new("RGB", (800, 500), (226, 232, 226)).save(stream, "PNG")
        picture = {"name": "plan.png", "mimeType": "image/png", "buffer": stream.getvalue()}
        send(page, "/console/plans", "/plans", title="主校区", picture=picture)
        page.goto("/console/plans")
    page.locator("ul a[href$='/places']").first.click()
    page.wait_for_load_state()


def _write_wrong_rules(page: Page, told: RunningDemonstration) -> None:
    path = f"{_ADMINISTRATION}/gates/{told.gate}/rules"
    send(page, path, "/rules", do="review", **{"rule-0-group": ""})


def _review_rules(page: Page, told: RunningDemonstration) -> None:
    path = f"{_ADMINISTRATION}/gates/{told.gate}/rules"
    send(page, path, "/rules", do="review", title="北大门")


def _add_device(page: Page, _told: RunningDemonstration) -> None:
    send(page, f"{_ADMINISTRATION}/devices/new", "/devices/new", name=f"kiosk-{token_hex(3)}", role="kiosk")


def _give_pass(page: Page, _told: RunningDemonstration) -> None:
    send(page, f"{_ADMINISTRATION}/passes/new", "/passes/new", number="S2026009", gate=True)


def _person(page: Page, number: str) -> str:
    page.goto(f"{_OFFICE}/people?search={number}")
    link = page.locator("a[href*='/office/people/']", has_text=number).or_(
        page.locator("tbody a[href*='/office/people/']")
    )
    return str(link.first.get_attribute("href"))


def _counter(page: Page, number: str) -> str:
    page.goto(_MONEY)
    form = page.locator('form[action$="/find"]').first
    form.locator("input:not([type=hidden])").first.fill(number)
    form.evaluate("(one) => one.requestSubmit()")
    page.wait_for_url("**/money/people/**")
    return page.url


def _follow(page: Page, path: str, end: str, *, part_of: bool = False) -> None:
    page.goto(path)
    link = page.locator(f'main a[href{"*" if part_of else "$"}="{end}"]').first
    page.goto(str(link.get_attribute("href")))


def _file(name: str, content: str) -> dict[str, Any]:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}


def _preview_list(page: Page, _told: RunningDemonstration) -> None:
    table = _file("新生.csv", _LIST.format(number=f"N{token_hex(4)}"))
    send(page, f"{_OFFICE}/imports", "/imports", file=table)


def _import_list(page: Page, told: RunningDemonstration) -> None:
    _preview_list(page, told)
    page.locator('form[action$="/apply"]').first.evaluate("(one) => one.requestSubmit()")
    page.locator('form[action$="/undo"]').first.wait_for()


def _preview_subsidies(page: Page, _told: RunningDemonstration) -> None:
    table = _file("补助.csv", "学号,姓名,金额\nS2026001,王小明,20.00\nS9,没有,5\n")
    send(page, f"{_MONEY}/subsidies", "/preview", fund="meals", table=table)


def _pay_subsidies(page: Page, _told: RunningDemonstration) -> None:
    table = _file("补助.csv", "学号,姓名,金额\nS2026001,王小明,0.01\n")
    send(page, f"{_MONEY}/subsidies", "/preview", fund="meals", table=table)
    page.locator('form[action$="/subsidies"]').first.evaluate("(one) => one.requestSubmit()")
    page.wait_for_url("**/money/subsidies")


def _take_cash(page: Page, _told: RunningDemonstration) -> None:
    _take(page, "30")
    page.wait_for_url("**/receipts/**")


def _take(page: Page, amount: str) -> None:
    send(page, _counter(page, _OTHER), "/cash-in", amount=amount)


def _be_known(page: Page, told: RunningDemonstration) -> None:
    account = told.accounts["holder"]
    send(page, "/console/kiosk/number", "/number", number=account.number, query_password=account.digits)
    page.wait_for_url("**/kiosk/menu")


def _at_kiosk(page: Page, told: RunningDemonstration, where: str) -> None:
    _be_known(page, told)
    page.goto(f"/console/kiosk/{where}")


def _order_at_kiosk(page: Page, told: RunningDemonstration) -> None:
    _be_known(page, told)
    send(page, "/console/kiosk/top-up", "/top-up", other="5")
    page.wait_for_url("**/kiosk/top-up/**")


def _ask_for_card(page: Page, told: RunningDemonstration) -> None:
    _be_known(page, told)
    page.goto("/console/kiosk/loss")
    if page.locator('form[action$="/loss"]').count():
        send(page, "/console/kiosk/loss", "/loss")
    let_a_day_pass(told, told.accounts["holder"].number)
    page.goto("/console/kiosk/reissue")


def _issue_at_kiosk(page: Page, told: RunningDemonstration) -> None:
    _ask_for_card(page, told)
    send(page, "/console/kiosk/reissue", "/reissue", uid=f"04{token_hex(5).upper()}80")
    page.wait_for_url("**/kiosk/reissued")


def let_a_day_pass(told: RunningDemonstration, number: str) -> None:
    """Move the loss that somebody reported back by a day: the clock of the demonstration is that of its devices too."""
    database = Database(told.database_url)
    try:
        with database.begin() as session:
            person = people.by_number(session, number)
            of_person = LossReport.person_id == (None if person is None else person.id)
            session.execute(update(LossReport).where(of_person).values(reported_at=datetime.now(UTC) - 2 * loss.WAIT))
    finally:
        database.close()
