"""Signing in and out, changing a first password, choosing the language."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from accounts import passwords, people
from accounts.own_passwords import change_own_password
from accounts.people import AccountNotUsableError
from accounts.sign_in.access_tokens import Claims
from accounts.sign_in.service import Origin
from accounts.vocabulary import PasswordPurpose
from console import sign_in_cookies
from console.dependencies import (
    HASHING,
    AnyPasswordDep,
    ServicesDep,
    SignedInDep,
    SignInNeededError,
    principal_of,
    renew_sign_in,
)
from console.navigation import areas_for
from console.problem_pages import wants_page
from console.rendering import LANGUAGE_COOKIE, language_of, lead_to, path_to, render_page
from console.return_addresses import LONGEST, NEXT, find_return_address, read_return_address, with_return_address
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from web.client_address import NetworkDep
from web.problems import ProblemError
from web.rate_limits import TooManyTriesError

entrance = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/console", include_in_schema=False)

_YEAR_S = 31_536_000
LOST = "lost"
_FORM = "form"

Secret = Annotated[str, Form(min_length=1, max_length=128)]


@entrance.get("/", name="entrance", response_class=RedirectResponse)
@entrance.get("/console", name="console_entrance", response_class=RedirectResponse)
def enter(request: Request) -> Response:
    """Lead whoever types only the server's name to the pages."""
    return RedirectResponse(path_to(request, "home"), status_code=303)


@router.get("/", response_class=RedirectResponse)
def home(request: Request, claims: SignedInDep) -> Response:
    """Lead everybody to the page that they asked for before they signed in, or else to the one that is theirs."""
    wanted = read_return_address(request, request.query_params.get(NEXT, ""))
    own = path_to(request, areas_for(claims.roles)[0].pages[0].route)
    return lead_to(request, wanted or own)


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(request: Request, services: ServicesDep, lost: str | None = None) -> HTMLResponse:
    """Show the form; `lost` says why a sign-in that was right came to nothing, or that a form did."""
    problem: str | None
    if lost == _FORM:
        problem = "signing.form_lost"
    else:
        problem = f"problem.{lost}" if lost in set(sign_in_cookies.LostCookies) else None
    return render_sign_in(request, services, problem=problem, number="", wanted=request.query_params.get(NEXT, ""))


@router.post("/sign-in", name="console_sign_in", dependencies=[HASHING])
def sign_in(
    request: Request,
    services: ServicesDep,
    network: NetworkDep,
    _same_origin: SameOriginDep,
    *,
    number: Annotated[str, Form(max_length=32)],
    password: Annotated[str, Form(max_length=128)],
    wanted: Annotated[str, Form(alias=NEXT, max_length=LONGEST)] = "",
) -> Response:
    """Sign in with number and password, and lead to the page `next`.

    A script that asks for JSON gets no page, but the cookies.
    """
    is_script = request.headers.get("accept", "").startswith("application/json")
    try:
        origin = Origin(network, request.cookies.get(sign_in_cookies.DEVICE_COOKIE))
        tokens = services.accounts.sign_in.with_password(number, password, origin=origin, now=services.now())
    except ProblemError as error:
        if is_script:
            raise
        known = (AccountNotUsableError, TooManyTriesError)
        problem = f"problem.{error.code}" if isinstance(error, known) else "sign_in_failed"
        return render_sign_in(request, services, status=403, problem=problem, number=number, wanted=wanted)
    if not is_script:
        lost = sign_in_cookies.explain_lost(request, secure=services.secure_cookies)
        home_page = with_return_address(path_to(request, "home"), read_return_address(request, wanted), **{LOST: lost})
        answer: Response = RedirectResponse(home_page, status_code=303)
    else:
        answer = Response(status_code=204)
    sign_in_cookies.set_cookies(answer, tokens, secure=services.secure_cookies)
    return answer


@router.post("/sign-out", name="console_sign_out")
def sign_out(request: Request, services: ServicesDep, _same_origin: SameOriginDep) -> Response:
    """End the session, also at the server."""
    for cookie in (sign_in_cookies.REFRESH_COOKIE, sign_in_cookies.ACCESS_COOKIE):
        if (token := request.cookies.get(cookie)) is not None:
            services.accounts.sign_in.end(token, now=services.now())
    response = RedirectResponse(path_to(request, "sign_in_page"), status_code=303)
    sign_in_cookies.clear_cookies(response)
    return response


