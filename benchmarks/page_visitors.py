"""Browsers in which somebody of the demonstration is signed in, and the same people without a browser."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, BrowserContext

from campusgate.demo.running import NotRunningError, RunningDemonstration
from campusgate.settings import Settings

KIOSK, NOBODY = "kiosk", "nobody"
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
_PATIENCE_S = 60.0


def find_demonstration() -> RunningDemonstration:
    """Return the demonstration that was started in the configured data directory; ends the program if none."""
    try:
        return RunningDemonstration.find(Settings().data_dir)
    except NotRunningError as error:
        sys.exit(str(error))


_cookies: dict[str, list[Any]] = {}
"""Of each part's one sign-in, as its last window left them: a campus limits how often one address signs in."""


@contextmanager
def open_context(
    browser: Browser, demonstration: RunningDemonstration, part: str, language: str, **options: Any
) -> Iterator[BrowserContext]:
    """Open a browser's window without a cache, signed in as whoever plays `part`, or as a kiosk, or as nobody.

    Windows of one part are opened one after the other, since a sign-in is renewed in the window that is open.
    """
    url = demonstration.server_url
    if part not in _cookies:
        _cookies[part] = _sign_in(demonstration, part)
    with browser.new_context(base_url=url, locale=LANGUAGES[language], **options) as context:
        context.set_default_timeout(_PATIENCE_S * 1000)
        context.add_cookies(_cookies[part])
        try:
            yield context
        finally:
            kept = {"campusgate_access", "campusgate_refresh", "campusgate_kiosk"}
            _cookies[part] = [one for one in context.cookies() if one["name"] in kept]


def _sign_in(demonstration: RunningDemonstration, part: str) -> list[Any]:
    host = urlsplit(demonstration.server_url).hostname
    with open_client(demonstration, part) as client:
        # With the path that the server gave them: a renewed one must take the place of the one before.
        return [
            {"name": one.name, "value": one.value or "", "domain": host, "path": one.path, "sameSite": "Strict"}
            for one in client.cookies.jar
        ]


@contextmanager
def open_client(demonstration: RunningDemonstration, part: str) -> Iterator[httpx.Client]:
    """Sign in on the pages without a browser."""
    url = demonstration.server_url
    own = {"Origin": url, "Accept": "text/html", "Accept-Language": "en"}
    with httpx.Client(base_url=url, headers=own, timeout=_PATIENCE_S, follow_redirects=False) as client:
        if part == KIOSK:
            _expect_to_lead_on(client.post("/console/kiosk/pair", data={"token": demonstration.kiosk_token}))
        elif part != NOBODY:
            account = demonstration.accounts[part]
            form = {"number": account.number, "password": account.password}
            _expect_to_lead_on(client.post("/console/sign-in", data=form))
        yield client


def _expect_to_lead_on(answer: httpx.Response) -> None:
    if answer.status_code != httpx.codes.SEE_OTHER:
        answer.raise_for_status()
        raise httpx.HTTPStatusError(f"{answer.status_code}, not 303", request=answer.request, response=answer)
