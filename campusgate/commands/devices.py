"""`campusgate devices`: machines that speak to the server, and their tokens."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, open_database, print_json

if TYPE_CHECKING:
    from pydantic import BaseModel

    from accounts.tables import Device

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Argument(help="The device's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    devices = typer.Typer(
        help="Terminals, edges, controllers, meters, kiosks, desks, card dispensers.", no_args_is_help=True
    )
    devices.command()(add)
    devices.command("list")(list_)
    devices.command()(rotate)
    devices.command()(revoke)
    app.add_typer(devices, name="devices")


def add(
    *,
    name: _Name,
    role: Annotated[str, typer.Argument(help="terminal, edge, controller, meter, kiosk, desk, radius or dispenser")],
    gate: Annotated[str | None, typer.Option(help="The gate that an edge or a controller serves.")] = None,
    campus: Annotated[str | None, typer.Option(help="The campus it stands on.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Id of the merchant that payments at a terminal go to.")] = None,
    kiosk: Annotated[str | None, typer.Option(help="The kiosk that a card dispenser stands in.")] = None,
    as_json: _Json = False,
) -> None:
    """Register a device and print its token, which is shown this once."""
    from accounts import audit, devices
    from accounts.api.devices import DeviceIn
    from campusgate.settings import Settings
    from campusgate.wiring.places import CampusPlaces
    from web.problems import ProblemError

    # Judged by the same form as the API's; what is wrong comes out as one line.
    wanted = _checked(DeviceIn, name=name, role=role, gate=gate, campus=campus, merchant_id=merchant)
    with open_database(Settings()) as database:
        if kiosk is not None:
            with database.read() as session:
                wanted["kiosk_id"] = _device(devices.by_name(session, kiosk), kiosk).id
        try:
            with database.begin() as session:
                device, token = devices.add(
                    session, **wanted, by=audit.SYSTEM, now=datetime.now(UTC), places=CampusPlaces()
                )
        except ProblemError as error:
            raise CommandError(f"{error}") from error
    if as_json:
        print_json({**_shown(device), "token": token})
    else:
        sys.stdout.write(f"{token}\n")


def list_(as_json: _Json = False) -> None:
    """List the devices."""
    from accounts import devices
    from campusgate.settings import Settings

    with open_database(Settings()) as database, database.read() as session:
        found = [_shown(device) for device in devices.find(session, limit=100_000)]
    if as_json:
        print_json(found)
        return
    for one in found:
        state = "revoked" if one["revoked_at"] else "active"
        sys.stdout.write(f"{one['name']}  {one['role']}  {one['gate'] or one['campus'] or '-'}  {state}\n")


def rotate(name: _Name, as_json: _Json = False) -> None:
    """Give a device a new token; the old one stops working."""
    from accounts import audit, devices
    from campusgate.settings import Settings

    with open_database(Settings()) as database, database.begin() as session:
        device = _device(devices.by_name(session, name), name)
        token = devices.rotate(session, device, by=audit.SYSTEM, now=datetime.now(UTC))
    if as_json:
        print_json({**_shown(device), "token": token})
    else:
        sys.stdout.write(f"{token}\n")


def revoke(name: _Name) -> None:
    """End a device's token for good."""
    from accounts import audit, devices
    from campusgate.settings import Settings

    with open_database(Settings()) as database, database.begin() as session:
        device = _device(devices.by_name(session, name), name)
        devices.revoke(session, device, by=audit.SYSTEM, now=datetime.now(UTC))


def _checked(model: "type[BaseModel]", **values: str | None) -> dict[str, Any]:
    from pydantic import ValidationError

    try:
        checked: dict[str, Any] = model(**values).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    return checked


def _device(found: "Device | None", name: str) -> "Device":
    if found is None:
        raise CommandError(f"there is no device named {name}: campusgate devices list")
    return found


def _shown(device: "Device") -> dict[str, str | None]:
    return {
        "id": str(device.id),
        "name": device.name,
        "role": device.role.value,
        "campus": device.campus,
        "gate": device.gate,
        "merchant_id": str(device.merchant_id) if device.merchant_id else None,
        "kiosk_id": str(device.kiosk_id) if device.kiosk_id else None,
        "created_at": device.created_at.isoformat(),
        "revoked_at": device.revoked_at.isoformat() if device.revoked_at else None,
    }
