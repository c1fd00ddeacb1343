"""Critical alarms are heard and notified, once somebody asked for it; others are not, and no person is named."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.console.page_server import Pages

HEARD = """
window.tones = 0;
window.notified = [];
const createOscillator = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.tones += 1; return createOscillator.call(this); };
window.Notification = class extends EventTarget {
  static permission = "default";
  static async requestPermission() { return (this.permission = window.answer ?? "granted"); }
  constructor(title, options) { super(); window.notified.push([title, options.body, options.tag]); }
};
"""


def open_board(open_window: Callable[..., Page], console: Pages, script: str = HEARD) -> Page:
    page = open_window(console, "F1", ready="main", path="/console/me", timezone_id="America/New_York")
    page.add_init_script(script)
    page.goto(f"{console.url}/console/gates")
    page.locator("#link.live").wait_for()
    return page


def test_a_critical_alarm_is_heard_again_and_notified_once_until_somebody_saw_it(
    open_window: Callable[..., Page], served_pages: Pages
) -> None:
    page = open_board(open_window, served_pages)
    page.clock.install()
    (event,) = served_pages.happen(kind="door_forced", gate="south")
    expect(page.locator("#alarms")).to_contain_text("South gate")
    at = f"{event.at.astimezone(ZoneInfo('Asia/Shanghai')):%H:%M:%S}"
    expect(page.locator("#alarms")).to_contain_text(at)  # the campus's time, not the browser's
    assert page.evaluate("[tones, notified.length]") == [0, 0], "nobody asked for it"
    page.locator("#sound").click()
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
    page.locator("#notify").click()
    expect(page.locator("#notify")).to_have_attribute("aria-pressed", "true")
    tried = page.evaluate("tones")
    assert tried > 0, "switching it on lets one hear it"
    person = served_pages.people["S1"]
    served_pages.happen(kind="door_forced", gate="north", person_id=person)
    page.wait_for_function("(before) => tones > before", arg=tried)
    page.wait_for_function("notified.length === 1")
    ((title, body, _),) = page.evaluate("notified")
    assert "North gate" in title
    assert "Li" not in f"{title} {body}"
    heard = page.evaluate("tones")
    page.clock.run_for(21_000)
    page.wait_for_function("(before) => tones > before", arg=heard)
    assert page.evaluate("notified.length") == 1
    served_pages.happen(kind="door_held", gate="lab")
    expect(page.locator("#alarms")).to_contain_text("Lab")
    assert page.evaluate("notified.length") == 1, "it is not critical"
    page.reload()
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")


def test_a_browser_that_refuses_notifications_says_so(open_window: Callable[..., Page], served_pages: Pages) -> None:
    page = open_board(open_window, served_pages, f'{HEARD} window.answer = "denied";')
    page.locator("#notify").click()
    expect(page.locator("#signals-said")).not_to_be_empty()
    expect(page.locator("#notify")).to_have_attribute("aria-pressed", "false")
