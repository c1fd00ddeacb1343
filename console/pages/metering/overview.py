"""The staff's page of metering: what needs somebody now, live, and the way to every room."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session

from accounts.vocabulary import Role
from console.dependencies import STAFF, MeteringDep, ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.live.mark import stream_mark
from console.live.stream_authorization import StreamAuthorization
from console.metering_rendering import render_metering
from console.rendering import forbid_storing, path_to
from console.services import ConsoleServices
from console.views import metering as views
from console.views import metering_showers as showers
from console.views.metering_figures import Figures
from console.views.metering_fingerprint import fingerprint_overview
from metering.billing import disputes
from metering.billing.disputes import DisputeState
from metering.rooms import reader, registry
from metering.services import MeteringServices
from metering.supply import overview

router = APIRouter(prefix="/console/metering", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST_ROOMS = 500


@router.get(
    "",
    dependencies=[record_disclosure("metering.read", "metering:list")],
    response_class=HTMLResponse,
    name="metering_page",
)
def show(request: Request, staff: StaffDep, services: ServicesDep, metering: MeteringDep) -> HTMLResponse:
    """Show what needs somebody: silence, cut-offs, requests, readings, showers, disputes."""
    figures = Figures(metering.zone, services.now())
    with services.database.read() as session:
        mark = _mark(session, services, metering)
        names = services.names(_find_people(session, figures))
        shown: dict[str, Any] = {
            "silence": views.describe_silence(session, metering, figures),
            "supply": views.describe_supply(session, figures, names, staff.person_id),
            "readings": views.describe_readings(session),
            "sessions": [showers.describe_session(session, one, names) for one in showers.find_in_review(session)],
            "disputes": views.describe_disputes(session, names),
            # Giving money back is the cashiers' and the administrators'.
            "water_disputes": [
                showers.describe_dispute(session, one, row, names) for one, row in showers.find_disputed(session)
            ]
            if Role.ADMIN in staff.roles
            else [],
        }
    return render_metering(
        request,
        "metering/overview.html",
        services,
        staff,
        figures=figures,
        mark=mark,
        stream=path_to(request, "metering_stream"),
        **shown,
    )


@router.get("/stream", response_class=EventSourceResponse, name="metering_stream")
async def stream(staff: StaffDep, services: ServicesDep, metering: MeteringDep) -> AsyncIterator[ServerSentEvent]:
    """Stream a mark of what is shown, as it changes; the page then fetches itself anew."""

    def find_mark() -> str:
        with services.database.read() as session:
            return _mark(session, services, metering)

    still_allowed = StreamAuthorization(services, staff, STAFF)
    async for event in stream_mark(services, find_mark, still_allowed=still_allowed):
        yield event


@router.get("/rooms", response_class=HTMLResponse, name="metering_rooms_page")
def choose_room(
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    metering: MeteringDep,
    *,
    building: Annotated[UUID | None, Query()] = None,
) -> HTMLResponse:
    """Show the buildings and one building's rooms: rooms are chosen, never typed."""
    figures = Figures(metering.zone, services.now())
    with services.database.read() as session:
        buildings = registry.find_buildings(session)
        if building is None and buildings:
            building = buildings[0].id
        rooms = () if building is None else registry.find_rooms(session, building, limit=_MOST_ROOMS)
        dark = {ground.room_id for ground in overview.find_cut_offs(session, limit=1000).grounds}
    return render_metering(
        request,
        "metering/rooms.html",
        services,
        staff,
        figures=figures,
        buildings=buildings,
        chosen=building,
        rooms=rooms,
        dark=dark,
    )


def _mark(session: Session, services: ConsoleServices, metering: MeteringServices) -> str:
    unread = reader.find_unread(session, services.now(), metering.cycle)
    return fingerprint_overview(session, len(unread))


def _find_people(session: Session, figures: Figures) -> set[UUID]:
    asked = views.collect_people(overview.find_waiting_requests(session, figures.now))
    doubting = {row.person_id for row, _ in disputes.find(session, state=DisputeState.OPEN, limit=views.MOST)}
    showering = {one.person_id for one in showers.find_in_review(session) if one.person_id}
    return asked | doubting | showering | {one.person_id for one, _ in showers.find_disputed(session)}
