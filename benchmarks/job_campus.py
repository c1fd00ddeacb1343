"""A demonstration as its jobs see it: people who are new, browsers, readers at gates and under the shower, a till."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, Locator, Page

from benchmarks.page_forms import expect_another_page, send
from benchmarks.page_visitors import LANGUAGES, open_context
from campusgate.demo.campus import GROUP
from campusgate.demo.running import RunningDemonstration
from campusgate.demo.stage import poll, say

PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 900}}
_SOON_S, _POLL_S = 90.0, 1.0
"""A directory is at a gate within seconds; a machine with much else to do takes longer."""
_OFFICE, _ADMINISTRATION = "/console/office", "/console/administration"
_TABS = 80


class JobError(Exception):
    """A job did not come to what it is for; the message says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who is new on the campus."""

    number: str
    uid: str
    page: str
    """Their page at the office."""
    password: str
    digits: str


@dataclass(frozen=True, slots=True)
class Campus:
    """The demonstration, a browser, and the language of whoever does the job."""

    told: RunningDemonstration
    browser: Browser
    language: str

    @contextmanager
    def as_part(self, part: str, **options: object) -> Iterator[Page]:
        """Open a window of somebody of the demonstration."""
        with open_context(self.browser, self.told, part, self.language, **(options or DESK)) as context:
            yield context.new_page()

    @contextmanager
    def as_nobody(self) -> Iterator[Page]:
        """Open the phone of somebody who has not signed in."""
        with self.browser.new_context(
            base_url=self.told.server_url,
            locale=LANGUAGES[self.language],
            **PHONE,  # type: ignore[arg-type]
        ) as context:
            yield context.new_page()

    def hire(self, name: str) -> Holder:
        """Let an administrator open an account with first passwords, and a cashier hand out a card."""
        number, uid = f"J{token_hex(3).upper()}", f"04{token_hex(5).upper()}80"
        with self.as_part("admin") as page:
            send(page, f"{_OFFICE}/people/new", "/people/new", number=number, name=name, groups=GROUP)
            address = page.url.split("?", 1)[0]
            secrets = []
            for purpose in ("portal", "query"):
                send(page, address, f"/passwords/{purpose}")
                secrets.append(page.locator("#password").inner_text())
        with self.as_part("cashier") as page:
            send(page, f"{address}/cards", "/cards", uid=uid)
        return Holder(number, uid, address, secrets[0], secrets[1])

    def pay_in(self, holder: Holder, yuan: str) -> None:
        """Let a cashier take cash."""
        with self.as_part("cashier") as page:
            send(page, holder.page.replace("/office/", "/money/"), "/cash-in", amount=yuan)
            page.wait_for_url("**/receipts/**")

    def open_till(self) -> str:
        """Let an administrator put up a shop with a till, and return the till's token."""
        name = f"canteen-{token_hex(3)}"
        with self.as_part("admin") as page:
            shop = {"name": name, "campus": "main", "service": "canteen"}
            send(page, "/console/money/merchants", "/merchants", **shop)
            send(page, "/console/money/merchants", "/services", service="canteen", campuses="main")
            page.goto(f"{_ADMINISTRATION}/devices/new")
            value = page.locator("#merchant option", has_text=name).get_attribute("value")
            till: dict[str, Any] = {"name": name, "role": "terminal", "campus": "main", "merchant": value}
            send(page, f"{_ADMINISTRATION}/devices/new", "/devices/new", **till)
            return page.locator("#token").input_value()

    def buy(self, till: str, uid: str, fen: int = 800) -> str:
        """Pay at a till; return "paid", or the code of the problem."""
        body = {"id": str(uuid4()), "amount": fen, "card": {"uid": uid}}
        headers = {"Authorization": f"Bearer {till}"}
        answer = httpx.post(f"{self.told.server_url}/api/v1/payments", json=body, headers=headers, timeout=30)
        return "paid" if answer.is_success else str(answer.json()["code"])

    def tap(self, shown: str) -> str:
        """Hold something to the north gate's reader: `card UID`, `code …`; return what it answers."""
        return say(self.told.reader_port, shown)

    def expect_at_gate(self, shown: str, wanted: str) -> None:
        """Try at the gate until its directory has come, and it answers so.

        Raises:
            JobError: it does not.
        """
        is_so = soon(lambda: self.tap(shown).startswith(wanted))
        require(is_so, f"{shown} at the gate: {self.tap(shown)}, not {wanted}")


def soon(holds: Callable[[], bool]) -> bool:
    """Ask again and again; return whether it held in time."""
    return poll(holds, _SOON_S, every_s=_POLL_S)


def require(condition: bool, otherwise: str) -> None:
    """Raise JobError unless `condition` holds."""
    if not condition:
        raise JobError(otherwise)


def tab_to(page: Page, wanted: Locator) -> None:
    """Reach something by the Tab key alone.

    Raises:
        JobError: it is not reached.
    """
    for _ in range(_TABS):
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise JobError(f"not to be reached by the Tab key: {wanted}")


def type_into(page: Page, **typed: str) -> None:
    """Fill in fields by the keyboard, in the order given, and send their form by Enter."""
    for name, value in typed.items():
        tab_to(page, page.locator(f"main input[name={name}]"))
        page.keyboard.type(value)
    with expect_another_page(page):
        page.keyboard.press("Enter")
