"""Devices and their tokens: added, given another token, ended. A token is shown once, on the page that made it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from accounts import devices
from accounts.payments import merchants
from accounts.vocabulary import DeviceRole
from card_dispensing import sightings as dispenser_sightings
from console.dependencies import AdminDep, ServicesDep
from console.forms import FormKey
from console.pages.administration.rendering import render_administration
from console.rendering import done, forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from directory import device_sightings, gates
from metering import device_sightings as meter_sightings
from web.paging import PageRequest
from web.problems import ProblemError

router = APIRouter(
    prefix="/console/administration/devices", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

_PAGE = 100
_MOST_MERCHANTS = 1000
Text = Annotated[str, Form(max_length=100)]
_FIELDS = {devices.DeviceNameTakenError: "name", devices.DeviceKioskError: "kiosk"}
"""Which field of the form a problem stands at; else that of the place."""


@router.get("", response_class=HTMLResponse, name="administration_devices_page")
def show(
    request: Request,
    _admin: AdminDep,
    services: ServicesDep,
    *,
    role: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """List devices, with where they stand and when they were last heard."""
    return _render_list(request, services, role=role, cursor=cursor)


@router.get("/new", response_class=HTMLResponse, name="administration_new_device_page")
def show_new(request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show the form of a new device."""
    return _render_new(request, services, {"role": DeviceRole.EDGE.value})


@router.post("/new", response_class=HTMLResponse, name="administration_add_device")
def add(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    name: Text,
    role: Text,
    gate: Text = "",
    campus: Text = "",
    merchant: Text = "",
    kiosk: Text = "",
    key: FormKey = None,
) -> HTMLResponse:
    """Register a device and show its token, this once."""
    typed = {
        "name": name.strip(),
        "role": role,
        "gate": gate,
        "campus": campus.strip(),
        "merchant": merchant,
        "kiosk": kiosk,
    }
    if not typed["name"] or len(typed["name"]) > 64:
        return _render_new(request, services, typed, problems={"name": "administration.problem.needed"}, status=422)

    def write() -> tuple[str, str]:
        with services.database.begin() as session:
            device, token = devices.add(
                session,
                name=typed["name"],
                role=DeviceRole(role),
                campus=typed["campus"] or None,
                gate=gate or None,
                merchant_id=UUID(merchant) if merchant else None,
                kiosk_id=UUID(kiosk) if kiosk else None,
                by=admin.actor,
                now=services.now(),
                places=services.accounts.places,
            )
            return str(device.id), token

    try:
        device_id, token = services.shown_once.make(admin.person_id, key, tuple(typed.values()), write)
    except ProblemError as error:
        place = _FIELDS.get(type(error), "gate")
        problems = {place: f"problem.{error.code}"}
        return _render_new(request, services, typed, problems=problems, status=error.status)
    except ValueError:
        return _render_new(request, services, typed, problems={"form": "problem.invalid_request"}, status=422)
    return _render_token(request, services, UUID(device_id), token, status=201)


@router.get("/{device_id}", response_class=HTMLResponse, name="administration_device_page")
def show_device(device_id: UUID, request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show one device, and what may be done with its token."""
    with services.database.read() as session:
        device = devices.get(session, device_id)
        return render_administration(
            request,
            "administration/device.html",
            key=new_id(),
            device=device,
            seen_at=_last_seen(session).get(device.id),
        )


@router.post("/{device_id}/token", response_class=HTMLResponse, name="administration_rotate_token")
def rotate(
    device_id: UUID,
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: FormKey = None,
) -> HTMLResponse:
    """Give a device another token and show it, this once; the old one stops working at once."""

    def write() -> tuple[str]:
        with services.database.begin() as session:
            device = devices.get(session, device_id)
            return (devices.rotate(session, device, by=admin.actor, now=services.now()),)

    (token,) = services.shown_once.make(admin.person_id, key, (device_id,), write)
    return _render_token(request, services, device_id, token)


@router.post("/{device_id}/revocation", response_class=HTMLResponse, name="administration_revoke_device")
def revoke(
    device_id: UUID, request: Request, admin: AdminDep, services: ServicesDep, _same_origin: SameOriginDep
) -> Response:
    """End a device's token for good; the device stays listed."""
    with services.database.begin() as session:
        devices.revoke(session, devices.get(session, device_id), by=admin.actor, now=services.now())
    return done(request, "administration_devices_page", "device_revoked")


def _last_seen(session: Any) -> dict[UUID, Any]:
    return {
        **device_sightings.find_last_seen(session),
        **meter_sightings.find_last_seen(session),
        **dispenser_sightings.find_last_seen(session),
    }


def _render_list(
    request: Request, services: ConsoleServices, *, role: str, cursor: str | None, **more: Any
) -> HTMLResponse:
    page = PageRequest(_PAGE, cursor)
    wanted = DeviceRole(role) if role in set(DeviceRole) else None
    with services.database.read() as session:
        found = devices.find(session, role=wanted, after=page.after(UUID), limit=page.limit + 1)
        rows, following = page.cut(found, lambda device: device.id)
        seen = _last_seen(session)
        shops = {one.id: one.name for one in merchants.find(session, limit=_MOST_MERCHANTS)}
        titles = gates.find_titles(session)
    return render_administration(
        request,
        "administration/devices.html",
        rows=rows,
        following=following,
        seen=seen,
        merchants=shops,
        gates=titles,
        roles=list(DeviceRole),
        role=role,
        **more,
    )


def _render_new(
    request: Request,
    services: ConsoleServices,
    typed: dict[str, str],
    *,
    problems: dict[str, str] | None = None,
    **more: Any,
) -> HTMLResponse:
    with services.database.read() as session:
        return render_administration(
            request,
            "administration/new_device.html",
            key=new_id(),
            typed=typed,
            problems=problems or {},
            roles=list(DeviceRole),
            gates=gates.find(session),
            merchants=merchants.find(session, limit=_MOST_MERCHANTS),
            kiosks=[
                one
                for one in devices.find(session, role=DeviceRole.KIOSK, limit=_MOST_MERCHANTS)
                if one.revoked_at is None
            ],
            **more,
        )


def _render_token(
    request: Request, services: ConsoleServices, device_id: UUID, token: str, *, status: int = 200
) -> HTMLResponse:
    with services.database.read() as session:
        device = devices.get(session, device_id)
    return render_administration(request, "administration/token.html", status=status, device=device, token=token)
