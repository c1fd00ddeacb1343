"""Makes the pictures of the pages that the documents show: `python -m tools.page_pictures [FOLDER]`.

It starts the demonstration's campus (`campusgate demo`), lets people come and go, and looks at the main pages in
Debian's Chromium: a phone's, a desk's, a wall's width. Nobody's face is on any of them. Where no font with Chinese
characters is installed (Debian: `fonts-noto-cjk`) the pages are shown in English, with the English names of invented
people and gates in place of the Chinese ones, and what is Chinese besides left out.
"""

import argparse
import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page
from rich.console import Console

from campusgate.demo.campus import EXIT_GATE_TITLE, GATE, GATE_TITLE, PEOPLE, Campus
from campusgate.demo.narration import console_narrator
from campusgate.demo.personas import Persona
from campusgate.demo.run import open_stage
from campusgate.demo.stage import Stage
from campusgate.demo.traffic import play_round
from campusgate.settings import Settings
from tools.browser import open_browser

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
MOST_BYTES = 60_000
"""Of a picture: it is part of the repository for good."""
ENGLISH = {somebody.name: somebody.pinyin for somebody in PEOPLE.values()} | {
    "陈静": "Chen Jing",
    "林芳": "Lin Fang",
    "何伟": "He Wei",
    "吴敏": "Wu Min",
    "孙敏": "Sun Min",
    "钱伟": "Qian Wei",
    GATE_TITLE: "North gate",
    EXIT_GATE_TITLE: "South gate",
    "主校区": "Main campus",
    "6号楼浴室": "Showers of Building 6",
    "6号楼": "Building 6",
    "浴室": "Bath house",
    "宿舍用电": "Electricity",
    "住宿生": "Residents",
    "教职工": "Staff",
    "中文": "ZH",
}
"""What stands in place of names of the demonstration, longer ones before those that they begin with."""
_COLOURS = (128, 64, 32, 16)
_PHONE, _DESK, _WALL, _SCREEN = (360, 740), (1280, 800), (1920, 640), (800, 480)
_TOP_UP_FEN = 3_000


@dataclass(frozen=True, slots=True)
class Picture:
    """One page as somebody sees it: at which width, and light or dark."""

    name: str
    who: Persona
    path: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"] = "light"


def list_pictures(campus: Campus) -> list[Picture]:
    """Return what is shown."""
    personas = campus.personas
    return [
        Picture("home", personas.resident, "/console/me", _PHONE),
        Picture("virtual-card", personas.resident, "/console/me/virtual-card", _PHONE),
        Picture("usage", personas.resident, "/console/me/usage", _PHONE, "dark"),
        Picture("gates", personas.guard, "/console/gates", _DESK),
        Picture("wall", personas.guard, "/console/wall", _WALL, "dark"),
        Picture("records", personas.guard, "/console/records/events", _DESK),
        Picture("display", personas.guard, f"/console/display/{GATE}", _SCREEN),
        Picture("money-desk", personas.cashier, "/console/money/day", _DESK),
        Picture("people", personas.admin, "/console/office/people", _DESK),
        Picture("rules", personas.guard, f"/console/administration/gates/{GATE}", _DESK),
    ]


def main() -> None:
    """Make the pictures, and say how large each is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    is_chinese = has_chinese_font()
    with console_narrator(Console(stderr=True)) as narrator, open_stage(Settings(), narrator) as (stage, _):
        if not is_chinese:
            narrator.write("No font with Chinese characters is installed: the pictures are in English.")
        play_round(stage, pause_s=1.0)
        stage.resident.top_room_up(stage.campus.dormitory.room_id, _TOP_UP_FEN)
        with open_browser() as browser:
            for picture in list_pictures(stage.campus):
                narrator.show(f"{picture.name}")
                content = take(browser, stage, picture, "zh-CN" if is_chinese else "en-GB")
                (folder / f"{picture.name}.png").write_bytes(content)
                print(f"{picture.name}.png {len(content) / 1000:.0f} KB")


def has_chinese_font() -> bool:
    """Tell whether a page's Chinese would be more than boxes."""
    lister = shutil.which("fc-list")
    return lister is not None and bool(subprocess.run([lister, ":lang=zh-cn"], capture_output=True, check=True).stdout)


def take(browser: Browser, stage: Stage, picture: Picture, language: str) -> bytes:
    """Return a page as PNG of a palette, at most `MOST_BYTES`."""
    campus, (width, height) = stage.campus, picture.size
    with browser.new_context(
        locale=language, viewport={"width": width, "height": height}, color_scheme=picture.scheme
    ) as context:
        page = context.new_page()
        form: dict[str, str | float | bool] = {"number": picture.who.number, "password": picture.who.password}
        context.request.post(
            f"{campus.server_url}/console/sign-in",
            form=form,
            headers={"Origin": campus.server_url},
            max_redirects=0,
        )
        page.goto(f"{campus.server_url}{picture.path}")
        if picture.name == "virtual-card":
            _claim_card(page, picture.who)
        page.locator("main").wait_for()
        page.wait_for_timeout(2_000)
        if language != "zh-CN":
            page.evaluate(_TO_ENGLISH, ENGLISH)
        return shrink(page.screenshot())


def _claim_card(page: Page, who: Persona) -> None:
    page.locator("main input[name=query_password]").fill(who.digits)
    page.locator("main form button").click()
    page.locator("#code").wait_for()


_TO_ENGLISH = """(names) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    if (["SCRIPT", "STYLE"].includes(node.parentElement?.tagName)) continue;
    for (const [chinese, english] of Object.entries(names)) node.data = node.data.replaceAll(chinese, english);
    node.data = node.data.replace(/[\\u3000-\\u9fff\\uff00-\\uffef]+/g, "");
  }
}"""


def shrink(png: bytes) -> bytes:
    """Return a picture with so few colours that it is at most `MOST_BYTES`.

    Raises:
        ValueError: it is larger with any.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in _COLOURS:
        stream = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
        if stream.tell() <= MOST_BYTES:
            return stream.getvalue()
    raise ValueError(f"{stream.tell()} bytes, and at most {MOST_BYTES} are wanted")


if __name__ == "__main__":
    main()
