"""Beside the queue: what was decided, how the week went, and who has no photo at the gates."""

from datetime import datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from console.csv_table import csv_response, write_csv
from console.dependencies import ReviewerDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import forbid_storing, language_of, render_page
from console.texts import translator
from enrollment import review_records
from web.paging import PageRequest

router = APIRouter(prefix="/console/reviews", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_PAGE = 50
_DAYS = 7
Department = Annotated[str, Query(max_length=100)]


@router.get(
    "/decisions",
    dependencies=[record_disclosure("reviews.read", "photos:list")],
    response_class=HTMLResponse,
    name="review_decisions_page",
)
def show_decisions(
    request: Request,
    me: ReviewerDep,
    services: ServicesDep,
    *,
    who: Annotated[str, Query(max_length=10)] = "mine",
    result: Annotated[str, Query(max_length=10)] = "",
    department: Department = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show past decisions, one's own or everybody's, the latest first."""
    page = PageRequest(_PAGE, cursor)
    with services.database.read() as session:
        found = review_records.find_decisions(
            session,
            by=None if who == "all" else me.person_id,
            is_rejected={"rejected": True, "approved": False}.get(result),
            department=department.strip() or None,
            before=page.after(tuple[datetime, UUID]),
            limit=page.limit + 1,
        )
    rows, following = page.cut(found, lambda one: (one[0].decided_at, one[0].id))
    return render_page(
        request,
        "reviews/decisions.html",
        rows=rows,
        following=following,
        names=services.names({photo.decided_by for photo, _ in rows if photo.decided_by}),
        who=who,
        result=result,
        department=department,
    )


@router.get("/week", response_class=HTMLResponse, name="review_week_page")
def show_week(request: Request, _me: ReviewerDep, services: ServicesDep) -> HTMLResponse:
    """Show the decisions of the last seven days, by day and by reason."""
    today = services.now().astimezone(services.zone).date()
    first = today - timedelta(days=_DAYS - 1)

    def midnight(days: int) -> datetime:
        return datetime.combine(first + timedelta(days=days), time(), services.zone)

    with services.database.read() as session:
        days = [
            (first + timedelta(days=one), review_records.summarize(session, midnight(one), midnight(one + 1)))
            for one in range(_DAYS)
        ]
        week = review_records.summarize(session, midnight(0), midnight(_DAYS))
    return render_page(
        request,
        "reviews/week.html",
        days=days,
        week=week,
        most=max((one.approved + one.rejected for _, one in days), default=0) or 1,
        most_reasons=max((number for _, number in week.reasons), default=0) or 1,
    )


@router.get(
    "/missing",
    dependencies=[record_disclosure("people.read", "people:list")],
    response_class=HTMLResponse,
    name="review_missing_page",
)
def show_missing(
    request: Request,
    _me: ReviewerDep,
    services: ServicesDep,
    *,
    department: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show by department how many people have no approved photo, and who they are in one of them."""
    page = PageRequest(_PAGE, cursor)
    with services.database.read() as session:
        departments = review_records.count_missing(session)
        found = (
            review_records.find_missing(session, department, after=page.after(UUID), limit=page.limit + 1)
            if department is not None
            else []
        )
    rows, following = page.cut(found, lambda person: person.id)
    return render_page(
        request,
        "reviews/missing.html",
        departments=departments,
        department=department,
        rows=rows,
        following=following,
    )


@router.get(
    "/missing/table",
    dependencies=[record_disclosure("people.read", "people:list")],
    name="review_missing_table",
)
def download_missing(
    request: Request,
    _me: ReviewerDep,
    services: ServicesDep,
    *,
    department: Annotated[str | None, Query(max_length=100)] = None,
    response: Response,
) -> Response:
    """Return everybody without an approved photo as CSV, of one department or all."""
    t = translator(language_of(request))
    with services.database.read() as session:
        found = review_records.find_missing(session, department)
        rows = [(person.number, person.name, person.department) for person in found]
    heading = [t(f"review_records.column.{one}") for one in ("number", "name", "department")]
    return csv_response(write_csv(heading, rows), "without-photo.csv", response)
