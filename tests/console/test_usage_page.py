"""A person's own page of water and electricity, used as on a phone."""

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from metering.tariffs.electricity import Quota, WattHours
from metering.vocabulary import MeterAction, TripReason
from tests.console.dormitory import PIN, Dormitory, open_dormitory
from tests.console.intercepting import intercept
from tests.console.page_server import PASSWORD
from tests.console.test_words_on_the_pages import assert_chinese, shown
from tests.databases import copied
from tests.metering.sessions.bath import hot
from tests.waiting import PATIENCE_S

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


@pytest.fixture(scope="module")
def dormitory(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dormitory]:
    """One server for the tests of this module; each has people and rooms of its own."""
    database = copied(sqlite_template, tmp_path_factory.mktemp("dormitory"))
    with open_dormitory(database) as dormitory:
        dormitory.hall.plan(5000, dormitory.hall.clock.now.date().replace(day=1, month=1), Quota(WattHours(1_000)))
        yield dormitory
    database.close()


def open_page(open_window, dormitory: Dormitory, number: str, **options: object):
    return open_window(dormitory, number, path="/console/me/usage", **PHONE, **options)


def fits(page) -> None:
    """Nothing sticks out at the side, and every target can be hit with a thumb."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        """[...document.querySelectorAll("main button, main summary, dialog[open] button")]
           .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
           .map((one) => one.textContent)"""
    )
    assert not small


def pay(page, yuan: str) -> None:
    page.locator("#pay-amount").fill(yuan)
    page.locator("#pay").get_by_role("button", name="Pay").click()


def test_a_resident_sees_what_is_left_and_how_each_charge_came_about(open_window, dormitory: Dormitory) -> None:
    number, _ = dormitory.student("王小明")
    room = dormitory.room("王小明", days=3, number="3005")
    dormitory.top_up(room, 5_000)
    dormitory.use(room, [2, 3, 4])
    page = open_page(open_window, dormitory, number)
    expect(page.locator("#room-name")).to_have_text("北一楼 3005")
    # Nine kilowatt-hours less the free one at half a yuan, and the unit stands beside every figure.
    expect(page.locator("#balance")).to_have_text(re.compile(r"^¥\d\d\.\d\d$"))
    expect(page.locator("#energy-left")).to_have_text(re.compile(r"^\d+\.\d\d kWh$"))
    expect(page.locator("#supply-state")).to_have_text("on")
    newest = page.locator("#charges > li").first
    expect(newest.locator("summary").first).to_contain_text("4.00 kWh")
    newest.locator("summary").first.click()
    for words in ("5.00 kWh", "9.00 kWh", "frozen at midnight", "¥0.5000/kWh", "Meter: M"):
        expect(newest).to_contain_text(words)
    expect(page.locator("#consumption-chart .bar.read")).not_to_have_count(0)
    page.get_by_text("As a table").click()
    expect(page.locator("#consumption-table")).to_contain_text("4.00 kWh")
    page.get_by_role("button", name="By hour").click()
    expect(page.locator("#consumption-chart .bar")).to_have_count(24)
    # Since midnight nobody has read the meter: that is said, and not shown as nothing used.
    expect(page.locator("#consumption-sum")).to_contain_text("no reading")
    expect(page.locator("#price-now")).to_have_text("¥0.5000/kWh")
    fits(page)


def test_the_page_speaks_chinese_to_whoever_reads_chinese(open_window, dormitory: Dormitory) -> None:
    number, person_id = dormitory.student("陈静", 1_000)
    room = dormitory.room("陈静", days=4)
    dormitory.use(room, [30])
    dormitory.review(room)
    dormitory.obey()
    bath, card = dormitory.bath, dormitory.card_of(person_id)
    bath.ask(card, 11)
    bath.tell(11, 1, "ended", hot(40), stop_reason="power_lost")
    page = open_page(open_window, dormitory, number, locale="zh-CN")
    expect(page.locator("#supply-state")).to_have_text("已断电")
    expect(page.locator("#showers > li")).to_have_count(1)
    for summary in page.locator(".entry > details > summary").all():
        summary.click()
    expect(page.locator("#showers")).to_contain_text("停电；只收已用的水")
    assert_chinese(shown(page), names={"kWh", "Bath", "house", "flat"})
    fits(page)


def test_a_running_shower_costs_more_as_water_flows_and_then_gives_back_what_was_held(
    open_window, dormitory: Dormitory
) -> None:
    number, person_id = dormitory.student("Li Hua", 1_000)
    bath, card = dormitory.bath, dormitory.card_of(person_id)
    bath.ask(card, 21)
    bath.tell(21, 1, "started", hot(0))
    page = open_page(open_window, dormitory, number)
    expect(page.locator("#running")).to_be_visible()
    expect(page.locator("#running-cost")).to_have_text("¥0.00")
    expect(page.locator("#running-held")).to_have_text("¥2.00")
    bath.tell(21, 2, "updated", hot(20))
    expect(page.locator("#running-cost")).to_have_text("¥0.50")
    expect(page.locator("#running-water")).to_have_text("hot water 20.0 L")
    bath.tell(21, 3, "ended", hot(40), stop_reason="local")
    expect(page.locator("#running")).to_be_hidden()
    shower = page.locator("#showers > li")
    expect(shower).to_have_count(1)
    shower.locator("summary").first.click()
    for words in ("40.0 L × ¥0.0250/L", "¥1.00", "ended by the holder"):
        expect(shower).to_contain_text(words)
    expect(page.locator("#no-room")).to_be_visible()
    shower.get_by_role("button", name="This is wrong").click()
    page.locator("#dispute-text").fill("It was cold.")
    page.get_by_role("button", name="Send").click()
    expect(shower).to_contain_text("waits for an answer")


def test_a_dark_room_is_paid_for_armed_and_lit_by_its_button(open_window, dormitory: Dormitory) -> None:
    number, _ = dormitory.student("Zhao Lei", 30_000)
    room = dormitory.room("Zhao Lei", days=5)
    dormitory.use(room, [40])
    dormitory.review(room)
    assert dormitory.obey() == [MeterAction.TRIP]
    page = open_page(open_window, dormitory, number)
    expect(page.locator("#supply-needed")).to_contain_text("At least ¥")
    page.locator("#top-up").click()
    expect(page.locator("#pay-residents")).to_have_text("Residents: Z. L.")
    pay(page, "twenty")
    expect(page.locator("#pay-problem")).to_contain_text("between ¥1.00 and ¥500.00")
    # Above the day's limit the consumption password is asked for, and a wrong one pays nothing.
    pay(page, "150")
    page.locator("#pay-password").fill("000000")
    page.locator("#pay").get_by_role("button", name="Pay").click()
    expect(page.locator("#pay-password")).to_have_value("")
    page.locator("#pay-password").fill(PIN)
    fits(page)
    page.locator("#pay").get_by_role("button", name="Pay").click()
    expect(page.locator("#pay-done-what")).to_contain_text("¥150.00 paid for")
    page.locator("#pay-cancel").click()
    expect(page.locator("#steps .now")).to_contain_text("Meter armed")
    assert dormitory.obey() == [MeterAction.ARM]
    expect(page.locator("#steps .now")).to_contain_text("Button at the meter pressed")
    expect(page.locator("#steps .done").first.locator("time")).to_have_text(re.compile(r"\d\d:\d\d:\d\d$"))
    expect(page.locator("#supply-advice")).to_contain_text("Press the button")
    dormitory.press_button(room)
    expect(page.locator("#supply-state")).to_have_text("on")


def test_another_room_is_chosen_and_a_payment_without_an_answer_is_made_once(open_window, dormitory: Dormitory) -> None:
    number, person_id = dormitory.student("Sun Li", 10_000)
    dormitory.student("王大明")
    room = dormitory.room("王大明", number="2105")
    page = open_page(open_window, dormitory, number)
    page.locator(".top-up-another:visible").click()
    page.locator("#pay-building").select_option(label="北一楼")
    page.locator("#pay-room").select_option(label="2105")
    expect(page.locator("#pay-seen")).to_have_text("北一楼 2105")
    expect(page.locator("#pay-residents")).to_contain_text("王**")
    fits(page)
    lost = []

    def lose(route) -> None:
        """The server does it, and its answer is lost on the way."""
        route.fetch()
        lost.append(route.request.headers["idempotency-key"])
        route.abort()

    intercept(page, "**/top-ups", lose)
    page.locator("#pay-amount").fill("20")
    page.locator("#pay-yes").dblclick()
    expect(page.locator("#pay-problem")).to_contain_text("No answer came")
    expect(page.locator("#pay-amount")).to_be_disabled()
    page.unroute("**/top-ups", lose)
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("#pay-done-what")).to_contain_text("¥20.00 paid for 北一楼 2105")
    assert len(lost) == 1, "pressed twice, it was sent once"
    assert (dormitory.hall.balance(room), dormitory.hall.balance(person_id)) == (2_000, 8_000)


def test_what_one_agrees_to_disputes_and_applies_for(open_window, dormitory: Dormitory) -> None:
    number, _ = dormitory.student("Qian Yi", 5_000)
    room = dormitory.room("Qian Yi", days=2)
    dormitory.top_up(room, 5_000)
    dormitory.use(room, [2, 3])
    with dormitory.console.database.begin() as session:
        now = dormitory.console.app.state.console.now()
        dormitory.services.supply.add_ground(session, room, TripReason.MALICIOUS_LOAD, note="", now=now)
    dormitory.obey()
    page = open_page(open_window, dormitory, number)
    page.get_by_role("button", name="Set up").click()
    for field, value in (("below", "10"), ("amount", "30"), ("limit", "100"), ("password", PIN)):
        page.locator(f"#automatic-{field}").fill(value)
    page.get_by_role("button", name="Agree").click()
    expect(page.locator("#automatic-problem")).to_contain_text("Tick")
    page.locator("#automatic-consent").check()
    page.get_by_role("button", name="Agree").click()
    expect(page.locator("#automatic-agreed")).to_contain_text("Below ¥10.00, ¥30.00 is paid; ¥100.00 a month at most.")
    page.locator("#automatic-revoke").click()
    page.locator("#confirm-yes").click()
    expect(page.locator("#automatic-none")).to_be_visible()
    charge = page.locator("#charges > li").first
    charge.locator("summary").first.click()
    charge.get_by_role("button", name="This is wrong").click()
    page.locator("#dispute-text").fill("We were away.")
    page.get_by_role("button", name="Send").click()
    expect(charge).to_contain_text("We were away.")
    page.get_by_role("button", name="Apply for the supply").click()
    page.locator("#apply-note").fill("The kettle is gone.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#grounds")).to_contain_text("Your application: waiting")


@pytest.fixture
def holder(dormitory: Dormitory) -> Iterator[httpx.Client]:
    """A student without a room, signed in."""
    number, _ = dormitory.student("Somebody")
    with httpx.Client(base_url=dormitory.url, timeout=PATIENCE_S, headers={"Origin": dormitory.url}) as client:
        client.post("/console/sign-in", data={"number": number, "password": PASSWORD})
        yield client


def test_the_first_page_is_small_and_holds_only_words_of_its_own(holder: httpx.Client) -> None:
    page = holder.get("/console/me/usage", headers={"Accept-Language": "zh"})
    html, size = page.text, page.num_bytes_downloaded
    to_load, loaded = set(re.findall(r"/console/static/[\w./]+", html)), set()
    while to_load:
        loaded.add(address := to_load.pop())
        answer = holder.get(address)
        content, size = answer.text, size + answer.num_bytes_downloaded
        imported = re.findall(r'^import [^;]*"(\.[\w./]+)";', content, re.MULTILINE)
        to_load |= {posixpath.normpath(posixpath.join(posixpath.dirname(address), one)) for one in imported} - loaded
    assert {"room_charges.js", "page.js"} <= {posixpath.basename(one) for one in loaded}
    assert size <= 45_000, "what goes over the network"
    shipped = re.search(r'id="texts">(.*?)</script>', html, re.DOTALL)
    assert shipped
    assert not any("人脸" in words for words in json.loads(shipped[1]).values()), "words of other pages' scripts"


def test_what_others_showered_and_used_is_nobody_elses(holder: httpx.Client, dormitory: Dormitory) -> None:
    _, other = dormitory.student("Another", 1_000)
    room = dormitory.room("Another")
    answer = dormitory.bath.ask(dormitory.card_of(other), 31)
    dormitory.bath.tell(31, 1, "ended", hot(40))
    assert holder.get(f"/console/me/usage/showers/{answer.session}/readings").status_code == 404
    body = {"text": "mine"}
    assert holder.post(f"/console/me/usage/showers/{answer.session}/dispute", json=body).status_code == 404
    assert holder.get("/console/me/usage/electricity").json()["code"] == "not_found"
    assert holder.get("/console/me/usage/charges").json()["code"] == "not_found"
    paid = holder.post(
        f"/console/me/usage/rooms/{room}/top-ups",
        json={"fen": 100, "quote": "1.x"},
        headers={"Idempotency-Key": "k" * 8},
    )
    assert paid.json()["code"] == "room_not_seen"
