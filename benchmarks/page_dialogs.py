"""Dialogs whose words a script fills in when they open."""

from playwright.sync_api import Page

from campusgate.demo.running import RunningDemonstration
from campusgate.demo.stage import say


def ask_to_withdraw(page: Page, _told: RunningDemonstration) -> None:
    """Ask somebody whether to withdraw their consent."""
    page.goto("/console/me/photo")
    page.locator("#withdraw-consent").evaluate("(one) => one.click()")
    page.locator("#confirm[open]").wait_for()


def ask_to_order(page: Page, told: RunningDemonstration) -> None:
    """Ask a guard whether to open a gate."""
    page.goto(f"/console/gates/{told.gate}")
    page.locator("button[data-action=open]:enabled").first.click()
    page.locator("#order[open]").wait_for()


def ask_to_acknowledge(page: Page, told: RunningDemonstration) -> None:
    """Let a door be pushed open, and ask a guard for a note on the alarm."""
    page.goto("/console/gates")
    say(told.reader_port, "contact on")
    say(told.reader_port, "contact off")
    page.locator("button.acknowledge").last.click()
    page.locator("#acknowledge[open]").wait_for()
