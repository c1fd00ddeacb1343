"""Devices and their tokens. A token is `cgd_<device id>_<secret>`; the server keeps only a digest of the secret.

The secret holds 256 random bits, so a plain SHA-256 digest cannot be searched; the comparison takes the same time
whatever differs.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts import audit
from accounts.principals import DevicePrincipal
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from database import table_of
from web.problems import NotFoundError, ProblemError

_DEVICES = table_of(Device)
_WITH_TOKENS = select(
    _DEVICES.c.id,
    _DEVICES.c.name,
    _DEVICES.c.role,
    _DEVICES.c.campus,
    _DEVICES.c.gate,
    _DEVICES.c.merchant_id,
    _DEVICES.c.token_digest,
).where(_DEVICES.c.id.in_(bindparam("ids", expanding=True)), _DEVICES.c.revoked_at.is_(None))

_TOKEN = re.compile(r"cgd_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


class DeviceNameTakenError(ProblemError):
    """Another device has this name."""

    code = "device_name_taken"
    status = 409
    title = "Another device has this name"


class DevicePlaceError(ProblemError):
    """A device at a gate must say which gate."""

    code = "device_gate_required"
    status = 422
    title = "An edge or a controller needs the gate it serves"


class DeviceKioskError(ProblemError):
    """A card dispenser must say which kiosk it stands in, and nothing else may."""

    code = "device_kiosk_required"
    status = 422
    title = "A card dispenser, and only that, needs the kiosk it stands in"


class UnknownPlaceError(ProblemError):
    """The device would stand at something that does not exist; the detail says what."""

    code = "unknown_device_place"
    status = 422
    title = "The gate, the merchant or the kiosk of this device does not exist; add it first"


class Places(Protocol):
    """What a device may stand at; it is kept in rooms above this one."""

    def has_gate(self, session: Session, name: str) -> bool:
        """Whether there is a gate of this name."""
        ...

    def has_merchant(self, session: Session, merchant_id: UUID) -> bool:
        """Whether there is such a merchant."""
        ...


def add(
    session: Session,
    *,
    name: str,
    role: DeviceRole,
    campus: str | None = None,
    gate: str | None = None,
    merchant_id: UUID | None = None,
    kiosk_id: UUID | None = None,
    by: str,
    now: datetime,
    places: Places | None = None,
) -> tuple[Device, str]:
    """Register a device; returns it and its token, which is shown this once. Without `places` any name is taken.

    Raises:
        DeviceNameTakenError, DevicePlaceError, DeviceKioskError, UnknownPlaceError: see there.
    """
    if (role is DeviceRole.DISPENSER) != (kiosk_id is not None):
        raise DeviceKioskError
    if kiosk_id is not None:
        _require_kiosk(session, kiosk_id)
    if role in {DeviceRole.EDGE, DeviceRole.CONTROLLER} and gate is None:
        raise DevicePlaceError
    if places is not None:
        _require_place(session, places, gate, merchant_id)
    if session.scalar(select(Device.id).where(Device.name == name)) is not None:
        raise DeviceNameTakenError
    secret, digest = _new_secret()
    device = Device(
        name=name,
        role=role,
        campus=campus,
        gate=gate,
        merchant_id=merchant_id,
        kiosk_id=kiosk_id,
        token_digest=digest,
        created_at=now,
    )
    session.add(device)
    try:
        session.flush()
    except IntegrityError as error:
        raise DeviceNameTakenError from error
    _note(session, device, "device.add", by, now)
    return device, _token(device, secret)


def _require_place(session: Session, places: Places, gate: str | None, merchant_id: UUID | None) -> None:
    if gate is not None and not places.has_gate(session, gate):
        raise UnknownPlaceError(f"there is no gate {gate!r}")
    if merchant_id is not None and not places.has_merchant(session, merchant_id):
        raise UnknownPlaceError(f"there is no merchant {merchant_id}")


def _require_kiosk(session: Session, kiosk_id: UUID) -> None:
    kiosk = session.get(Device, kiosk_id)
    if kiosk is None or kiosk.role is not DeviceRole.KIOSK or kiosk.revoked_at is not None:
        raise UnknownPlaceError(f"there is no kiosk {kiosk_id}")


def rotate(session: Session, device: Device, *, by: str, now: datetime) -> str:
    """Give the device a new token; the old one stops working."""
    secret, device.token_digest = _new_secret()
    _note(session, device, "device.rotate", by, now)
    return _token(device, secret)


def revoke(session: Session, device: Device, *, by: str, now: datetime) -> None:
    """End the device's token for good."""
    if device.revoked_at is None:
        device.revoked_at = now
        _note(session, device, "device.revoke", by, now)


def authenticate(session: Session, token: str) -> Device | None:
    """Return the device whose token this is, or None."""
    found = authenticate_many(session, [token]).get(token)
    return None if found is None else session.get(Device, found.device_id)


def authenticate_many(session: Session, tokens: Collection[str]) -> Mapping[str, DevicePrincipal]:
    """Return the devices whose tokens these are, by token; tokens that are not good are left out. One query."""
    shown = {token: match for token in tokens if (match := _TOKEN.fullmatch(token)) is not None}
    ids = {UUID(match[1]) for match in shown.values()}
    rows = session.connection().execute(_WITH_TOKENS, {"ids": list(ids)}) if ids else ()
    known = {row.id: row for row in rows}
    found = {}
    for token, match in shown.items():
        row = known.get(UUID(match[1]))
        same = hmac.compare_digest(
            hashlib.sha256(match[2].encode()).digest(), bytes(32) if row is None else bytes(row.token_digest)
        )
        if same and row is not None:
            found[token] = DevicePrincipal(row.id, row.name, row.role, row.campus, row.gate, row.merchant_id)
    return found


def get(session: Session, device_id: UUID) -> Device:
    """Return a device.

    Raises:
        NotFoundError: there is none.
    """
    device = session.get(Device, device_id)
    if device is None:
        raise NotFoundError("there is no device with this id")
    return device


def by_name(session: Session, name: str) -> Device | None:
    """Return the device with this name, or None."""
    return session.scalar(select(Device).where(Device.name == name))


def find(
    session: Session, *, after: UUID | None = None, limit: int = 50, role: DeviceRole | None = None
) -> Sequence[Device]:
    """Return devices in the order they were added."""
    query = select(Device).order_by(Device.id).limit(limit)
    if after is not None:
        query = query.where(Device.id > after)
    if role is not None:
        query = query.where(Device.role == role)
    return session.scalars(query).all()


def _new_secret() -> tuple[str, bytes]:
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return secret, hashlib.sha256(secret.encode()).digest()


def _token(device: Device, secret: str) -> str:
    return f"cgd_{device.id.hex}_{secret}"


def _note(session: Session, device: Device, action: str, by: str, now: datetime) -> None:
    details: dict[str, audit.Scalar | list[str]] = {"role": device.role.value}
    audit.record(session, actor=by, action=action, subject=f"device:{device.id}", now=now, details=details)