@router.get("/password", response_class=HTMLResponse)
def password_page(request: Request, claims: AnyPasswordDep, services: ServicesDep) -> HTMLResponse:
    """Show the form to change the portal's password."""
    return _render_password(request, claims, services, problem=None)


@router.post("/password", name="console_password", dependencies=[HASHING])
def new_password(
    request: Request,
    claims: AnyPasswordDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    current: Secret,
    new: Secret,
    repeated: Secret,
) -> Response:
    """Change the portal's password. Every other sign-in of the person ends; this one goes on with new tokens."""
    problem = None if new == repeated else "password_page.differs"
    if problem is None:
        try:
            change_own_password(
                services.accounts,
                principal_of(claims),
                PasswordPurpose.PORTAL,
                current=current,
                new=new,
                now=services.now(),
            )
        except (passwords.PasswordWrongError, passwords.PasswordLockedError, passwords.WeakPasswordError) as error:
            problem = f"problem.{error.code}"
    if problem is not None:
        return _render_password(request, claims, services, problem=problem, status=422)
    answer = RedirectResponse(path_to(request, "home"), status_code=303)
    refresh = request.cookies.get(sign_in_cookies.REFRESH_COOKIE)
    if refresh is None:
        raise SignInNeededError
    # Also after a renewal on the way here: its tokens still say that the password is a first one.
    renew_sign_in(answer, refresh, services)
    return answer


@router.post("/language", name="console_language")
def choose_language(
    request: Request,
    _same_origin: SameOriginDep,
    lang: Annotated[Literal["zh", "en"], Form()],
    back: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Remember the reader's language, and go back to where they were."""
    home_page = path_to(request, "home")
    response = RedirectResponse(back if back.startswith(home_page) else home_page, status_code=303)
    # No secret: it is kept also where the connection is not encrypted, and a sign-in is not.
    response.set_cookie(LANGUAGE_COOKIE, lang, path=sign_in_cookies.PATH, max_age=_YEAR_S, samesite="strict")
    return response


async def ask_to_sign_in(request: Request, _error: Exception) -> Response:
    """Lead a reader to the form; tell a script that nobody is signed in."""
    if wants_page(request):
        # Who comes straight from signing in, and is not signed in, has lost the cookies on the way.
        lost = request.query_params.get(LOST) if request.method == "GET" else _FORM
        known = {LOST: lost} if lost is not None and lost in {_FORM, *sign_in_cookies.LostCookies} else {}
        address = with_return_address(path_to(request, "sign_in_page"), find_return_address(request), **known)
        response: Response = RedirectResponse(address, status_code=303)
    else:
        response = Response(status_code=401)
    sign_in_cookies.clear_cookies(response)
    return response


async def ask_for_password(request: Request, _error: Exception) -> Response:
    """Lead a reader with a first password to the form for a new one."""
    if wants_page(request):
        return RedirectResponse(path_to(request, "password_page"), status_code=303)
    return Response(status_code=403)


async def refuse(request: Request, _error: Exception) -> Response:
    """Say that a page is for others, and where one's own is."""
    return await run_in_threadpool(render_page, request, "refused.html", status=403)


def render_sign_in(request: Request, services: ConsoleServices, *, wanted: str = "", **more: Any) -> HTMLResponse:
    """Return the page to sign in, and to go on at `wanted`; `more` are its `problem`, its `number` and the status."""
    return render_page(
        request,
        "sign_in.html",
        wanted=read_return_address(request, wanted),
        needs_https=services.secure_cookies,
        card_centre=services.card_centre.get(language_of(request)),
        providers=list(services.accounts.identity_providers),
        **more,
    )


def _render_password(
    request: Request, claims: Claims, services: ConsoleServices, *, problem: str | None, **more: Any
) -> HTMLResponse:
    with services.database.read() as session:
        number = people.get(session, claims.person_id).number
    is_first = claims.must_change_password
    return render_page(request, "password.html", number=number, problem=problem, is_first=is_first, **more)
