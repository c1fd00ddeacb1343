"""Sign-in of staff through the university's identity provider, as a browser goes through it.

The attempt's state stays in the browser's cookie while it is away: an answer that another browser asked for is refused.
"""

import hmac
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from accounts.people import AccountNotUsableError
from accounts.sign_in.service import Tokens
from accounts.sign_in.staff_sign_in import LIFETIME, StaffSignInRefusedError
from console import sign_in_cookies
from console.dependencies import ServicesDep
from console.pages.sign_in import LOST, render_sign_in
from console.rendering import path_to, render_page
from console.return_addresses import NEXT, read_return_address, with_return_address
from console.services import ConsoleServices
from console.sign_in_cookies import LostCookies
from web.client_address import NetworkDep
from web.problems import ProblemError

router = APIRouter(prefix="/console/staff-sign-in", include_in_schema=False)

STATE_COOKIE = "campusgate_state"
NEXT_COOKIE = "campusgate_next"
"""The page that was asked for, kept while the browser is away."""

Brought = Annotated[str, Query(max_length=2000)]


@router.get("", name="console_staff_sign_in")
def begin(request: Request, services: ServicesDep) -> Response:
    """Send the browser to the identity provider.

    A link and no form: a browser follows no form to another site's address.
    """
    try:
        address, state = services.accounts.staff_sign_in.begin(now=services.now())
    except ProblemError as error:
        return _refuse(request, services, error)
    answer = RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
    wanted = read_return_address(request, request.query_params.get(NEXT, ""))
    for name, value in ((STATE_COOKIE, state), (NEXT_COOKIE, quote(wanted or "", safe=""))):
        answer.set_cookie(
            name,
            value,
            path=path_to(request, "console_staff_sign_in"),
            max_age=round(LIFETIME.total_seconds()),
            httponly=True,
            # The browser comes back from another site.
            samesite="lax",
            secure=services.secure_cookies,
        )
    return answer


@router.get("/complete", name="console_staff_sign_in_complete")
def complete(
    request: Request, services: ServicesDep, network: NetworkDep, state: Brought = "", code: Brought = ""
) -> Response:
    """Take what the browser brought back, and lead on."""
    try:
        tokens = _complete(request, services, network, state=state, code=code)
    except ProblemError as error:
        return _refuse(request, services, error)
    # The strict cookies of the sign-in go with no redirect that began at another site: the page leads on by itself.
    wanted = read_return_address(request, unquote(request.cookies.get(NEXT_COOKIE, "")))
    home = with_return_address(path_to(request, "home"), wanted, **{LOST: LostCookies.BLOCKED})
    answer = render_page(request, "signed_in.html", home=home)
    sign_in_cookies.set_cookies(answer, tokens, secure=services.secure_cookies)
    return _forget_state(request, answer)


def _complete(request: Request, services: ConsoleServices, network: str, *, state: str, code: str) -> Tokens:
    kept = request.cookies.get(STATE_COOKIE, "")
    if not state or not hmac.compare_digest(kept.encode(), state.encode()):
        raise StaffSignInRefusedError("this browser did not begin this sign-in")
    accounts, now = services.accounts, services.now()
    accounts.guesses.count_try(network, now)
    tokens = accounts.staff_sign_in.complete(state, code, now=now)
    accounts.guesses.forgive_try(network, now)
    return tokens


def _refuse(request: Request, services: ConsoleServices, error: ProblemError) -> Response:
    status = 400 if isinstance(error, StaffSignInRefusedError | AccountNotUsableError) else error.status
    page = render_sign_in(request, services, status=status, problem=f"problem.{error.code}", number="")
    return _forget_state(request, page)


def _forget_state(request: Request, answer: Response) -> Response:
    for name in (STATE_COOKIE, NEXT_COOKIE):
        answer.delete_cookie(name, path=path_to(request, "console_staff_sign_in"), httponly=True, samesite="lax")
    return answer
