"""Debian's Chromium, driven by Playwright, for whatever looks at the pages outside the tests."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright, sync_playwright


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Launch it; ends the program where it is not installed."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


@contextmanager
def open_browsers() -> Iterator[Callable[[], Browser]]:
    """Give what returns a browser that runs: another one where the last one crashed."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)

        def running() -> Browser:
            nonlocal browser
            if not browser.is_connected():
                browser = _launch(playwright)
            return browser

        yield running
        browser.close()


def _launch(playwright: Playwright) -> Browser:
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if executable is None:
        sys.exit("Chromium is not installed: Debian package chromium-headless-shell")
    return playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
