"""Who looks at a page, and what they may see. The rim puts `ConsoleServices` at `app.state.console`."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from accounts.payments.services import MoneyServices
from accounts.people import AccountNotUsableError
from accounts.principals import DevicePrincipal, Principal
from accounts.sign_in.access_tokens import Claims
from accounts.sign_in.service import RefreshRefusedError
from accounts.vocabulary import DeviceRole, Role
from console import kiosk_cookies, sign_in_cookies
from console.live.feed import Feed
from console.services import ConsoleServices
from integrations.library_fines.payments import FineServices
from metering.services import MeteringServices
from web.problems import NotFoundError

STAFF = frozenset({Role.FACILITIES, Role.ADMIN})
REVIEWERS = frozenset({Role.REVIEWER, Role.ADMIN})
CASHIERS = frozenset({Role.CASHIER, Role.ADMIN})
SAME_MOMENT = timedelta(seconds=30)
"""Windows whose tokens ended together ask within this of each other, also over a slow connection."""


class SignInNeededError(Exception):
    """Nobody is signed in; the page to sign in is shown instead."""


class NewPasswordNeededError(Exception):
    """Somebody is signed in with a first password; the page to change it is shown instead."""


class NotAllowedError(Exception):
    """Somebody is signed in who has no business here."""


class KioskNotPairedError(Exception):
    """This browser is no kiosk's, or its kiosk's token was revoked or replaced."""


async def _find_services(request: Request) -> ConsoleServices:
    services: ConsoleServices = request.app.state.console
    return services


ServicesDep = Annotated[ConsoleServices, Depends(_find_services)]


async def _find_metering(services: ServicesDep) -> MeteringServices:
    return services.metering


MeteringDep = Annotated[MeteringServices, Depends(_find_metering)]


async def _find_feed(request: Request) -> Feed:
    feed: Feed = request.app.state.console_feed
    return feed


FeedDep = Annotated[Feed, Depends(_find_feed)]


def renew_sign_in(response: Response, refresh: str, services: ConsoleServices) -> Claims:
    """Exchange a refresh token, put what it gives into the browser's cookies, and return what it says.

    All windows of a browser share one refresh token, and their live streams end together with the access token.

    Raises:
        RefreshRefusedError, AccountNotUsableError: as `SignInService.refresh`.
    """
    tokens = services.accounts.sign_in.refresh(refresh, now=services.now(), grace=SAME_MOMENT)
    sign_in_cookies.set_cookies(response, tokens, secure=services.secure_cookies)
    return services.accounts.access_tokens.read(tokens.access_token, now=services.now())


async def _with_current_roles(services: ConsoleServices, claims: Claims | None) -> Claims | None:
    """Return what a token says with the roles of this moment; None when the sign-in has ended since it was made."""
    if claims is None:
        return None
    running = await services.accounts.running_sign_ins.get((claims.person_id, claims.sign_in_id))
    roles = None if running is None else running.roles_at(services.now())
    return None if roles is None else replace(claims, roles=roles)


async def _require_any_password(request: Request, response: Response, services: ServicesDep) -> Claims:
    """Return who is signed in, renewing the access token when it has run out."""
    found = await _with_current_roles(
        services, sign_in_cookies.read_claims(request, services.accounts.access_tokens, now=services.now())
    )
    refresh = request.cookies.get(sign_in_cookies.REFRESH_COOKIE)
    if found is None and refresh is not None:
        try:
            renewed = await run_in_threadpool(renew_sign_in, response, refresh, services)
            found = await _with_current_roles(services, renewed)
            request.state.renewed = response
        except (RefreshRefusedError, AccountNotUsableError) as error:
            raise SignInNeededError from error
    if found is None:
        raise SignInNeededError
    request.state.claims = found
    return found


AnyPasswordDep = Annotated[Claims, Depends(_require_any_password)]
"""Anyone who is signed in, also with a first password: only to change it."""


async def _require_signed_in(claims: AnyPasswordDep) -> Claims:
    if claims.must_change_password:
        raise NewPasswordNeededError
    return claims


SignedInDep = Annotated[Claims, Depends(_require_signed_in)]


async def _wait_for_hashing(services: ServicesDep) -> AsyncIterator[None]:
    async with services.accounts.hashing.slot():
        yield


HASHING = Depends(_wait_for_hashing, scope="function")
"""For routes that hash a password, as `accounts.api.dependencies.HASHING`."""


async def _wait_for_asking(services: ServicesDep) -> AsyncIterator[None]:
    async with services.accounts.asking.slot():
        yield


ASKING = Depends(_wait_for_asking, scope="function")
"""For routes that ask an identity provider, as `accounts.api.dependencies.ASKING`."""


async def _require_staff(claims: SignedInDep) -> Claims:
    if not claims.roles & STAFF:
        raise NotAllowedError
    return claims


StaffDep = Annotated[Claims, Depends(_require_staff)]
"""A signed-in member of facilities staff."""


async def _require_admin(claims: SignedInDep) -> Principal:
    if Role.ADMIN not in claims.roles:
        raise NotAllowedError
    return principal_of(claims)


AdminDep = Annotated[Principal, Depends(_require_admin)]
"""A signed-in administrator."""


def principal_of(claims: Claims) -> Principal:
    """Return the same person as the services' APIs know them."""
    return Principal(claims.person_id, claims.sign_in_id, claims.roles)


async def _require_holder(claims: SignedInDep) -> Principal:
    return principal_of(claims)


HolderDep = Annotated[Principal, Depends(_require_holder)]
"""Anyone who is signed in: everybody holds an account."""


async def _require_reviewer(claims: SignedInDep) -> Principal:
    if not claims.roles & REVIEWERS:
        raise NotAllowedError
    return principal_of(claims)


ReviewerDep = Annotated[Principal, Depends(_require_reviewer)]
"""A signed-in reviewer."""


async def _require_cashier(claims: SignedInDep) -> Principal:
    if not claims.roles & CASHIERS:
        raise NotAllowedError
    return principal_of(claims)


CashierDep = Annotated[Principal, Depends(_require_cashier)]
"""A signed-in cashier."""


async def _find_money(services: ServicesDep) -> MoneyServices:
    return services.money


MoneyDep = Annotated[MoneyServices, Depends(_find_money)]


async def _require_kiosk(request: Request, services: ServicesDep) -> DevicePrincipal:
    token, _ = kiosk_cookies.read_device(request)
    device = await services.accounts.devices_by_token.get(token)
    if device is None or device.role is not DeviceRole.KIOSK:
        raise KioskNotPairedError
    return device


KioskDep = Annotated[DevicePrincipal, Depends(_require_kiosk)]
"""The kiosk that this browser is paired with; its token is looked up at each request, so revoking it counts at once."""


async def _find_fines(services: ServicesDep) -> FineServices:
    if services.fines is None:
        raise NotFoundError("this campus has set no library's system")
    return services.fines


FinesDep = Annotated[FineServices, Depends(_find_fines)]
"""What library fines are paid with."""
