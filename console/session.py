"""Signing in on the pages: the API's own tokens, kept in cookies that no script can read and no other site can send."""

import hashlib
import threading
from datetime import datetime, timedelta
from enum import StrEnum

from fastapi import Request, Response
from starlette.datastructures import URL

from accounts.access_tokens import AccessTokens, Claims, NotSignedInError
from accounts.sign_in import SignInDesk, Tokens

ACCESS_COOKIE = "campusgate_access"
REFRESH_COOKIE = "campusgate_refresh"
DEVICE_COOKIE = "campusgate_device"
"""Says that its person signed in here before; it stays after signing out, and opens nothing."""
PATH = "/console"
_YEAR_S = 31_536_000
_SAME_MOMENT = timedelta(seconds=30)


class Lost(StrEnum):
    """Why a browser may have kept no cookies; each has its words, as a problem."""

    UNENCRYPTED = "cookies_unencrypted"
    """The address is neither HTTPS nor this machine."""
    BLOCKED = "cookies_blocked"


class Renewals:
    """Renews sign-ins once, however many windows of a browser ask at the same moment.

    All windows share one refresh token, and their live streams end together with the access token. To the accounts, the
    second use of a refresh token is a theft and ends the sign-in; so whoever comes within moments of the first gets
    what the first got.
    """

    def __init__(self, desk: SignInDesk) -> None:
        """Take the desk that renews."""
        self._desk = desk
        self._lock = threading.Lock()
        self._recent: dict[bytes, tuple[datetime, Tokens]] = {}

    def renew(self, token: str, *, now: datetime) -> Tokens:
        """Return new tokens for a refresh token.

        Raises:
            RefreshRefusedError, AccountNotUsableError: as `SignInDesk.refresh`.
        """
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            self._recent = {one: kept for one, kept in self._recent.items() if now - kept[0] < _SAME_MOMENT}
            if key not in self._recent:
                self._recent[key] = (now, self._desk.refresh(token, now=now))
            return self._recent[key][1]

    def newest(self, token: str) -> str:
        """Return the refresh token that took the place of `token` moments ago, or `token` itself."""
        with self._lock:
            kept = self._recent.get(hashlib.sha256(token.encode()).digest())
        return token if kept is None else kept[1].refresh_token


def remember(response: Response, tokens: Tokens, *, secure: bool) -> None:
    """Put the tokens into the browser's cookies."""
    for name, value in ((ACCESS_COOKIE, tokens.access_token), (REFRESH_COOKIE, tokens.refresh_token)):
        response.set_cookie(name, value, path=PATH, httponly=True, samesite="strict", secure=secure)
    if tokens.device is not None:
        response.set_cookie(
            DEVICE_COOKIE,
            tokens.device,
            path=PATH,
            max_age=_YEAR_S,
            httponly=True,
            samesite="strict",
            secure=secure,
        )


def if_lost(request: Request, *, secure: bool) -> Lost:
    """Return why the cookies of an answer to `request` are lost, if they are: only the browser's next request tells.

    `Origin` is the address as the browser sees it, whatever a proxy in front made of the scheme.
    """
    is_plain = URL(request.headers.get("origin", "")).scheme == "http"
    return Lost.UNENCRYPTED if secure and is_plain else Lost.BLOCKED


def forget(response: Response) -> None:
    """Take the cookies away."""
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.delete_cookie(name, path=PATH, httponly=True, samesite="strict")


def claims(request: Request, tokens: AccessTokens, *, now: datetime) -> Claims | None:
    """Return what the browser's access token says, or None when there is none that is good now."""
    cookie = request.cookies.get(ACCESS_COOKIE)
    if cookie is None:
        return None
    try:
        return tokens.read(cookie, now=now)
    except NotSignedInError:
        return None
