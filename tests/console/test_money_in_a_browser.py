"""A cashier's day and a top-up at a kiosk, in a real browser; and every page of both under axe, small and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.ledger.chart import account
from tests.console.axe import inspect
from tests.console.money_desk import Desk, open_desk


@pytest.fixture(scope="module")
def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(sqlite_template, tmp_path_factory.mktemp("desk")) as desk:
        yield desk


def test_a_cashiers_day(open_window, desk: Desk) -> None:
    from playwright.sync_api import expect

    person_id, number, uid = desk.holder("Li Lei")
    desk.top_up(person_id, 5000)
    page = open_window(desk.pages, "C1", ready="#typed")
    inspect(page)
    # The reader at the desk is a keyboard that ends with Enter.
    expect(page.locator("#typed")).to_be_focused()
    page.keyboard.type(uid)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text(number)
    inspect(page)
    page.locator("#cash_in").fill("１２．５")
    page.get_by_role("button", name="Take in").click()
    expect(page.get_by_role("status")).to_contain_text("credited")
    expect(page.locator(".sum")).to_have_text("¥12.50")
    inspect(page)
    page.get_by_role("link", name="Back to the account").click()
    page.get_by_role("link", name="Demonstration bank ¥50.00").click()
    inspect(page)
    page.locator("#amount").fill("20")
    page.get_by_role("button", name="Give back").click()
    expect(page.get_by_role("status")).to_contain_text("given back")
    page.goto(f"{desk.url}/console/money/people/{person_id}")
    page.locator("#cash_in").fill("1200")
    page.get_by_role("button", name="Take in").click()
    expect(page.locator(".receipt")).to_contain_text("Keep the cash apart")

    admin = open_window(desk.pages, "A1", ready="header nav")
    admin.goto(f"{desk.url}/console/money/requests")
    inspect(admin)
    admin.get_by_role("button", name="Let it be credited").click()
    expect(admin.get_by_role("status")).to_contain_text("booked")
    page.reload()
    expect(page.locator(".receipt")).not_to_contain_text("Keep the cash apart")

    page.goto(f"{desk.url}/console/money/day")
    inspect(page)
    page.locator("#pieces_10000").fill("12")
    page.locator("#pieces_1000").fill("1")
    page.locator("#pieces_100").fill("2")
    expect(page.locator("[data-sum]")).to_contain_text("Short by ¥0.50")
    page.locator("#pieces_50").fill("1")
    expect(page.locator("[data-sum]")).to_contain_text("The drawer is right")
    page.get_by_role("button", name="Keep this count").click()
    expect(page.locator(".verdict")).to_contain_text("The drawer is right")
    page.goto(f"{desk.url}/console/money/days")
    expect(page.locator(".day")).not_to_contain_text("your drawer")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#verification")).to_contain_text("The journal is whole")
    inspect(page)
    with desk.database.read() as session:
        assert account(session, person_id).balance == 1250 + 5000 - 2000 + 120_000

    for path in ("subsidies", "merchants", "channels?channel=loopback", "offline?everything=true", "disputes"):
        admin.goto(f"{desk.url}/console/money/{path}")
        inspect(admin)


def test_a_top_up_at_a_kiosk(open_window, desk: Desk) -> None:
    from playwright.sync_api import expect

    _, number, uid = desk.holder("王小明", fen=700)
    page = open_window(locale="zh-CN")
    page.goto(f"{desk.url}/console/kiosk")
    inspect(page)
    page.locator("#token").fill(desk.kiosk_token)
    page.get_by_role("button", name="绑定").click()
    expect(page.locator("#credential")).to_be_focused()
    inspect(page)
    page.keyboard.type(uid)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("您好，王*明")
    expect(page.locator("main")).not_to_contain_text("7.00")
    inspect(page)
    page.get_by_role("link", name="充值").click()
    inspect(page)
    page.locator("#other").click()
    for key in ("3", "0", ".", "5"):
        page.get_by_role("button", name=key, exact=True).click()
    page.get_by_role("button", name="继续").click()
    expect(page.locator(".pay svg")).to_be_visible()
    inspect(page)
    desk.provider.pay(page.url.rsplit("/", 1)[1])
    expect(page.locator(".result")).to_contain_text("已到账")
    page.get_by_role("link", name="结束").click()
    expect(page.locator("#credential")).to_be_focused()
    page.go_back()
    expect(page.locator("#credential")).to_be_visible()

    page.get_by_role("link", name="用学号和查询密码").click()
    inspect(page)
    page.locator("#number").fill(number)
    page.locator("#query_password").fill("482913")
    page.get_by_role("button", name="继续").click()
    expect(page.locator(".totals")).to_contain_text("¥37.50")
    page.get_by_role("link", name="挂失").click()
    inspect(page)
    page.get_by_role("button", name="确认挂失").click()
    expect(page.locator(".result")).to_contain_text("已挂失")


def test_a_kiosk_goes_back_when_nobody_touches_it(open_window, desk: Desk) -> None:
    from playwright.sync_api import expect

    _, number, _ = desk.holder(fen=700)
    page = open_window()
    page.clock.install()
    page.goto(f"{desk.url}/console/kiosk/pair")
    page.locator("#token").fill(desk.kiosk_token)
    page.get_by_role("button", name="Pair").click()
    page.get_by_role("link", name="By number and query password").click()
    page.locator("#number").fill(number)
    page.locator("#query_password").fill("482913")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".totals")).to_contain_text("¥7.00")
    page.clock.run_for(75_000)
    expect(page.get_by_role("dialog")).to_contain_text("Are you still there?")
    page.get_by_role("button", name="Stay").click()
    expect(page.locator(".totals")).to_be_visible()
    page.clock.run_for(95_000)
    expect(page.locator("#credential")).to_be_visible()
