"""Sign-in through an identity provider of the university, as a browser goes through it.

The attempt's state stays in the browser's cookie while it is away: an answer that another browser asked for is refused.
"""

import hmac
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from accounts.people import AccountNotUsableError
from accounts.sign_in.identity_providers import Answer, ProviderRefusedError
from accounts.sign_in.provider_sign_in import LIFETIME
from accounts.sign_in.service import Tokens
from console import sign_in_cookies
from console.dependencies import ASKING, ServicesDep
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


@router.get("", name="console_staff_sign_in", dependencies=[ASKING])
def begin(request: Request, services: ServicesDep, provider: Brought = "") -> Response:
    """Send the browser to an identity provider.

    A link and no form: a browser follows no form to another site's address.
    """
    try:
        browser = request.headers.get("user-agent", "")
        address, state = services.accounts.provider_sign_in.begin(provider, browser=browser, now=services.now())
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


@router.get("/complete", name="console_staff_sign_in_complete", dependencies=[ASKING])
def complete(
    request: Request,
    services: ServicesDep,
    network: NetworkDep,
    *,
    state: Brought = "",
    code: Brought = "",
    iss: Brought | None = None,
) -> Response:
    """Take what the browser brought back, and lead on."""
    return _finish(request, services, network, state=state, answer=Answer(code, iss))


@router.get("/complete/{state}", name="console_staff_sign_in_ticket", dependencies=[ASKING])
def complete_with_ticket(
    request: Request,
    services: ServicesDep,
    network: NetworkDep,
    *,
    state: Annotated[str, Path(max_length=200)],
    ticket: Brought = "",
) -> Response:
    """Take the ticket of CAS that the browser brought back, and lead on."""
    return _finish(request, services, network, state=state, answer=Answer(ticket))


def _finish(request: Request, services: ConsoleServices, network: str, *, state: str, answer: Answer) -> Response:
    try:
        tokens = _complete(request, services, network, state=state, answer=answer)
    except ProblemError as error:
        return _refuse(request, services, error)
    # The strict cookies of the sign-in go with no redirect that began at another site: the page leads on by itself.
    wanted = read_return_address(request, unquote(request.cookies.get(NEXT_COOKIE, "")))
    home = with_return_address(path_to(request, "home"), wanted, **{LOST: LostCookies.BLOCKED})
    page = render_page(request, "signed_in.html", home=home)
    sign_in_cookies.set_cookies(page, tokens, secure=services.secure_cookies)
    return _forget_state(request, page)


def _complete(request: Request, services: ConsoleServices, network: str, *, state: str, answer: Answer) -> Tokens:
    kept = request.cookies.get(STATE_COOKIE, "")
    if not state or not hmac.compare_digest(kept.encode(), state.encode()):
        raise ProviderRefusedError("this browser did not begin this sign-in")
    accounts, now = services.accounts, services.now()
    accounts.guesses.count_try(network, now)
    tokens = accounts.provider_sign_in.complete(state, answer, now=now)
    accounts.guesses.forgive_try(network, now)
    return tokens


def _refuse(request: Request, services: ConsoleServices, error: ProblemError) -> Response:
    status = 400 if isinstance(error, ProviderRefusedError | AccountNotUsableError) else error.status
    page = render_sign_in(request, services, status=status, problem=f"problem.{error.code}", number="")
    return _forget_state(request, page)


def _forget_state(request: Request, answer: Response) -> Response:
    for name in (STATE_COOKIE, NEXT_COOKIE):
        answer.delete_cookie(name, path=path_to(request, "console_staff_sign_in"), httponly=True, samesite="lax")
    return answer
