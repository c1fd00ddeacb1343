"""The reviewer's page, used from the keyboard: claim, look, decide, take back; and what must not be possible."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from accounts.vocabulary import Role
from enrollment import consent
from enrollment.preview import PreviewSide
from tests.console.intercepting import intercept
from tests.console.page_server import PASSWORD
from tests.console.photo_studio import DESK, PHONE, Studio
from tests.waiting import until

HAS_COLOURS = "one => new Set(one.getContext('2d').getImageData(0, 0, one.width, 9).data).size > 20"
OPEN = "#figure:visible, #queue-empty:visible"


@pytest.fixture
def reviewer(open_window, studio: Studio):
    """Opens windows of reviewers, each somebody else; `.person_id` says who."""

    def open_reviewer(**options: object):
        number, person_id = studio.person("Sun Li", Role.REVIEWER)
        page = open_window(studio, number, ready=OPEN, **(DESK | options))
        page.person_id = person_id
        return page

    return open_reviewer


def who(page):
    return page.locator("#who")


def waits(studio: Studio, picture: str, name: str = "Wang Xiaoming", *, ask: bool = False) -> tuple[str, UUID]:
    """Let somebody hand in a photo; returns their number and the photo's id."""
    number, person_id = studio.person(name)
    return number, studio.hand_in(person_id, picture, ask=ask)


def test_from_the_phone_to_the_gates_with_one_key(open_window, reviewer, studio: Studio) -> None:
    number, photo_id = waits(studio, "good")
    page = reviewer()
    expect(who(page)).to_have_text("Wang Xiaoming")
    expect(page.locator("#claim-state")).to_contain_text("Yours for")
    drawn = page.locator("#drawing")
    for part in ("boxes", "eyes", "person"):
        expect(drawn.locator(f".part.{part}")).to_be_attached()
    expect(drawn).to_contain_text("eyes 106 px")
    expect(drawn.locator(".part.background.hint")).to_contain_text("Background not plain")
    page.keyboard.press("o")
    expect(drawn).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("a")
    expect(page.locator("#queue-empty")).to_be_visible()
    expect(page.locator("#figure-waiting")).to_have_text("0")
    assert studio.state(photo_id) == "approved"
    phone = open_window(studio, number, ready="#state:visible", path="/console/me/photo", **PHONE)
    expect(phone.locator("#state")).to_have_text("Approved: pass with your face")
    expect(phone.locator("#notices")).to_contain_text("Your photo was approved")


def test_a_rejection_from_the_keyboard_reaches_the_person_as_text(open_window, reviewer, studio: Studio) -> None:
    """From the rules' no over the person's wish for a look to the reviewer's no; name and note try to be markup."""
    number, photo_id = waits(studio, "grey", "<img src=x onerror=alert(1)>")
    phone = open_window(studio, number, ready="#state:visible", path="/console/me/photo", **PHONE)
    phone.get_by_role("button", name="Ask a reviewer to look").click()
    expect(phone.locator("#state")).to_have_text("Waiting for review")
    page = reviewer()
    expect(who(page)).to_have_text("<img src=x onerror=alert(1)>")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Why reject it?")
    expect(dialog.get_by_role("checkbox", name="Colours not natural")).to_be_checked()
    reasons = dialog.get_by_role("checkbox").all()
    kept = [reason.is_checked() for reason in reasons]
    page.keyboard.press("5")
    assert [reason.is_checked() for reason in reasons] == [*kept[:4], not kept[4], *kept[5:]]
    page.keyboard.press("5")
    page.keyboard.press("n")
    page.keyboard.type("A colour photo, please <b>1</b>")
    page.keyboard.press("Enter")
    expect(page.locator("#undo-bar")).to_contain_text("Rejected: <img src=x onerror=alert(1)>")
    assert studio.state(photo_id) == "rejected"
    phone.reload()
    expect(phone.locator("#state-lead")).to_contain_text("The reviewer did not accept it")
    expect(phone.locator("#reviewer-note")).to_contain_text("A colour photo, please <b>1</b>")
    expect(phone.get_by_role("button", name="Ask a reviewer to look")).to_be_hidden()
    notice = phone.locator("#notices li").first
    notice.click()
    expect(notice).to_contain_text("A colour photo, please <b>1</b>")
    expect(notice).not_to_have_class("unread")
    for window in (page, phone):
        assert window.locator("main img[src=x], main b").count() == 0


def test_a_likeness_is_shown_beside_and_approved_only_after_a_second_thought(reviewer, studio: Studio) -> None:
    waits(studio, "good", "Wang Xiaoming")
    _, photo_id = waits(studio, "again", "Qian Wei")
    page = reviewer()
    page.keyboard.press("j")
    expect(who(page)).to_have_text("Qian Wei")
    beside = page.locator(".likenesses li")
    expect(beside).to_contain_text("Wang Xiaoming")
    expect(beside).to_contain_text("threshold")
    expect(beside.get_by_role("img", name="Wang Xiaoming")).to_be_visible()
    for name in ("This photo", "Wang Xiaoming"):
        until(lambda name=name: beside.get_by_role("img", name=name).evaluate(HAS_COLOURS))
    # The second thought has six seconds: a busy machine may need them for the first.
    page.evaluate("() => { const now = performance.now(); performance.now = () => now; }")
    page.keyboard.press("a")
    expect(page.get_by_role("alert")).to_contain_text("confirm once more")
    assert studio.state(photo_id) == "in_review"
    page.keyboard.press("a")
    until(lambda: studio.state(photo_id) == "approved")


