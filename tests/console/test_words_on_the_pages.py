"""What Chinese readers are shown: words for every code, the names of faults, and Chinese punctuation between them."""

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from accounts.vocabulary import Role
from console.texts import TEXTS
from messages import Health
from tests.console.photo_studio import DESK, Studio
from tests.databases import ON_SQLITE
from tests.test_chinese import PUNCTUATION

CHINESE = {"locale": "zh-CN"}
NAMES = {"North", "South", "gate", "Lab", "Hall", "campusgate", "north", "English"}
"""What is data in these tests, or a name."""


def shown(page) -> str:
    """Every word that the page shows or speaks."""
    spoken = page.locator("main [aria-label]").evaluate_all("all => all.map((one) => one.ariaLabel).join('\\n')")
    return f"{page.locator('main').inner_text()}\n{spoken}"


def assert_chinese(words: str, *, names: set[str]) -> None:
    assert set(re.findall(r"[A-Za-z]{3,}", words)) - NAMES - names == set()
    assert [line for line in words.splitlines() if PUNCTUATION.search(line)] == []


@ON_SQLITE
def test_refusals_alarms_and_figures_of_a_gate(open_window, console) -> None:
    for reason in ("no_broker", "controller_unknown", "cannot_sign"):
        console.happen(kind="face_refused", source="edge", reason=reason, granted=False)
    console.happen(
        kind="access_denied",
        reason="pin_wrong",
        method="card",
        granted=False,
        details={"alone": "edge_silent", "late_return": True, "clock_sure": False, "latency_to": "relay"},
    )
    console.happen(kind="wire_fault", reason="cut", details={"wire": "exit_button"})
    figures = {"camera": "running", "controller": "online", "view": "good", "model": "net-1.5_b", "camera_error": None}
    now = datetime.now(UTC)
    console.board.health(Health(gate="north", source="edge", at=now, figures=figures), heard_at=now)
    page = open_window(console, "F1", **CHINESE)
    page.get_by_role("button", name=re.compile("确认报警")).first.wait_for()
    assert_chinese(shown(page), names=set())
    page.goto(f"{console.url}/console/gates/north")
    page.locator("#link.live").wait_for()
    health = page.locator("#health")
    expect(health).to_contain_text("在线")
    # A model's name is shown as it is.
    expect(health).to_contain_text("net-1.5_b")
    assert_chinese(shown(page), names={"net"})
    page.locator("#events tr", has_text="密码错误").get_by_role("button").click()
    why = page.locator("#why-answer")
    why.get_by_text(TEXTS["gate_page.details"][0]).click()
    for words in (TEXTS["value.edge_silent"][0], TEXTS["reason.late_return"][0], TEXTS["value.relay"][0]):
        expect(why).to_contain_text(words)
    assert_chinese(why.inner_text(), names=set())


def test_reasons_for_rejecting_are_named_as_faults(open_window, studio: Studio) -> None:
    _, person_id = studio.person("张三")
    studio.hand_in(person_id, "two faces", ask=True)
    number, _ = studio.person("孙丽", Role.REVIEWER)
    page = open_window(studio, number, ready="#figure:visible", **DESK, **CHINESE)
    expect(page.locator("#queue li").first).to_contain_text("多人入镜")
    page.keyboard.press("r")
    reasons = page.locator("#reasons strong").all_inner_texts()
    assert {"多人入镜", "闭眼", "模糊", "五官被遮挡"} <= set(reasons)
    assert not set(reasons) & {TEXTS[f"rule.{rule}"][0] for rule in ("one_face", "eyes_open", "sharp", "unobstructed")}
    assert_chinese(page.locator("#rejecting").inner_text(), names={"Esc"})


def test_a_look_alike_is_warned_of_in_the_same_sense_in_both_languages() -> None:
    chinese, english = TEXTS["review.approve_warning"]
    assert "与另一账户的人相似" in chinese
    assert "与本人此前的照片不像" in chinese
    assert "like another account's, or unlike the person's own" in english
