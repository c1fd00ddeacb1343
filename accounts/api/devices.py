"""Devices and their tokens, for the administration."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts import devices
from accounts.api.dependencies import ROLE_ERRORS, AdminDep, DatabaseDep, NowDep, ServicesDep
from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Slug, line

router = APIRouter(prefix="/api/v1", tags=["devices"])


class DeviceIn(BaseModel):
    """A device to be registered."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, line(64)]
    role: DeviceRole
    campus: Slug | None = None
    gate: Slug | None = Field(default=None, description="the gate that an edge or a controller serves")
    merchant_id: UUID | None = Field(default=None, description="whom payments at this terminal go to")
    kiosk_id: UUID | None = Field(default=None, description="the kiosk that a card dispenser stands in")


class DeviceOut(BaseModel):
    """A device, without its token."""

    id: UUID
    name: str
    role: DeviceRole
    campus: str | None
    gate: str | None
    merchant_id: UUID | None
    kiosk_id: UUID | None
    created_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, device: Device) -> "DeviceOut":
        """Show `device`."""
        return cls.model_validate(device, from_attributes=True)


class DeviceWithToken(DeviceOut):
    """A device with its new token, which is shown this once."""

    token: str


@router.get("/devices", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_devices(
    _admin: AdminDep, database: DatabaseDep, page: PageDep, role: DeviceRole | None = None
) -> Page[DeviceOut]:
    """List devices, in the order they were added."""
    with database.read() as session:
        found = devices.find(session, after=page.after(UUID), limit=page.limit + 1, role=role)
        rows, following = page.cut(found, lambda device: device.id)
        return Page(items=[DeviceOut.of(device) for device in rows], next=following)


@router.post(
    "/devices",
    status_code=201,
    responses=responses(
        *ROLE_ERRORS,
        devices.DeviceNameTakenError,
        devices.DevicePlaceError,
        devices.DeviceKioskError,
        devices.UnknownPlaceError,
    ),
)
def add_device(admin: AdminDep, services: ServicesDep, now: NowDep, body: DeviceIn) -> DeviceWithToken:
    """Register a device and show its token, this once."""
    with services.database.begin() as session:
        device, token = devices.add(session, **body.model_dump(), by=admin.actor, now=now, places=services.places)
        return DeviceWithToken(**DeviceOut.of(device).model_dump(), token=token)


@router.post("/devices/{device_id}/token", responses=responses(*ROLE_ERRORS, NotFoundError))
def rotate_device_token(admin: AdminDep, database: DatabaseDep, now: NowDep, device_id: UUID) -> DeviceWithToken:
    """Give a device a new token; the old one stops working at once."""
    with database.begin() as session:
        device = devices.get(session, device_id)
        token = devices.rotate(session, device, by=admin.actor, now=now)
        return DeviceWithToken(**DeviceOut.of(device).model_dump(), token=token)


@router.delete("/devices/{device_id}", status_code=204, responses=responses(*ROLE_ERRORS, NotFoundError))
def revoke_device(admin: AdminDep, database: DatabaseDep, now: NowDep, device_id: UUID) -> None:
    """End a device's token for good. The device stays listed, for the audit trail."""
    with database.begin() as session:
        devices.revoke(session, devices.get(session, device_id), by=admin.actor, now=now)
