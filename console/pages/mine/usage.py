"""A person's own page of metering: showers, and the electricity and money of the room they live in, live."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger import find_account
from accounts.people import AccountNotUsableError
from accounts.principals import Principal
from console import texts
from console.dependencies import HolderDep, ServicesDep, SignedInDep
from console.live.heartbeat import AGAIN, Heartbeat, status_event
from console.live.stream_authorization import StreamAuthorization
from console.rendering import forbid_storing, language_of, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.sign_in_cookies import LostCookies
from console.views.consumption_chart import describe_chart
from console.views.own_room import describe_home
from console.views.room_charges import find_charges, find_top_ups
from console.views.showers import describe_readings, describe_showers, find_running
from metering.billing import disputes as charge_disputes
from metering.billing.top_up import LEAST, MOST
from metering.rooms import calendar_series, residents
from metering.rooms.series import Step, clip_to_residence, find_midnight
from metering.sessions import disputes, history, subsidies
from metering.supply import requests
from metering.vocabulary import TripReason
from web import problems
from web.paging import PageRequest
from web.text import line
from web.times import Day

router = APIRouter(prefix="/console/me/usage", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_SHOWERS = 10
_CHARGES = 7
_TOP_UPS = 5
_POLL_S = 1.0

Text = Annotated[str, line(500)]


class DisputeIn(BaseModel):
    """What is wrong with a charge."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class ApplicationIn(BaseModel):
    """What a resident applies for, in writing."""

    model_config = ConfigDict(extra="forbid")

    reason: TripReason
    note: Text


@router.get("", response_class=HTMLResponse)
def usage_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show the page of what one uses."""
    with services.database.read() as session:
        person = people.get(session, me.person_id)
    return render_page(
        request,
        "mine/usage.html",
        person=person,
        least_fen=LEAST,
        most_fen=MOST,
        texts=texts.texts_of_usage(language_of(request), _problem_codes()),
    )


@router.get("/state", name="usage_state")
def state(me: HolderDep, services: ServicesDep) -> dict[str, Any]:
    """Return everything the page shows at first."""
    now = services.now()
    with services.database.read() as session:
        person = people.get(session, me.person_id)
        showers = history.find_sessions(session, person_id=me.person_id, limit=_SHOWERS)
        running = find_running(session, me.person_id)
        found: dict[str, Any] = {
            "wallet_fen": _wallet(session, me),
            "running": running,
            "showers": [
                one for one in describe_showers(session, showers) if running is None or one["id"] != running["id"]
            ],
            "subsidy_left_fen": subsidies.left(session, person, now, services.metering.zone),
            "home": None,
        }
        home = residents.find_residence(session, me.person_id, _today(services, now))
        if home is not None:
            found |= {
                "home": describe_home(session, services.metering, home, now=now),
                "charges": find_charges(
                    session, home.room_id, me.person_id, PageRequest(_CHARGES, None), since=home.moved_in
                ),
                "top_ups": find_top_ups(session, home.room_id, me.person_id, limit=_TOP_UPS),
            }
    return found


@router.get("/stream", response_class=EventSourceResponse, name="usage_stream")
async def stream(claims: SignedInDep, me: HolderDep, services: ServicesDep) -> AsyncIterator[ServerSentEvent]:
    """Stream the running shower as it is reported, and the room with each heartbeat."""
    shown: dict[str, Any] = {}
    heartbeat = Heartbeat(poll_s=_POLL_S)
    still_allowed = StreamAuthorization(services, claims)
    while await still_allowed():
        found = await run_in_threadpool(_query_live, services, me, with_home=heartbeat.is_due())
        for name, data in found.items():
            if name not in shown or shown[name] != data:
                shown[name] = data
                yield ServerSentEvent(event=name, data=data, retry=1000)
        if (due := heartbeat.next_event(now=services.now())) is not None:
            yield due
        await asyncio.sleep(_POLL_S)
    yield status_event(AGAIN, now=services.now())


@router.get("/electricity", name="usage_electricity")
def electricity(
    me: HolderDep,
    services: ServicesDep,
    step: Step = Step.DAY,
    day: Annotated[Day | None, Query()] = None,
) -> dict[str, Any]:
    """Return what the own room used: in the hours of a day, the days of its month or the months of its year."""
    now, zone = services.now(), services.metering.zone
    today = _today(services, now)
    wanted = day or today
    with services.database.read() as session:
        home = residents.get_residence(session, me.person_id, today)
        lived = clip_to_residence(
            session, me.person_id, home.room_id, (find_midnight(home.moved_in, zone), now.astimezone(UTC)), zone
        )
        units = calendar_series.read_units(session, home.room_id, wanted, step, lived=lived, now=now, zone=zone)
    return describe_chart(units, wanted, step, zone=zone, today=today, since=home.moved_in)


@router.get("/charges", name="usage_charges")
def charges(
    me: HolderDep, services: ServicesDep, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> dict[str, Any]:
    """Return a page of the room's charges of the days on which one lived there, newest first."""
    with services.database.read() as session:
        home = residents.get_residence(session, me.person_id, _today(services, services.now()))
        page = PageRequest(_CHARGES, cursor)
        return find_charges(session, home.room_id, me.person_id, page, since=home.moved_in)