def test_a_decision_is_taken_back_with_one_key(reviewer, studio: Studio) -> None:
    _, first = waits(studio, "good", "Wang Xiaoming")
    waits(studio, "flawless", "He Yu")
    page = reviewer()
    page.keyboard.press("a")
    expect(who(page)).to_have_text("He Yu")
    expect(page.locator("#undo-left")).to_contain_text("s")
    page.keyboard.press("u")
    expect(who(page)).to_have_text("Wang Xiaoming")
    assert studio.state(first) == "in_review"
    page.keyboard.press("a")
    expect(who(page)).to_have_text("He Yu")
    studio.ahead = timedelta(seconds=70)
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_contain_text("More than a minute")
    assert studio.state(first) == "approved"


def test_two_reviewers_never_have_the_same_photo(reviewer, studio: Studio) -> None:
    waits(studio, "good", "Wang Xiaoming")
    waits(studio, "flawless", "He Yu")
    one = reviewer()
    expect(who(one)).to_have_text("Wang Xiaoming")
    other = reviewer()
    expect(who(other)).to_have_text("He Yu")
    taken = other.locator("#queue li").first
    expect(taken).to_contain_text("taken · Sun Li")
    taken.get_by_role("button").click()
    expect(other.locator("#blocked")).to_contain_text("Being reviewed by Sun Li")
    expect(other.locator("#approve")).to_be_disabled()
    other.keyboard.press("j")
    expect(who(other)).to_have_text("He Yu")
    other.keyboard.press("k")
    expect(who(other)).to_have_text("He Yu")
    # What one decides leaves the other's queue by itself.
    one.keyboard.press("a")
    expect(other.locator("#queue li")).to_have_count(1)


def test_a_claim_that_ran_out_decides_nothing_until_it_is_renewed(reviewer, studio: Studio) -> None:
    _, photo_id = waits(studio, "good")
    page = reviewer()
    studio.ahead = timedelta(minutes=6)
    page.keyboard.press("a")
    expect(page.locator("#claim-state")).to_have_text("Your claim has run out.")
    expect(page.locator("#approve")).to_be_disabled()
    assert studio.state(photo_id) == "in_review"
    page.keyboard.press("c")
    expect(page.locator("#claim-state")).to_contain_text("Yours for")
    page.keyboard.press("a")
    until(lambda: studio.state(photo_id) == "approved")


def test_nobody_decides_about_their_own_photo(reviewer, studio: Studio) -> None:
    page = reviewer()
    studio.hand_in(page.person_id, "good")
    expect(page.locator("#queue li")).to_contain_text("yours")
    page.locator("#queue button").click()
    expect(page.locator("#blocked")).to_contain_text("another reviewer decides")
    for key in ("a", "r"):
        page.keyboard.press(key)
    assert page.locator("dialog[open]").count() == 0
    expect(page.locator("#approve")).to_be_disabled()


def test_a_photo_that_came_between_the_first_look_and_the_first_figures_is_listed(reviewer, studio: Studio) -> None:
    page = reviewer()
    held = list[Any]()
    intercept(page, "**/reviews/stream**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright sets a mark on it
    with page.expect_response("**/console/reviews/queue?**"):
        page.reload()
    expect(page.locator("#queue-empty")).to_be_visible()
    until(lambda: held or page.wait_for_timeout(10))
    studio.hand_in(page.person_id, "good")
    held[0].continue_()
    expect(page.locator("#queue li")).to_contain_text("yours")


def test_figures_of_the_queue_that_is_shown_load_it_no_second_time(reviewer) -> None:
    page = reviewer()
    loaded = list[str]()
    page.on("request", lambda request: loaded.append(request.url) if "/reviews/queue?" in request.url else None)
    page.reload()
    expect(page.locator("#link.live")).to_be_visible()
    expect(page.locator("#queue-empty")).to_be_visible()
    assert page.evaluate("async () => (await fetch(document.querySelector('link[rel=icon]').href)).ok"), (
        "asked after all others"
    )
    assert len(loaded) == 1


def test_flawless_photos_are_approved_together_and_others_left(reviewer, studio: Studio) -> None:
    _, flawless = waits(studio, "flawless", "He Yu")
    _, other = waits(studio, "good", "Wang Xiaoming")
    page = reviewer()
    page.get_by_role("button", name="Approve flawless photos (1)").click()
    dialog = page.get_by_role("dialog", name="Approve them all?")
    expect(dialog).to_contain_text("He Yu")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.locator("#toast")).to_contain_text("1 approved; 0 need a look")
    assert (studio.state(flawless), studio.state(other)) == ("approved", "in_review")


