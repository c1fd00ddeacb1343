"""Setting up the computer of a gate with a code: made by staff at the server, used once, soon out of date.

What a code gives is decided when it is used: tokens of the gate's devices are made then, and the controller's key is
trusted from then on. The passwords of the gate's users at the broker, which the server never sees again, lie in the
database sealed under the code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from access.gate_setup import (
    BrokerUser,
    DeviceAccess,
    GateAccess,
    SetupCode,
    SetupSealError,
    digest,
    open_request,
    open_under_code,
    seal_answer,
    seal_under_code,
)
from accounts import audit, devices
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from database import Database
from directory.tables import GateSetupCode
from messages import controller_sender
from messages.keys import KeyFileError, parse_trusted_keys
from web.problems import ProblemError
from web.rate_limits import RateLimiter

LASTS: Final = timedelta(hours=1)
"""From the server to the gate on foot; a code that is found later opens nothing."""
_KEPT: Final = timedelta(days=30)
_log = structlog.get_logger()
_USERS: Final = TypeAdapter(dict[str, str])


class SetupCodeUnknownError(ProblemError):
    """No such code was ever made here."""

    code = "setup_code_unknown"
    status = 404
    title = "This server has made no such code"


class SetupCodeSpentError(ProblemError):
    """The code was used, is out of date, or another was made for the gate after it."""

    code = "setup_code_spent"
    status = 410
    title = "The code was used, is out of date, or was replaced; make a new one at the server"


class SetupUnreadableError(ProblemError):
    """The request was sealed to another key, or was changed on its way."""

    code = "setup_unreadable"
    status = 422
    title = "The request cannot be opened: it was made for another server, or changed on its way"


class SetupUnavailableError(ProblemError):
    """The server has no key to sign with, or no file of trusted keys that it may write."""

    code = "setup_unavailable"
    status = 409
    title = "This server cannot set gates up: it has no signing key, or cannot write its file of trusted keys"


@dataclass(frozen=True)
class GateSite:
    """What the server tells every new gate of itself; see `access.gate_setup.GateAccess`."""

    site: str
    broker_host: str
    broker_port: int
    authority: str | None
    credential_key: str = field(repr=False)
    staff_key: str
    embedder: str


@dataclass(frozen=True)
class GateSetup:
    """What the routes work with. `trust` is called with the controller's name and public key before its tokens count.

    `trust` raises `KeyFileError` where its file cannot be written.
    """

    private_key: X25519PrivateKey = field(repr=False)
    site: GateSite | None
    """None: the server signs nothing, and could be told to trust nobody."""
    trust: Callable[[str, str], None]
    tries: RateLimiter = field(default_factory=lambda: RateLimiter(limit=10, period=timedelta(minutes=10)))
    """By network."""

    @classmethod
    def unavailable(cls) -> "GateSetup":
        """Return one that sets nothing up."""
        return cls(X25519PrivateKey.generate(), None, lambda _sender, _key: None)


def make_code(
    session: Session,
    gate: str,
    users: Mapping[str, str],
    *,
    public_key: bytes,
    by: str,
    now: datetime,
    lasts: timedelta = LASTS,
) -> SetupCode:
    """Return a new code for a gate, in place of those before. `users` are its passwords at the broker, by name."""
    code = SetupCode.make(public_key)
    session.execute(delete(GateSetupCode).where(GateSetupCode.until < now - _KEPT))
    _end(session, (GateSetupCode.gate == gate) & GateSetupCode.ended_at.is_(None), now)
    session.add(
        GateSetupCode(
            digest=digest(code.secret),
            gate=gate,
            sealed=seal_under_code(_USERS.dump_json(dict(users)), code),
            made_at=now,
            until=now + lasts,
        )
    )
    audit.record(session, actor=by, action="gate.setup_code", subject=f"gate:{gate}", now=now)
    return code


def is_set_up(session: Session, gate: str) -> bool:
    """Whether a computer keeps the gate: one of its devices has a token that counts."""
    return session.scalar(select(exists().where(Device.gate == gate, Device.revoked_at.is_(None)))) or False


def use_code(database: Database, setup: GateSetup, sealed: bytes, *, network: str, now: datetime) -> bytes:
    """Return the sealed answer to a sealed request; the code in it counts no more.

    Raises:
        TooManyTriesError: too many from this network.
        SetupUnreadableError, SetupUnavailableError, SetupCodeUnknownError, SetupCodeSpentError: see there.
    """
    setup.tries.count_try(network, now)
    if setup.site is None:
        raise SetupUnavailableError
    try:
        request = open_request(sealed, setup.private_key)
        parse_trusted_keys({"controller": request.controller_key})
    except (SetupSealError, KeyFileError) as error:
        raise SetupUnreadableError from error
    with database.begin() as session:
        record = _take(session, digest(request.secret), now)
        answer = None
        if record is not None:
            gate, kept = record
            users = _USERS.validate_json(open_under_code(kept, request.secret))
            answer = _give(session, setup.site, gate, users, has_edge=request.has_edge, now=now)
            _trust(setup, gate, request.controller_key)
    if answer is None:
        raise SetupCodeSpentError
    return seal_answer(answer, request)


def _trust(setup: GateSetup, gate: str, key: str) -> None:
    try:
        setup.trust(controller_sender(gate), key)
    except KeyFileError as error:
        # The transaction ends without effect: the code stays good.
        _log.error("controller_not_trusted", gate=gate, error=str(error))
        raise SetupUnavailableError from error


def _take(session: Session, found: bytes, now: datetime) -> tuple[str, bytes] | None:
    """Use the code up and return its gate and what was kept under it; None, and a line in the trail, where it was."""
    kept = session.execute(
        select(GateSetupCode.gate, GateSetupCode.sealed, GateSetupCode.until).where(GateSetupCode.digest == found)
    ).one_or_none()
    if kept is None:
        raise SetupCodeUnknownError
    is_ours = (GateSetupCode.digest == found) & GateSetupCode.ended_at.is_(None) & (GateSetupCode.until > now)
    if kept.sealed is None or not _end(session, is_ours, now):
        # Whoever holds a code that counts no more may have found it: the trail says so.
        audit.record(session, actor=audit.SYSTEM, action="gate.setup_refused", subject=f"gate:{kept.gate}", now=now)
        return None
    return kept.gate, kept.sealed


def _end(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    ended = session.execute(update(GateSetupCode).where(which).values(ended_at=now, sealed=None))
    return int(ended.rowcount)  # type: ignore[attr-defined]  # of an UPDATE there is one


def _give(
    session: Session, site: GateSite, gate: str, users: Mapping[str, str], *, has_edge: bool, now: datetime
) -> GateAccess:
    def access(role: DeviceRole) -> DeviceAccess:
        name = f"{role.value}-{gate}"
        token = _token(session, gate, role, now)
        return DeviceAccess(username=name, password=users[name], token=token)

    audit.record(session, actor=audit.SYSTEM, action="gate.setup", subject=f"gate:{gate}", now=now)
    display = f"display-{gate}"
    return GateAccess(
        site=site.site,
        gate=gate,
        broker_host=site.broker_host,
        broker_port=site.broker_port,
        authority=site.authority,
        credential_key=site.credential_key,
        staff_key=site.staff_key,
        embedder=site.embedder,
        controller=access(DeviceRole.CONTROLLER),
        edge=access(DeviceRole.EDGE) if has_edge else None,
        display=BrokerUser(username=display, password=users[display]),
    )


def _token(session: Session, gate: str, role: DeviceRole, now: datetime) -> str:
    """Return a new token of the gate's device of this role, which is added where there is none."""
    name, number = f"{gate}-{role.value}", 1
    while (device := devices.by_name(session, name)) is not None:
        if (device.gate, device.role, device.revoked_at) == (gate, role, None):
            return devices.rotate(session, device, by=audit.SYSTEM, now=now)
        # A name that was revoked, or is something else's, stays what it was in the trail.
        number += 1
        name = f"{gate}-{role.value}-{number}"
    return devices.add(session, name=name, role=role, gate=gate, by=audit.SYSTEM, now=now)[1]
