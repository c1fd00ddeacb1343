"""The jobs that people come for; see `benchmarks.jobs`."""

from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex

from benchmarks.job_campus import PHONE, Campus, require, soon, tab_to, type_into
from benchmarks.page_forms import send
from benchmarks.page_kiosk_states import let_a_day_pass
from campusgate.demo.stage import say

_OWN, _OFFICE, _MONEY = "/console/me", "/console/office", "/console/money"
_PASSWORD, _DIGITS = "a bicycle by the lake", "739205"
_YEAR, _IMPORT_MS = 3_000, 300_000


def newcomer_opens_the_gate(campus: Campus) -> None:
    """From the first password to an opened gate and a virtual card, by keyboard alone."""
    holder = campus.hire("周小雨")
    with campus.as_nobody() as page:
        page.goto("/")
        type_into(page, number=holder.number, password=holder.password)
        type_into(page, current=holder.password, new=_PASSWORD, repeated=_PASSWORD)
        require(page.url.endswith("/console/me"), f"after the first password: {page.url}")
        campus.expect_at_gate(f"card {holder.uid}", "granted")
        tab_to(page, page.locator("main a[href$='/me/virtual-card']").first)
        page.keyboard.press("Enter")
        page.wait_for_url("**/virtual-card")
        type_into(page, query_password=holder.digits, new=_DIGITS, repeated=_DIGITS)
        page.locator("#code").wait_for()
        tab_to(page, page.locator("a[href$='/console/me']").first)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/me")

        def is_told() -> bool:
            page.reload()
            return "北门" in page.locator("main").inner_text()

        require(soon(is_told), "home does not tell of the passage")


def lost_card_is_refused_until_another_is_issued(campus: Campus) -> None:
    """Reported lost: refused at gate and till; a day later another card opens and pays, and the old one does not."""
    holder, till = campus.hire("李小华"), campus.open_till()
    campus.pay_in(holder, "50")
    campus.expect_at_gate(f"card {holder.uid}", "granted")
    require((paid := campus.buy(till, holder.uid)) == "paid", f"at the till: {paid}")
    with campus.as_nobody() as page:
        page.goto("/")
        type_into(page, number=holder.number, password=holder.password)
        type_into(page, current=holder.password, new=_PASSWORD, repeated=_PASSWORD)
        page.goto(f"{_OWN}/cards")
        page.locator("details:has(form[action$='/cards/loss']) > summary").first.click()
        page.locator("form[action$='/cards/loss'] button").click()
        page.locator(".notice.good").wait_for()
        campus.expect_at_gate(f"card {holder.uid}", "denied card_lost")
        require((paid := campus.buy(till, holder.uid)) == "card_not_usable", f"the lost card at the till: {paid}")
        let_a_day_pass(campus.told, holder.number)
        another = f"04{token_hex(5).upper()}80"
        with campus.as_part("cashier") as desk:
            send(desk, f"{holder.page}/cards", "/reissue", uid=another)
        campus.expect_at_gate(f"card {another}", "granted")
        require((paid := campus.buy(till, another)) == "paid", f"the new card at the till: {paid}")
        campus.expect_at_gate(f"card {holder.uid}", "denied")
        page.goto(f"{_OWN}/money")
        require("24.00" in page.locator("main").inner_text(), "the statement does not come to 24.00")


def top_up_pays_a_shower(campus: Campus) -> None:
    """A top-up, paid at the demonstration's bank, and a shower that the statement tells of."""
    with campus.as_part("resident", **PHONE) as page:
        page.goto(f"{_OWN}/money/top-ups/new")
        page.locator(".chips label").first.click()
        page.locator("input[name=channel][value=loopback]").check()
        page.locator("form[action$='/top-ups/new'] button").click()
        page.locator("main a.button[href*='/demonstration/bank/']").click()
        page.locator("form button").click()
        page.locator("a[href*='/money/top-ups/']").click()
        page.locator("#top-up[data-state=credited]").wait_for()
        uid = campus.told.cards[campus.told.accounts["resident"].number]
        page.goto(f"{_OWN}/money")
        showers = page.locator(".statement > li").count()
        port = campus.told.shower_reader_port
        require(soon(lambda: say(port, f"card {uid}") == "granted"), "the shower does not begin")
        page.wait_for_timeout(4_000)
        say(port, f"card {uid}")

        def is_paid() -> bool:
            page.goto(f"{_OWN}/money")
            return page.locator(".statement > li").count() > showers

        require(soon(is_paid), "the shower does not stand in the statement")


