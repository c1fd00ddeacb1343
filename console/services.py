"""What the pages work with and who looks at them. The rim puts `ConsoleServices` at `app.state.console`."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from accounts import sign_ins
from accounts.access_tokens import Claims
from accounts.people import AccountNotUsableError
from accounts.principals import Principal
from accounts.services import AccountsServices
from accounts.sign_in import RefreshRefusedError
from accounts.vocabulary import Role
from console import session
from console.session import Renewals
from database import Database, Sealer
from enrollment.services import EnrollmentServices
from operations.board import Board
from operations.order_desk import OrderDesk

STAFF = frozenset({Role.FACILITIES, Role.ADMIN})
REVIEWERS = frozenset({Role.REVIEWER, Role.ADMIN})

Names = Callable[[set[UUID]], Mapping[UUID, str]]


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """What the pages work with."""

    database: Database
    board: Board
    orders: OrderDesk
    sealer: Sealer = field(repr=False)
    """Opens the directory's records for the question why."""
    accounts: AccountsServices
    enrollment: EnrollmentServices
    renewals: Renewals
    names: Names
    """The names of people by id, for those who may see them."""
    now: Callable[[], datetime]
    told: Callable[[Mapping[str, int]], object]
    """Tells gates the revision of their zone's passages."""
    secure_cookies: bool
    """Send cookies over HTTPS only; off just for the demonstration on this machine."""


class SignInNeededError(Exception):
    """Nobody is signed in; the page to sign in is shown instead."""


class NewPasswordNeededError(Exception):
    """Somebody is signed in with a first password; the page to change it is shown instead."""


class NotAllowedError(Exception):
    """Somebody is signed in who has no business here."""


def _services(request: Request) -> ConsoleServices:
    services: ConsoleServices = request.app.state.console
    return services


ServicesDep = Annotated[ConsoleServices, Depends(_services)]


def renew(response: Response, refresh: str, services: ConsoleServices) -> Claims:
    """Exchange a refresh token, put what it gives into the browser's cookies, and return what it says.

    Raises:
        RefreshRefusedError, AccountNotUsableError: as `SignInDesk.refresh`.
    """
    tokens = services.renewals.renew(refresh, now=services.now())
    session.remember(response, tokens, secure=services.secure_cookies)
    return services.accounts.access_tokens.read(tokens.access_token, now=services.now())


def as_now(services: ConsoleServices, claims: Claims | None) -> Claims | None:
    """Return what a token says with the roles of this moment; None when the sign-in has ended since it was made."""
    if claims is None:
        return None
    with services.database.read() as database:
        roles = sign_ins.roles(database, claims.person_id, claims.sign_in_id, now=services.now())
    return None if roles is None else replace(claims, roles=roles)


def _signed_in_anyhow(request: Request, response: Response, services: ServicesDep) -> Claims:
    """Return who is signed in, renewing the access token when it has run out."""
    found = as_now(services, session.claims(request, services.accounts.access_tokens, now=services.now()))
    refresh = request.cookies.get(session.REFRESH_COOKIE)
    if found is None and refresh is not None:
        try:
            found = as_now(services, renew(response, refresh, services))
        except (RefreshRefusedError, AccountNotUsableError) as error:
            raise SignInNeededError from error
    if found is None:
        raise SignInNeededError
    request.state.claims = found
    return found


FirstDep = Annotated[Claims, Depends(_signed_in_anyhow)]
"""Anyone who is signed in, also with a first password: only to change it."""


def _signed_in(claims: FirstDep) -> Claims:
    if claims.must_change_password:
        raise NewPasswordNeededError
    return claims


SignedInDep = Annotated[Claims, Depends(_signed_in)]


async def _hashing_turn(services: ServicesDep) -> AsyncIterator[None]:
    async with services.accounts.hashing.take():
        yield


HASHING = Depends(_hashing_turn, scope="function")
"""For routes that hash a password, as `accounts.api.dependencies.HASHING`."""


def _staff(claims: SignedInDep) -> Claims:
    if not claims.roles & STAFF:
        raise NotAllowedError
    return claims


StaffDep = Annotated[Claims, Depends(_staff)]
"""A signed-in member of facilities staff."""


def principal(claims: Claims) -> Principal:
    """Return the same person as the services' APIs know them."""
    return Principal(claims.person_id, claims.sign_in_id, claims.roles)


def _holder(claims: SignedInDep) -> Principal:
    return principal(claims)


HolderDep = Annotated[Principal, Depends(_holder)]
"""Anyone who is signed in: everybody holds an account."""


def _reviewer(claims: SignedInDep) -> Principal:
    if not claims.roles & REVIEWERS:
        raise NotAllowedError
    return principal(claims)


ReviewerDep = Annotated[Principal, Depends(_reviewer)]
"""A signed-in reviewer."""