@router.post("/charges/{charge_id}/dispute", status_code=204, name="usage_charge_dispute")
def dispute_charge(
    charge_id: UUID, body: DisputeIn, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep
) -> None:
    """Say that a charge of a day on which one lived there is wrong."""
    with services.database.begin() as session:
        charge_disputes.dispute(session, charge_id, me.person_id, body.text, services.now())


@router.get("/showers/{session_id}/readings", name="usage_shower_readings")
def shower_readings(session_id: UUID, me: HolderDep, services: ServicesDep) -> dict[str, Any]:
    """Return what the meters had counted in one of one's showers, report by report."""
    with services.database.read() as session:
        row = history.get_session(session, session_id, person_id=me.person_id)
        return {"readings": describe_readings(session, row.id)}


@router.post("/showers/{session_id}/dispute", status_code=204, name="usage_shower_dispute")
def dispute_shower(
    session_id: UUID, body: DisputeIn, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep
) -> None:
    """Say that a shower was charged wrongly."""
    with services.database.begin() as session:
        disputes.open_dispute(session, session_id, me.person_id, body.text, services.now())


@router.post("/applications", status_code=204, name="usage_application")
def apply(body: ApplicationIn, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> None:
    """Apply in writing for the end of a cut-off that does not end by itself."""
    now = services.now()
    with services.database.begin() as session:
        home = residents.get_residence(session, me.person_id, _today(services, now))
        requests.apply(session, home.room_id, body.reason, note=body.note, by=me.person_id, now=now)


_PROBLEMS_FROM = (
    "console.",
    "web.",
    "accounts.passwords",
    "accounts.payments.problems",
    "accounts.people.standing",
    "metering.billing.automatic",
    "metering.billing.room_labels",
    "metering.rooms.registry",
    "metering.rooms.series",
    "metering.sessions.disputes",
    "metering.supply.requests",
)
"""The modules whose problems an answer to this page may be, beside those of signing in."""


def _problem_codes() -> set[str]:
    known = {one.code for one in problems.list_known() if f"{one.__module__}.".startswith(_PROBLEMS_FROM)}
    return known | set(LostCookies) | {AccountNotUsableError.code}


def _query_live(services: ConsoleServices, me: Principal, *, with_home: bool) -> dict[str, Any]:
    with services.database.read() as session:
        # Wrapped: an event without data is no event to a browser.
        found: dict[str, Any] = {"running": {"shower": find_running(session, me.person_id)}}
        if with_home:
            now = services.now()
            home = residents.find_residence(session, me.person_id, _today(services, now))
            shown = None if home is None else describe_home(session, services.metering, home, now=now)
            found["home"] = {"home": shown}
    return found


def _wallet(session: Session, me: Principal) -> int:
    found = find_account(session, me.person_id)
    return 0 if found is None else found.available


def _today(services: ConsoleServices, now: datetime) -> date:
    return now.astimezone(services.metering.zone).date()
