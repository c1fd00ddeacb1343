"""The holder's side: what they used, each shower with its readings, and disputes."""

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from accounts.tables import Person
from metering.api.dependencies import MeteringDep
from metering.api.room_money_bodies import MonthOfUseOut
from metering.api.session_bodies import (
    UsageOut,
    WaterDayOut,
    WaterDisputeIn,
    WaterDisputeOut,
    WaterSessionDetailsOut,
    WaterSessionOut,
    WaterUsageOut,
)
from metering.api.sessions import details_of
from metering.billing.usage import find_usage
from metering.sessions import disputes, history, subsidies
from metering.vocabulary import SessionState
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["usage"])

MOST_DAYS = 366
MOST_MONTHS = 24


@router.get("/me/usage", responses=responses(*PERSON_ERRORS))
def show_my_usage(
    services: MeteringDep,
    me: PrincipalDep,
    now: NowDep,
    months: Annotated[int, Query(ge=1, le=MOST_MONTHS)] = 12,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 31,
) -> UsageOut:
    """Show what one used: one's part of the rooms' electricity by `months`, and one's water by `days`.

    A room's day is shared equally by who lived there. Of water, the shower that runs is shown with its cost so far.
    """
    today = now.astimezone(services.zone).date()
    with services.database.read() as session:
        electricity = find_usage(session, me.person_id, _months_before(today, months - 1), today + timedelta(days=1))
        person = session.get(Person, me.person_id)
        running = history.find_sessions(session, person_id=me.person_id, state=SessionState.RUNNING, limit=1)
        used = history.days(session, me.person_id, today - timedelta(days=days - 1), today, services.zone)
        return UsageOut(
            electricity=[MonthOfUseOut.model_validate(one, from_attributes=True) for one in electricity],
            water=WaterUsageOut(
                running=WaterSessionOut.of(running[0]) if running else None,
                subsidy_left=0 if person is None else subsidies.left(session, person, now, services.zone),
                days=[WaterDayOut.of(day) for day in used],
            ),
        )


@router.get("/me/water-sessions", responses=responses(*PERSON_ERRORS, InvalidCursorError))
def list_own_sessions(services: MeteringDep, principal: PrincipalDep, page: PageDep) -> Page[WaterSessionOut]:
    """List the holder's sessions, the last begun first."""
    with services.database.read() as session:
        rows = history.find_sessions(
            session,
            person_id=principal.person_id,
            before=page.after(tuple[datetime, UUID]),
            limit=page.limit + 1,
        )
        shown, following = page.cut(rows, lambda row: (row.began_at, row.id))
        return Page(items=[WaterSessionOut.of(row) for row in shown], next=following)


@router.get("/me/water-sessions/{session_id}", responses=responses(*PERSON_ERRORS, NotFoundError))
def read_own_session(services: MeteringDep, principal: PrincipalDep, session_id: UUID) -> WaterSessionDetailsOut:
    """Show one of the holder's sessions with the readings that it was charged by."""
    with services.database.read() as session:
        return details_of(session, history.get_session(session, session_id, person_id=principal.person_id))


@router.post(
    "/me/water-sessions/{session_id}/dispute",
    status_code=201,
    responses=responses(*PERSON_ERRORS, NotFoundError, disputes.NothingToDisputeError, disputes.DisputeExistsError),
)
def open_dispute(
    services: MeteringDep, principal: PrincipalDep, now: NowDep, session_id: UUID, body: WaterDisputeIn
) -> WaterDisputeOut:
    """Say that a session was charged wrongly; somebody looks at its readings."""
    with services.database.begin() as session:
        return WaterDisputeOut.of(disputes.open_dispute(session, session_id, principal.person_id, body.text, now))


def _months_before(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)
