"""Signing in on the pages: the API's own tokens, kept in cookies that no script can read and no other site can send."""

from datetime import datetime
from enum import StrEnum

from fastapi import Request, Response
from starlette.datastructures import URL

from accounts.sign_in.access_tokens import AccessTokens, Claims, NotSignedInError
from accounts.sign_in.service import Tokens

ACCESS_COOKIE = "campusgate_access"
REFRESH_COOKIE = "campusgate_refresh"
DEVICE_COOKIE = "campusgate_device"
"""Says that its person signed in here before; it stays after signing out, and opens nothing."""
PATH = "/console"
_YEAR_S = 31_536_000


class LostCookies(StrEnum):
    """Why a browser may have kept no cookies; each has its words, as a problem."""

    UNENCRYPTED = "cookies_unencrypted"
    """The address is neither HTTPS nor this machine."""
    BLOCKED = "cookies_blocked"


def set_cookies(response: Response, tokens: Tokens, *, secure: bool) -> None:
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


def explain_lost(request: Request, *, secure: bool) -> LostCookies:
    """Return why the cookies of an answer to `request` are lost, if they are: only the browser's next request tells.

    `Origin` is the address as the browser sees it, whatever a proxy in front made of the scheme.
    """
    is_plain = URL(request.headers.get("origin", "")).scheme == "http"
    return LostCookies.UNENCRYPTED if secure and is_plain else LostCookies.BLOCKED


def clear_cookies(response: Response) -> None:
    """Take the cookies away."""
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.delete_cookie(name, path=PATH, httponly=True, samesite="strict")


def read_claims(request: Request, tokens: AccessTokens, *, now: datetime) -> Claims | None:
    """Return what the browser's access token says, or None when there is none that is good now."""
    cookie = request.cookies.get(ACCESS_COOKIE)
    if cookie is None:
        return None
    try:
        return tokens.read(cookie, now=now)
    except NotSignedInError:
        return None
