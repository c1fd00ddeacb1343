"""What routes ask for: the services, and who is calling.

A transaction is opened inside the route (`with services.database.begin() as session`), not by a dependency: a
dependency holds the write lock while the route still waits for a worker thread, and enough waiting requests would then
stand in each other's way until they time out.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2PasswordBearer

from accounts.cards.identity import VISIBLE
from accounts.passwords import PasswordChangeRequiredError
from accounts.people import authority
from accounts.principals import DevicePrincipal, Principal
from accounts.services import AccountsServices
from accounts.sign_in.access_tokens import NotSignedInError
from accounts.vocabulary import DeviceRole, Role
from database import Database
from web.app_state import from_state
from web.problems import ProblemError

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class RoleRequiredError(ProblemError):
    """The signed-in person does not have the role this needs."""

    code = "role_required"
    status = 403
    title = "Your roles do not allow this"


class NoDeviceError(ProblemError):
    """The device token is missing, revoked, or wrong."""

    code = "not_a_device"
    status = 401
    title = "A valid device token is needed"


class DeviceRoleRequiredError(ProblemError):
    """This device's role does not allow this."""

    code = "device_role_required"
    status = 403
    title = "This device's role does not allow this"


ServicesDep = Annotated[AccountsServices, Depends(from_state("accounts", AccountsServices))]


async def _database(services: ServicesDep) -> Database:
    return services.database


async def _now(services: ServicesDep) -> datetime:
    return services.clock()


async def _hashing_turn(services: ServicesDep) -> AsyncIterator[None]:
    async with services.hashing.slot():
        yield


async def _asking_turn(services: ServicesDep) -> AsyncIterator[None]:
    async with services.asking.slot():
        yield


ASKING = Depends(_asking_turn, scope="function")
"""For routes that ask an identity provider: each holds a thread until it answers, so only a few may at once."""

HASHING = Depends(_hashing_turn, scope="function")
"""For routes that hash a password: whoever waits for a turn holds no thread that a gate could need."""

DatabaseDep = Annotated[Database, Depends(_database)]
NowDep = Annotated[datetime, Depends(_now)]

_person_scheme = OAuth2PasswordBearer(
    tokenUrl="/api/v1/tokens", refreshUrl="/api/v1/tokens", scheme_name="person", auto_error=False
)
_device_scheme = HTTPBearer(
    scheme_name="device", description="A device token, made by `campusgate devices add`.", auto_error=False
)


async def _signed_in_anyhow(
    services: ServicesDep, now: NowDep, token: Annotated[str | None, Security(_person_scheme)]
) -> tuple[Principal, bool]:
    if token is None:
        raise NotSignedInError(headers=_CHALLENGE)
    try:
        claims = services.access_tokens.read(token, now=now)
    except NotSignedInError as error:
        raise NotSignedInError(error.detail, headers=_CHALLENGE) from error
    running = await services.running_sign_ins.get((claims.person_id, claims.sign_in_id))
    roles = None if running is None else running.roles_at(now)
    if roles is None:
        raise NotSignedInError("this sign-in has ended; sign in again", headers=_CHALLENGE)
    return Principal(claims.person_id, claims.sign_in_id, roles), claims.must_change_password


async def _with_any_password(found: Annotated[tuple[Principal, bool], Depends(_signed_in_anyhow)]) -> Principal:
    return found[0]


async def _signed_in(found: Annotated[tuple[Principal, bool], Depends(_signed_in_anyhow)]) -> Principal:
    principal, must_change_password = found
    if must_change_password:
        raise PasswordChangeRequiredError("PUT /api/v1/me/passwords/portal", purpose="portal")
    return principal


PrincipalDep = Annotated[Principal, Depends(_signed_in)]
"""Anyone who is signed in and has a password of their own."""

FirstPrincipalDep = Annotated[Principal, Depends(_with_any_password)]
"""Anyone who is signed in, also with a first password; only for changing it and signing out."""


def require_role(*roles: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that lets through people with any of `roles`."""

    async def check(principal: PrincipalDep) -> Principal:
        if not principal.roles & set(roles):
            raise RoleRequiredError(needed=sorted(roles))
        return principal

    return check


def require_device(*roles: DeviceRole) -> Callable[..., Awaitable[DevicePrincipal]]:
    """Return a dependency that lets through devices with any of `roles` (any device when none is named)."""

    async def check(
        services: ServicesDep, found: Annotated[HTTPAuthorizationCredentials | None, Security(_device_scheme)]
    ) -> DevicePrincipal:
        device = None if found is None else await services.devices_by_token.get(found.credentials)
        if device is None:
            raise NoDeviceError(headers=_CHALLENGE)
        if roles and device.role not in roles:
            raise DeviceRoleRequiredError(needed=sorted(roles))
        return device

    return check


AdminDep = Annotated[Principal, Depends(require_role(Role.ADMIN))]
CashierDep = Annotated[Principal, Depends(require_role(Role.CASHIER, Role.ADMIN))]
ReviewerDep = Annotated[Principal, Depends(require_role(Role.REVIEWER, Role.ADMIN))]
FacilitiesDep = Annotated[Principal, Depends(require_role(Role.FACILITIES, Role.ADMIN))]
IdentifyingDep = Annotated[DevicePrincipal, Depends(require_device(*VISIBLE))]
TerminalDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.TERMINAL))]
PayingDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.TERMINAL, DeviceRole.METER))]
DeskDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.DESK))]
KioskDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.KIOSK))]
GateDeviceDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.EDGE, DeviceRole.CONTROLLER))]
MeterDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.METER))]
RadiusDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.RADIUS))]

PERSON_ERRORS = (NotSignedInError, PasswordChangeRequiredError)
ROLE_ERRORS = (*PERSON_ERRORS, RoleRequiredError)
OVER_ERRORS = (*ROLE_ERRORS, *authority.ERRORS)
"""Of routes on which staff change what belongs to a person; see `accounts.people.authority`."""
DEVICE_ERRORS = (NoDeviceError, DeviceRoleRequiredError)
