"""Which form a desk's card reader types numbers in: this browser remembers it, for the reader is plugged in there."""

from fastapi import Request, Response

from accounts.cards.uid_forms import UidForm
from console import sign_in_cookies

_COOKIE = "campusgate_reader"
_YEAR_S = 31_536_000


def form_of(request: Request) -> UidForm:
    """Return the form that was chosen on this machine; hexadecimal where none was."""
    chosen = request.cookies.get(_COOKIE)
    return UidForm(chosen) if chosen in set(UidForm) else UidForm.HEXADECIMAL


def remember(response: Response, form: UidForm) -> None:
    """Let the browser keep the choice; it is no secret."""
    response.set_cookie(_COOKIE, form.value, path=sign_in_cookies.PATH, max_age=_YEAR_S, samesite="strict")
