"""A person's own page, used as on a phone: consent, handing in, the checklist, everything that can go wrong."""

import io
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from playwright.sync_api import expect

from accounts.vocabulary import Role
from tests.console.axe import inspect
from tests.console.page_server import PASSWORD
from tests.console.photo_studio import PHONE, Studio
from tests.enrollment.picture_bytes import QUICK_HEIF

PHOTO = "/console/me/photo"
READY = "#current:visible, #capture:visible, #consent:visible"


def file_of(studio: Studio, picture: str, name: str = "photo.jpg") -> dict:
    return {"name": name, "mimeType": "image/jpeg", "buffer": studio.portraits[picture]}


def send(page, file: dict) -> None:
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Use it and check").click()


def fits(page) -> None:
    """Nothing sticks out at the side, and every target can be hit with a thumb."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        """[...document.querySelectorAll("main button, main summary, dialog[open] button")]
           .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
           .map((one) => one.textContent)"""
    )
    assert not small


@pytest.fixture
def holder(open_window, studio: Studio):
    """A student's phone, on their own page; consent is not given yet."""
    number, person_id = studio.person("Wang <b>Xiaoming</b>")
    page = open_window(studio, number, ready=READY, path=PHOTO, **PHONE)
    page.person_id = person_id
    return page


@pytest.fixture
def consented(open_window, studio: Studio):
    """A student's phone, who has consented and may hand in a photo."""
    number, person_id = studio.person("Li Hua")
    studio.agree(person_id)
    page = open_window(studio, number, ready=READY, path=PHOTO, **PHONE)
    page.person_id = person_id
    return page


def test_nothing_is_asked_for_before_consent_and_refusing_it_is_fine(holder, studio: Studio) -> None:
    expect(holder.locator("header h1")).to_contain_text("Wang <b>Xiaoming</b>")
    assert holder.locator("#take:visible, #choose:visible").count() == 0
    fits(holder)
    holder.get_by_role("button", name="No, I use card or code").click()
    expect(holder.get_by_text("No face data is kept.")).to_be_visible()
    holder.reload()
    expect(holder.get_by_text("No face data is kept.")).to_be_visible()
    expect(holder.get_by_role("button", name="I consent")).to_be_hidden()
    holder.get_by_role("button", name="Read the notice").click()
    holder.get_by_role("button", name="I consent").click()
    expect(holder.get_by_role("button", name="Take a photo")).to_be_focused()
    holder.get_by_role("button", name="Withdraw consent").click()
    fits(holder)
    holder.get_by_role("dialog").get_by_role("button", name="Withdraw consent").click()
    expect(holder.get_by_text("No face data is kept.")).to_be_visible()
    holder.get_by_role("button", name="Read the notice").click()
    expect(holder.get_by_role("button", name="I consent")).to_be_visible()


def test_a_good_photo_is_checked_and_waits(consented, studio: Studio) -> None:
    send(consented, file_of(studio, "good"))
    expect(consented.get_by_role("heading", name="Waiting for review")).to_be_focused()
    expect(consented.locator("#portrait")).to_be_visible()
    expect(consented.locator(".life [aria-current=step]")).to_contain_text("Waiting for a reviewer")
    consented.get_by_text("Rules that are kept").click()
    assert consented.locator(".rule.failed").count() == 0
    expect(consented.locator("[data-rule=sharp]")).to_contain_text("at most")
    fits(consented)
    consented.locator("#withdraw").click()
    consented.get_by_role("dialog").get_by_role("button", name="Withdraw the photo").click()
    expect(consented.get_by_role("heading", name="What makes a good photo")).to_be_visible()


@pytest.mark.parametrize(
    ("picture", "rule", "advice"),
    [
        ("grey", "colour", "照片不是自然的彩色照片"),
        ("two faces", "one_face", "照片中不止一个人"),
        ("blurred", "sharp", "模糊"),
    ],
)
def test_a_bad_photo_comes_back_with_advice_in_the_readers_language(
    open_window, studio: Studio, picture: str, rule: str, advice: str
) -> None:
    number, person_id = studio.person("赵磊")
    studio.agree(person_id)
    page = open_window(studio, number, ready=READY, path=PHOTO, **PHONE, locale="zh-CN")
    page.locator("#file").set_input_files(file_of(studio, picture))
    page.get_by_role("button", name="使用并检查").click()
    expect(page.locator("#state")).to_have_text("未通过")
    failed = page.locator(f".rule.failed[data-rule={rule}]")
    expect(failed).to_contain_text(advice)
    expect(failed.locator("img.pictogram")).to_be_visible()
    expect(page.locator("#notices")).to_contain_text("照片未通过审核")
    fits(page)


