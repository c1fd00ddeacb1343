"""Signing in on the pages: the API's own tokens, kept in cookies that no script can read and no other site can send."""

from datetime import datetime

from fastapi import Request, Response

from accounts.access_tokens import AccessTokens, Claims, NotSignedInError
from accounts.sign_in import Tokens

ACCESS_COOKIE = "campusgate_access"
REFRESH_COOKIE = "campusgate_refresh"
_PATH = "/console"


def remember(response: Response, tokens: Tokens, *, secure: bool) -> None:
    """Put the tokens into the browser's cookies."""
    for name, value in ((ACCESS_COOKIE, tokens.access_token), (REFRESH_COOKIE, tokens.refresh_token)):
        response.set_cookie(name, value, path=_PATH, httponly=True, samesite="strict", secure=secure)


def forget(response: Response) -> None:
    """Take the cookies away."""
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.delete_cookie(name, path=_PATH, httponly=True, samesite="strict")


def claims(request: Request, tokens: AccessTokens, *, now: datetime) -> Claims | None:
    """Return what the browser's access token says, or None when there is none that is good now."""
    cookie = request.cookies.get(ACCESS_COOKIE)
    if cookie is None:
        return None
    try:
        return tokens.read(cookie, now=now)
    except NotSignedInError:
        return None
