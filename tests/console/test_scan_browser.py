"""The pages behind printed codes and the acceptance of a channel's difference, in a browser and under axe."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from accounts.ledger.chart import account
from accounts.payments import merchants
from database import new_id
from tests.console.axe import Look, inspect
from tests.console.money_desk import Desk, open_desk

LOOKS: dict[str, tuple[Look, ...]] = {
    "en-GB": ((360, "light"), (768, "dark"), (1280, "light")),
    "zh-CN": ((360, "dark"), (768, "light"), (1280, "dark")),
}
"""Three widths in each language, and every width in both colours."""
IN = pytest.mark.parametrize("locale", LOOKS)


@pytest.fixture(scope="module")
def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(sqlite_template, tmp_path_factory.mktemp("scan-browser")) as desk:
        yield desk


@pytest.fixture(scope="module")
def stall(desk: Desk) -> UUID:
    with desk.database.begin() as session:
        merchants.set_campuses(session, "canteen", ["north"], by="test", now=desk.now)
        made = merchants.add(session, name="面条 & Tea", campus="north", service="canteen", by="test", now=desk.now)
        return made.id


def balance(desk: Desk, of: UUID) -> int:
    with desk.database.read() as session:
        return account(session, of).balance


def last_part(page: Any) -> UUID:
    return UUID(page.url.rsplit("/", 1)[1])


@IN
def test_whoever_scans_the_code_on_the_wall_tops_somebody_up(open_window: Any, desk: Desk, locale: str) -> None:
    from playwright.sync_api import expect

    person_id, number, _ = desk.holder("王小明")
    page = open_window(locale=locale)
    page.goto(f"{desk.url}/console/top-up")
    inspect(page, *LOOKS[locale])
    page.locator("#number").fill(number)
    page.locator("#name").fill("王大明")
    page.locator("main form button").click()
    expect(page.locator("#name")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#number")).to_have_value(number)
    inspect(page, LOOKS[locale][0])
    page.locator("#name").fill("王小明")
    page.locator("#amount").fill("12.50")
    page.locator("main form button").click()
    expect(page.locator("#top-up")).to_have_attribute("data-state", "pending")
    expect(page.locator("figure.code svg")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(number)
    inspect(page, *LOOKS[locale])
    desk.provider.pay(last_part(page))
    expect(page.locator("#top-up")).to_have_attribute("data-state", "credited")
    inspect(page, LOOKS[locale][0])
    assert balance(desk, person_id) == 1_250


@IN
def test_whoever_scans_a_stalls_code_pays_there(open_window: Any, desk: Desk, stall: UUID, locale: str) -> None:
    from playwright.sync_api import expect

    before = balance(desk, stall)
    page = open_window(locale=locale)
    page.goto(f"{desk.url}/console/pay/{stall}")
    expect(page.locator("#merchant")).to_have_text("面条 & Tea")
    inspect(page, *LOOKS[locale])
    page.locator("#amount").fill("0")
    page.locator("main form button").click()
    expect(page.locator("#amount")).to_have_attribute("aria-invalid", "true")
    inspect(page, LOOKS[locale][0])
    page.locator("#amount").fill("8.5")
    page.locator("main form button").click()
    expect(page.locator("#top-up")).to_have_attribute("data-state", "pending")
    inspect(page, *LOOKS[locale])
    desk.provider.pay(last_part(page))
    expect(page.locator("#top-up")).to_have_attribute("data-state", "paid")
    expect(page.locator(".amount")).to_have_text("¥8.50")
    inspect(page, LOOKS[locale][0])
    assert balance(desk, stall) - before == 850


@IN
def test_a_cashier_accepts_a_difference_with_a_note(open_window: Any, desk: Desk, locale: str) -> None:
    from playwright.sync_api import expect

    stray = new_id()
    desk.money.channels["loopback"].charge(stray, "130000000000000001", 900, description="a stray one", now=desk.now)
    paid_at = desk.money.channels["loopback"].query(stray).paid_at
    assert isinstance(paid_at, datetime)
    day = paid_at.astimezone(desk.services.zone).date()
    page = open_window(desk.pages, "C1", ready="#typed", locale=locale)
    page.goto(f"{desk.url}/console/money/channels?channel=loopback&day={day}")
    difference = page.locator("li.case").filter(has=page.locator(f"input[name=about][value='{stray}']"))
    summary = difference.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    note = difference.locator("input[name=note]")
    expect(note).to_be_visible()
    inspect(page, *LOOKS[locale])
    note.evaluate("(one) => { one.required = false }")
    note.press("Enter")
    refused = page.locator("input[aria-invalid=true]")
    expect(refused).to_be_visible()
    expect(refused).to_have_accessible_description(page.locator(".problem").inner_text())
    inspect(page, LOOKS[locale][0])
    refused.fill(f"a trial of the bank's / 银行试运行 {stray}")
    refused.press("Enter")
    expect(page.get_by_role("status").first).to_be_visible()
    expect(page.locator("li.case", has_text=str(stray))).to_be_visible()
    expect(page.locator(f"input[name=about][value='{stray}']")).to_have_count(0)
    inspect(page, LOOKS[locale][0])
