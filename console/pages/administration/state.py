"""The state of every process, as a page that follows the server."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from accounts import people
from console.dependencies import STAFF, ServicesDep, StaffDep
from console.live.heartbeat import SILENT_S
from console.live.mark import stream_mark
from console.live.stream_authorization import StreamAuthorization
from console.pages.administration.rendering import render_administration
from console.rendering import forbid_storing, language_of, path_to
from console.services import ConsoleServices
from console.texts import some_texts
from console.views import process_states

router = APIRouter(
    prefix="/console/administration/state", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

_WORDS = ("signing.", "punctuation.")


@router.get("", response_class=HTMLResponse, name="administration_state_page")
def show(request: Request, staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show server, broker, gates, meters, showers, database, disks, backup and clocks."""
    found = _find(services)
    with services.database.read() as session:
        person = people.get(session, staff.person_id)
    return render_administration(
        request,
        "administration/state.html",
        person=person,
        texts=some_texts(language_of(request), _WORDS),
        setup={
            "root": path_to(request, "home"),
            "signIn": path_to(request, "console_sign_in"),
            "stream": path_to(request, "administration_state_stream"),
            "mark": _mark(found),
            "silentMs": round(SILENT_S * 1000),
        },
        at=services.now(),
        **found,
    )


@router.get("/stream", response_class=EventSourceResponse, name="administration_state_stream")
async def stream(staff: StaffDep, services: ServicesDep) -> AsyncIterator[ServerSentEvent]:
    """Stream a mark of what is shown, as it changes; the page then fetches itself anew."""
    still_allowed = StreamAuthorization(services, staff, STAFF)
    async for event in stream_mark(services, lambda: _mark(_find(services)), still_allowed=still_allowed):
        yield event


def _find(services: ConsoleServices) -> dict[str, Any]:
    now = services.now()
    with services.database.read() as session:
        groups = {
            "gates": process_states.describe_gates(session, services),
            "directories": process_states.describe_directories(session, now),
            "meters": process_states.describe_meters(session),
            "showers": process_states.describe_showers(session, now),
        }
        backup_at = process_states.find_last_backup(session)
    return {"groups": groups, "backup_at": backup_at, "server": services.facts and services.facts.find_state()}


def _mark(found: dict[str, Any]) -> str:
    """Return a mark that stays while nothing changes but times and sizes, which a reader needs no news of."""
    standing = [(one.kind, one.name, one.words) for group in found["groups"].values() for one in group]
    server = found["server"]
    facts = server and (
        server.is_broker_there,
        server.can_order,
        server.contested,
        server.storage_fault,
        server.clock_doubt,
        (server.free_bytes or 0) >> 30,
    )
    return hashlib.sha256(repr((standing, facts, found["backup_at"])).encode()).hexdigest()[:16]
