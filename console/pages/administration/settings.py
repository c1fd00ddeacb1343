"""The settings in force: names, values, where each came from, and what it means; secrets only as set or not set."""

from itertools import groupby

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.dependencies import AdminDep, ServicesDep
from console.pages.administration.rendering import render_administration
from console.rendering import forbid_storing
from console.server_facts import SettingInForce

router = APIRouter(
    prefix="/console/administration/settings", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

PREFIX = "CAMPUSGATE_"


@router.get("", response_class=HTMLResponse, name="administration_settings_page")
def show(request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show every setting, by the room that it is of."""
    found = sorted(services.facts.settings if services.facts else (), key=_room_of)
    return render_administration(
        request,
        "administration/settings.html",
        rooms=[(room, list(settings)) for room, settings in groupby(found, _room_of)],
        key_of=key_of,
    )


def key_of(setting: SettingInForce) -> str:
    """Return the key of what a setting means."""
    return f"setting.{setting.name.removeprefix(PREFIX).lower()}"


def _room_of(setting: SettingInForce) -> str:
    room, _, rest = setting.name.removeprefix(PREFIX).lower().partition("__")
    return room if rest else ""
