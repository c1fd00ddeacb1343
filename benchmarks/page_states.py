"""Pages that no link leads to: what a form answers, what must first be made, and what a page says when it refuses."""

import io
from secrets import token_hex

from PIL import Image
from playwright.sync_api import Page

from benchmarks.page_dialogs import ask_to_acknowledge, ask_to_order, ask_to_withdraw
from benchmarks.page_forms import send
from benchmarks.page_kiosk_states import kiosk_states
from benchmarks.page_money_states import code_states, money_states
from benchmarks.page_state import State, at, follow, sent, table_file
from benchmarks.page_visitors import NOBODY
from campusgate.demo.running import RunningDemonstration

_ADMINISTRATION, _OFFICE, _MONEY, _OWN = "/console/administration", "/console/office", "/console/money", "/console/me"
_OTHER = "S2026003"
_LIST = (
    "学号,姓名,人员类别,院系\n{number},新生甲,学生,化学学院\n,没有学号,学生,物理学院\nS2026001,王小明,学生,数学学院\n"
)


def all_states() -> list[State]:
    """Return every state, in an order in which each finds what it needs."""
    return [*_ways_in(), *_own(), *_of_gates(), *_of_the_office(), *money_states(), *code_states(), *kiosk_states()]


def _ways_in() -> list[State]:
    wrong = {"current": "x", "new": "y", "repeated": "z"}
    wrong_account = {"number": "S1", "password": "x"}
    return [
        at("sign-in", NOBODY, "/console/sign-in"),
        sent("sign-in refused", NOBODY, "/console/sign-in", "/sign-in", **wrong_account),
        at("first password", "newcomer", "/console/"),
        sent("password refused", "guard", "/console/password", "/password", **wrong),
        at("no such page", "guard", f"/console/gates/{'-'.join(8 * ['nowhere'])}"),
        at("somebody else's page", "resident", "/console/gates"),
    ]


def _own() -> list[State]:
    limits = {"consumption_password": "1"}
    return [
        State("virtual card", "resident", _show_virtual_card),
        State("top-up", "resident", _order_top_up),
        State("top-up paid", "resident", _pay_top_up),
        sent("top-up refused", "resident", f"{_OWN}/money/top-ups/new", "/top-ups/new", amount="0.001"),
        sent("limits refused", "resident", f"{_OWN}/security", "/limits", **limits),
        State("visitor's pass", "guard", _invite),
        State("consent to be withdrawn", "resident", ask_to_withdraw),
    ]


def _of_gates() -> list[State]:
    return [
        at("display", "guard", "/console/display/{gate}"),
        State("order to be given", "guard", ask_to_order),
        State("alarm to be acknowledged", "guard", ask_to_acknowledge),
        State("plan", "admin", _draw_plan),
        sent("gate refused", "guard", f"{_ADMINISTRATION}/gates/new", "/gates/new", name="north", title="北门"),
        State("rules refused", "guard", _write_wrong_rules),
        State("rules reviewed", "guard", _review_rules),
        State("device's token", "admin", _add_device),
        State("pass with its code", "guard", _give_pass),
        State("pass ended", "guard", lambda page, _: follow(page, f"{_ADMINISTRATION}/passes", "/end")),
    ]


def _of_the_office() -> list[State]:
    return [
        sent("person refused", "admin", f"{_OFFICE}/people/new", "/people/new", number="!"),
        State("password slip", "admin", lambda page, _: send(page, _person(page, "S2026008"), "/passwords/portal")),
        State("list previewed", "admin", _preview_list),
        State("list imported", "admin", _import_list),
        at("references", "admin", "/console/reviews/references?number=S2026001"),
    ]


def _show_virtual_card(page: Page, told: RunningDemonstration) -> None:
    page.goto(f"{_OWN}/virtual-card")
    if page.locator("#code").count() == 0:
        send(page, f"{_OWN}/virtual-card", "/virtual-card", query_password=told.accounts["resident"].digits)
    page.locator("#code").wait_for()


def _order_top_up(page: Page, _told: RunningDemonstration) -> None:
    send(page, f"{_OWN}/money/top-ups/new", "/top-ups/new", amount="5", channel="loopback")


def _pay_top_up(page: Page, told: RunningDemonstration) -> None:
    _order_top_up(page, told)
    order = page.url
    send(page, order.replace("/console/me/money/top-ups/", "/demonstration/bank/"), "")
    page.goto(order)


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


def _preview_list(page: Page, _told: RunningDemonstration) -> None:
    table = table_file("新生.csv", _LIST.format(number=f"N{token_hex(4)}"))
    send(page, f"{_OFFICE}/imports", "/imports", file=table)


def _import_list(page: Page, told: RunningDemonstration) -> None:
    _preview_list(page, told)
    page.locator('form[action$="/apply"]').first.evaluate("(one) => one.requestSubmit()")
    page.locator('form[action$="/undo"]').first.wait_for()
