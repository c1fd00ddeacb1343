"""What the pages work with and who looks at them. The rim puts `ConsoleServices` at `app.state.console`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from accounts.access_tokens import AccessTokens, Claims
from accounts.people import AccountNotUsableError
from accounts.sign_in import RefreshRefusedError, SignInDesk
from accounts.vocabulary import Role
from console import session
from console.session import Renewals
from database import Database, Sealer
from operations.board import Board
from operations.order_desk import OrderDesk

_STAFF = frozenset({Role.FACILITIES, Role.ADMIN})

Names = Callable[[set[UUID]], Mapping[UUID, str]]


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """What the pages work with."""

    database: Database
    board: Board
    orders: OrderDesk
    sealer: Sealer = field(repr=False)
    """Opens the directory's records for the question why."""
    tokens: AccessTokens
    desk: SignInDesk
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


class NotAllowedError(Exception):
    """Somebody is signed in who has no business here."""


def _services(request: Request) -> ConsoleServices:
    services: ConsoleServices = request.app.state.console
    return services


ServicesDep = Annotated[ConsoleServices, Depends(_services)]


def _staff(request: Request, response: Response, services: ServicesDep) -> Claims:
    """Return who is signed in, renewing the access token when it has run out."""
    found = session.claims(request, services.tokens, now=services.now())
    refresh = request.cookies.get(session.REFRESH_COOKIE)
    if found is None and refresh is not None:
        try:
            tokens = services.renewals.renew(refresh, now=services.now())
        except (RefreshRefusedError, AccountNotUsableError) as error:
            raise SignInNeededError from error
        session.remember(response, tokens, secure=services.secure_cookies)
        found = services.tokens.read(tokens.access_token, now=services.now())
    if found is None:
        raise SignInNeededError
    if not found.roles & _STAFF or found.must_change_password:
        raise NotAllowedError
    return found


StaffDep = Annotated[Claims, Depends(_staff)]
"""A signed-in member of facilities staff."""