def visitor_passes_until_the_pass_is_revoked(campus: Campus) -> None:
    """A pass that a member of staff gives opens the gate, and does not once it was revoked."""
    with campus.as_part("guard", **PHONE) as page:
        send(page, f"{_OWN}/visitors", "/invitations", visitor="张访客", purpose="讲座", gates=True)
        code = page.locator(".typed code").inner_text().strip()
        campus.expect_at_gate(f"code {code}", "granted")
        page.locator("details:has(form[action$='/end']) > summary").click()
        page.locator("form[action$='/end'] button").click()
        page.locator(".notice.good").wait_for()
        campus.expect_at_gate(f"code {code}", "denied")


def cashier_does_a_day(campus: Campus) -> None:
    """Cash in and out with receipts, the drawer counted, and a day that is over closed by an administrator."""
    holder = campus.hire("孙小丽")
    campus.pay_in(holder, "120")
    with campus.as_part("cashier") as page:
        send(page, holder.page.replace("/office/", "/money/"), "/cash-out", amount="20")
        page.wait_for_url("**/receipts/**")
        require("20.00" in page.locator("main").inner_text(), "the receipt does not tell of 20.00")
        page.goto(f"{_MONEY}/day")
        text = page.locator("main").inner_text()
        require(holder.number in text and "120.00" in text, "the day does not tell of the cash")
        send(page, f"{_MONEY}/day", "/counts", opening="100", pieces_10000="1", pieces_5000="2")
        page.locator(".notice.good").wait_for()
    with campus.as_part("admin") as page:
        page.goto(f"{_MONEY}/days")
        if page.locator("form[action$='/close']").count():
            send(page, f"{_MONEY}/days", "/close")
        page.goto(f"{_MONEY}/days")
        page.locator("main a[href*='/money/days/']").first.click()
        require(page.locator("main table").count() > 0, "the closed day shows no totals")


def administrator_imports_a_year_and_takes_it_back(campus: Campus) -> None:
    """Three thousand people, previewed, imported, found, and taken back."""
    start = token_hex(2).upper()
    rows = [f"L{start}{one:04},新生{one},学生,化学" for one in range(_YEAR)]
    content = "\n".join(["学号,姓名,人员类别,院系", *rows]).encode()
    with campus.as_part("admin") as page:
        page.set_default_timeout(_IMPORT_MS)
        table = {"name": "新生.csv", "mimeType": "text/csv", "buffer": content}
        send(page, f"{_OFFICE}/imports", "/imports", file=table)
        require(str(_YEAR) in page.locator("main").inner_text(), "the preview does not tell of 3,000 people")
        page.locator("form[action$='/apply'] button").click()
        undo = page.locator("form[action$='/undo'] button")
        undo.wait_for()
        number = f"L{start}{_YEAR - 1:04}"
        page.goto(f"{_OFFICE}/people?search={number}")
        require(page.locator("tbody tr").count() == 1, "somebody who was imported is not found")
        page.go_back()
        undo.click()
        # The import's page goes on by itself when it is done: what became of the people is looked at beside it.
        beside = page.context.new_page()

        def is_gone() -> bool:
            beside.goto(f"{_OFFICE}/people?search={number}")
            return beside.locator("tbody tr").count() == 0

        require(soon(is_gone), "somebody whose import was taken back is still there")


def guard_finds_who_was_refused_and_takes_the_night_along(campus: Campus) -> None:
    """A refusal with its reason, found among the events and in the exported table."""
    holder = campus.hire("许小博")
    campus.expect_at_gate(f"card {holder.uid}", "granted")
    with campus.as_part("cashier") as page:
        send(page, f"{holder.page}/cards", "/loss")
    campus.expect_at_gate(f"card {holder.uid}", "denied card_lost")
    with campus.as_part("guard") as page:
        page.goto("/console/records/events")

        def is_found() -> bool:
            form = page.locator("main form[method=get]").first
            form.locator("[name=person]").fill(holder.number)
            form.locator("[name=result]").select_option("refused")
            form.locator("button").first.click()
            page.wait_for_load_state()
            return page.locator("tbody tr").count() >= 1

        require(soon(is_found), "the refusal is not among the events")
        reason = {"zh": "挂失", "en": "lost"}[campus.language]
        require(reason in page.locator("tbody tr").first.inner_text().lower(), "the row does not tell why")
        with page.expect_download() as made:
            page.locator("main a[href*='/events/table']").first.click()
        table = made.value.path().read_text(encoding="utf-8-sig")
        today = f"{datetime.now(UTC).astimezone():%Y}"
        require(holder.number in table and today in table, "the table does not hold the refusal")


JOBS: tuple[Callable[[Campus], None], ...] = (
    newcomer_opens_the_gate,
    lost_card_is_refused_until_another_is_issued,
    top_up_pays_a_shower,
    visitor_passes_until_the_pass_is_revoked,
    cashier_does_a_day,
    administrator_imports_a_year_and_takes_it_back,
    guard_finds_who_was_refused_and_takes_the_night_along,
)