def test_a_heic_from_a_phone_is_taken_though_the_browser_cannot_show_it(consented, studio: Studio) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(studio.portraits["flawless"])).save(stream, "HEIF", quality=90, **QUICK_HEIF)
    file = {"name": "IMG_0001.HEIC", "mimeType": "image/heic", "buffer": stream.getvalue()}
    consented.locator("#file").set_input_files(file)
    expect(consented.get_by_text("This browser cannot show this format")).to_be_visible()
    consented.get_by_role("button", name="Use it and check").click()
    expect(consented.get_by_role("heading", name="Waiting for review")).to_be_visible()
    expect(consented.locator("#portrait")).to_be_visible()


def test_files_that_cannot_be_photos_are_refused_with_a_way_on(consented, studio: Studio, tmp_path: Path) -> None:
    problem = consented.locator("#chosen-problem")
    with (tmp_path / "big.jpg").open("wb") as big:
        big.truncate(21 << 20)
    consented.locator("#file").set_input_files(tmp_path / "big.jpg")
    expect(problem).to_contain_text("at most 20 MB")
    expect(consented.locator("#use")).to_be_disabled()
    consented.get_by_role("button", name="Another one").click()
    send(consented, {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are notes"})
    expect(problem).to_contain_text("not a photo that can be opened")
    expect(consented.locator("#use")).to_be_disabled()
    fits(consented)
    consented.get_by_role("button", name="Another one").click()
    send(consented, file_of(studio, "flawless"))
    expect(consented.locator("#state")).to_have_text("Waiting for review")


def test_the_photo_is_kept_when_the_network_and_the_sign_in_are_gone(consented, studio: Studio) -> None:
    consented.locator("#file").set_input_files(file_of(studio, "flawless"))
    consented.context.set_offline(True)
    consented.get_by_role("button", name="Use it and check").click()
    expect(consented.locator("#chosen-problem")).to_contain_text("Your photo is still here")
    consented.context.set_offline(False)
    consented.context.clear_cookies()
    consented.get_by_role("button", name="Try again").click()
    again = consented.get_by_role("dialog", name="Your sign-in has run out")
    again.get_by_label("Password").fill("not this one")
    again.get_by_role("button", name="Go on").click()
    expect(again.get_by_role("alert")).to_have_text("The password is wrong.")
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Go on").click()
    expect(consented.locator("#state")).to_have_text("Waiting for review")


def test_the_camera_shows_a_live_view_and_takes_what_it_sees(launch_browser, studio: Studio, tmp_path: Path) -> None:
    film = tmp_path / "face.mjpeg"
    picture = Image.open(io.BytesIO(studio.portraits["good"]))
    # A camera of Chromium's has even sides.
    picture.crop((0, 0, picture.width // 4 * 4, picture.height // 4 * 4)).save(film, "JPEG", quality=95)
    browser = launch_browser(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    number, person_id = studio.person("Qian Wei")
    studio.agree(person_id)
    page = browser.new_page(**PHONE, locale="en-GB")
    page.goto(f"{studio.url}/console/sign-in")
    page.locator("[name=number]").fill(number)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form.sign-in button").click()
    page.get_by_role("link", name="Hand in a photo").click()
    page.get_by_role("button", name="Take a photo").click()
    expect(page.get_by_text("Your face in the oval")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Take the picture").click()
    page.get_by_role("button", name="Use it and check").click()
    expect(page.locator("#state")).to_have_text("Waiting for review")


def test_without_a_camera_the_page_offers_a_file(consented) -> None:
    consented.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')) }"
    )
    consented.get_by_role("button", name="Take a photo").click()
    expect(consented.get_by_text("The camera was not allowed")).to_be_visible()
    consented.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(consented.get_by_role("button", name="Choose a file")).to_be_visible()


def test_a_second_photo_is_offered_once_refused_when_unlike_and_removed_alone(open_window, studio: Studio) -> None:
    number, person_id = studio.person("Han Mei")
    studio.approve(studio.hand_in(person_id, "good"))
    page = open_window(studio, number, ready="#second:visible", path=PHOTO, **PHONE)
    expect(page.locator("#notices")).to_contain_text("Your photo was approved")
    expect(page.get_by_role("heading", name="A second photo (optional)")).to_be_visible()
    page.locator("#gate-photos summary").click()
    inspect(page)

    page.get_by_role("button", name="No, thanks").click()
    expect(page.locator("#second-decline")).to_be_hidden()
    page.get_by_role("button", name="I consent").click()
    expect(page.get_by_text("You consented to one being taken at a gate.")).to_be_visible()
    page.locator("#gate-withdraw").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw this consent").click()
    expect(page.locator("#gate-give")).to_have_count(1)
    expect(page.locator("#gate-given")).to_be_hidden()

    page.get_by_role("button", name="Add a second photo").click()
    expect(page.locator("#capture-second")).to_be_visible()
    send(page, file_of(studio, "flawless"))
    expect(page.locator("#chosen-problem")).to_contain_text("not like your first one")
    page.get_by_role("button", name="Another one").click()
    send(page, file_of(studio, "again"))
    expect(page.get_by_role("heading", name="The second photo waits for review")).to_be_focused()
    expect(page.locator("#state")).to_have_text("Approved: pass with your face")
    shown = page.request.get(f"{studio.url}/console/me/state").json()["photos"]
    studio.approve(UUID(next(photo["id"] for photo in shown if photo["slot"] == "second")))
    page.reload()
    expect(page.get_by_role("heading", name="Both photos are used")).to_be_visible()
    expect(page.locator("#second-portrait")).to_be_visible()
    inspect(page)

    page.locator("#second-withdraw").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove the second photo").click()
    expect(page.get_by_role("button", name="Add a second photo")).to_be_visible()
    expect(page.locator("#state")).to_have_text("Approved: pass with your face")


def test_a_first_password_is_changed_before_anything_else(open_window, studio: Studio) -> None:
    number, _ = studio.person("Sun Li", must_change=True)
    page = open_window(studio, number, ready="[name=new]", **PHONE)
    assert page.goto(f"{studio.url}/console/me/photo").url.endswith("/password")
    for repeated, message in (("another thing", "The two new passwords differ"), (PASSWORD, "Choose another one")):
        page.get_by_label("Present password").fill(PASSWORD)
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password again").fill(repeated)
        page.get_by_role("button", name="Save and go on").click()
        expect(page.get_by_role("alert")).to_contain_text(message)
    page.get_by_label("Present password").fill(PASSWORD)
    for label in ("New password", "New password again"):
        page.get_by_label(label, exact=True).fill("a walk along the river")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name="Sun Li")).to_be_visible()


def test_the_reader_chooses_the_language_and_keeps_it(holder) -> None:
    holder.get_by_role("button", name="中文").click()
    expect(holder.get_by_role("button", name="我同意")).to_be_visible()
    holder.reload()
    expect(holder.get_by_role("button", name="我同意")).to_be_visible()
    assert holder.locator("html").get_attribute("lang") == "zh"


@pytest.mark.parametrize(
    ("roles", "offered", "refused"),
    [
        ((), [], ["reviews", "reviews/queue", "gates", "metering"]),
        ((Role.REVIEWER,), ["Photo review", "Mine"], ["gates", "metering"]),
        (
            (Role.FACILITIES,),
            ["Gates", "Records", "Metering", "Administration", "Mine"],
            ["reviews", "reviews/queue", "money", "office/people", "administration/settings"],
        ),
        ((Role.CASHIER,), ["Money", "Office", "Mine"], ["gates", "reviews", "records/events", "administration/gates"]),
        (
            (Role.ADMIN,),
            ["Gates", "Records", "Metering", "Money", "Photo review", "Office", "Administration", "Mine"],
            [],
        ),
    ],
)
def test_each_role_lands_on_its_page_and_is_offered_only_what_it_may_open(
    open_window, studio: Studio, roles: tuple[Role, ...], offered: list[str], refused: list[str]
) -> None:
    number, _ = studio.person("Somebody", *roles)
    page = open_window(studio, number, ready="main")
    areas = page.get_by_role("navigation", name="Navigation")
    assert areas.get_by_role("link").all_inner_texts() == offered
    if offered:
        expect(areas.locator("[aria-current=page]")).to_have_text(offered[0])
    state = page.request.get(f"{studio.url}/console/me/state")
    assert (state.status, state.headers["cache-control"]) == (200, "no-store")
    for path in refused:
        assert page.request.get(f"{studio.url}/console/{path}").status == 403