def test_the_queue_is_filtered_and_says_when_nothing_fits(reviewer, studio: Studio) -> None:
    waits(studio, "good", "Wang Xiaoming")
    waits(studio, "grey", "Zhao Lei", ask=True)
    page = reviewer()
    page.locator(".filters summary").click()
    page.get_by_label("Failed rule").select_option("colour")
    expect(page.locator("#queue li")).to_have_count(1)
    expect(who(page)).to_have_text("Zhao Lei")
    page.get_by_label("Verdict").select_option("accept")
    expect(page.locator("#queue-empty")).to_contain_text("No photo fits these filters.")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#queue li")).to_have_count(2)


def test_what_is_written_is_no_command(reviewer, studio: Studio) -> None:
    _, photo_id = waits(studio, "good")
    page = reviewer()
    page.keyboard.press("n")
    page.keyboard.type("a rather juicy answer")
    page.keyboard.press("Enter")
    expect(page.locator("#note-line")).to_contain_text("a rather juicy answer")
    assert studio.state(photo_id) == "in_review"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    assert studio.state(photo_id) == "in_review"


def test_the_key_after_a_closed_dialog_is_taken_up(reviewer, studio: Studio) -> None:
    """Until the next frame the browser still sends keys to the field that went with the dialog."""
    waits(studio, "good")
    page = reviewer()
    page.keyboard.press("n")
    page.keyboard.type("a rather juicy answer")
    page.evaluate(
        """() => {
            document.querySelector("#writing form").requestSubmit();
            if (document.activeElement.id !== "note") throw new Error("the focus has left the field already");
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
        }"""
    )
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_a_key_pressed_before_the_next_photo_is_there_decides_nothing_and_is_answered(reviewer, studio: Studio) -> None:
    _, first = waits(studio, "good", "Wang Xiaoming")
    _, second = waits(studio, "flawless", "He Yu")
    page = reviewer()
    under_way = []

    def delay(request) -> None:
        under_way.append(request)

    intercept(page, "**/approve", delay)
    page.keyboard.press("a")
    until(lambda: page.evaluate("true") and under_way)
    for key in ("a", "r", "j"):
        page.keyboard.press(key)
        expect(page.locator("#toast")).to_contain_text("One moment")
        assert page.locator("dialog[open]").count() == 0
        page.evaluate("document.querySelector('#toast').textContent = ''")
    page.keyboard.press("u")
    [request] = under_way
    request.continue_()
    expect(page.locator("#toast")).to_contain_text("taken back")
    expect(who(page)).to_have_text("Wang Xiaoming")
    assert [studio.state(one) for one in (first, second)] == ["in_review", "in_review"]


def test_a_photo_leaves_the_queue_with_its_persons_consent(reviewer, studio: Studio) -> None:
    _, person_id = studio.person("Wang Xiaoming")
    studio.hand_in(person_id, "good")
    page = reviewer()
    with studio.console.database.begin() as session:
        consent.withdraw(session, person_id, by="test", now=studio.console.app.state.console.now())
    expect(page.locator("#queue-empty")).to_be_visible()
    expect(page.locator("#picture")).to_be_hidden()


def test_the_page_goes_on_after_a_sign_in_that_ran_out(reviewer, studio: Studio) -> None:
    _, photo_id = waits(studio, "good")
    page = reviewer()
    decisions = []

    def first_without_cookies(route) -> None:
        decisions.append(route)
        if len(decisions) == 1:
            page.context.clear_cookies()
        route.fulfill(response=route.fetch())

    # Not before the key: the queue that is loaded again meanwhile would be the first to find the sign-in gone.
    intercept(page, "**/approve", first_without_cookies)
    page.keyboard.press("a")
    again = page.get_by_role("dialog", name="Your sign-in has run out")
    again.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    until(lambda: studio.state(photo_id) == "approved")


def test_it_fits_every_screen(reviewer, studio: Studio) -> None:
    waits(studio, "good")
    page = reviewer(viewport={"width": 390, "height": 844})
    expect(page.locator("#picture")).to_be_visible()
    fitting = page.locator("#picture").evaluate("(one) => one.height")
    assert fitting == PreviewSide.MEDIUM, "no larger than it is drawn"
    page.keyboard.press("z")
    expect(page.locator("#easel")).to_have_class("easel closer")
    whole = page.locator("#picture").evaluate("(one) => ({ pixels: one.width, drawn: one.clientWidth })")
    assert whole["pixels"] == whole["drawn"], "pixel by pixel"
    assert page.locator("#picture").evaluate("(one) => one.height") > fitting
    page.keyboard.press("z")
    expect(page.locator("#easel")).to_have_class("easel")
    for width, height in ((1280, 720), (1024, 768), (768, 1024), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in ("#approve", "#reject"):
            expect(page.locator(button)).to_be_in_viewport(ratio=1)
        picture = page.locator("#picture").bounding_box()
        assert picture["width"] > 150
        assert picture["height"] > 200
