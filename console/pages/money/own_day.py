"""A cashier's own day: what was taken in and paid out, what is counted in the drawer against it; to be printed."""

import unicodedata
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from accounts import people
from accounts.principals import Principal
from accounts.topup import cash_book, cash_requests, day_overview
from accounts.topup.cash import counter_of
from accounts.topup.cash_book import Counted
from accounts.topup.refunds import refunds_by
from console.amounts import AmountError, read_yuan
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import DONE, forbid_storing, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views import money as views
from database import new_id
from web.problems import ProblemError
from web.text import line
from web.times import Day

router = APIRouter(prefix="/console/money/day", include_in_schema=False, dependencies=[Depends(forbid_storing)])

PIECES = (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10)
"""Notes and coins in use, fen."""
_MOST_PIECES = 9_999
_MOST = 1_000_000_00
"""More than a drawer holds, fen."""
_REQUESTS = 20

Pieces = Annotated[str, Field(max_length=10)]


@router.get(
    "",
    dependencies=[record_disclosure("cash_book.read", "cash:list")],
    response_class=HTMLResponse,
    name="money_own_day_page",
)
def show(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    day: Annotated[Day | None, Query()] = None,
) -> HTMLResponse:
    """Show one's own counter on a day, today where none is named."""
    return _render(request, me, services, day)


class CountIn(BaseModel):
    """A drawer as it was counted: how many pieces of each kind, and the change that the day began with."""

    key: UUID
    day: Day
    opening: Annotated[str, Field(max_length=40)] = ""
    note: Annotated[str, line(200, min_length=0)] = ""
    pieces_10000: Pieces = ""
    pieces_5000: Pieces = ""
    pieces_2000: Pieces = ""
    pieces_1000: Pieces = ""
    pieces_500: Pieces = ""
    pieces_100: Pieces = ""
    pieces_50: Pieces = ""
    pieces_10: Pieces = ""

    def typed(self) -> dict[str, str]:
        """Return what was typed, for the form to be shown again."""
        return self.model_dump(exclude={"key", "day"})

    def total(self) -> int:
        """Return what the pieces come to, fen.

        Raises:
            AmountError: a number of pieces is none.
        """
        return sum(fen * _read_pieces(getattr(self, f"pieces_{fen}")) for fen in PIECES)


@router.post("/counts", name="money_count")
def count(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    given: Annotated[CountIn, Form()],
) -> Response:
    """Keep what was counted in the drawer; it can be counted again, and the last count is the one that holds."""
    box, now = counter_of(me.person_id), services.now()
    try:
        opening = read_yuan(given.opening or "0", least=0, most=_MOST)
        counted = Counted(given.key, box, given.day, opening, given.total(), given.note)
        begins, ends = day_overview.bounds(given.day, services.zone)
        with services.database.begin() as session:
            expected = cash_book.expected_in(cash_book.lines_of(session, box, begins, ends), opening)
            cash_book.count(session, counted, expected, by=me.actor, now=now)
    except AmountError as error:
        return _render(request, me, services, given.day, problem=error.words, typed=given.typed(), status=422)
    except ProblemError as error:
        problem = f"problem.{error.code}"
        return _render(request, me, services, given.day, problem=problem, status=error.status)
    return lead_to(request, f"{path_to(request, 'money_own_day_page')}?day={given.day}&{DONE}=counted#counts")


def _read_pieces(typed: str) -> int:
    plain = unicodedata.normalize("NFKC", typed).strip() or "0"
    if not (plain.isascii() and plain.isdecimal()) or int(plain) > _MOST_PIECES:
        raise AmountError("money.pieces_no_number")
    return int(plain)


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    day: date | None,
    *,
    problem: str | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    today = services.now().astimezone(services.zone).date()
    day = min(day or today, today)
    begins, ends = day_overview.bounds(day, services.zone)
    box = counter_of(me.person_id)
    with services.database.read() as session:
        lines = cash_book.lines_of(session, box, begins, ends)
        asked = cash_requests.find_recent(session, box=box, is_waiting=True, limit=_REQUESTS)
        persons = people.by_ids(session, {one.person_id for one in lines} | {one.person_id for one in asked})
        shown: dict[str, Any] = {
            "cashier": people.get(session, me.person_id),
            "counts": cash_book.counts_of(session, box, day),
            "asked": [views.describe_request(session, one, persons) for one in asked],
            "refunds": refunds_by(session, me.actor, begins, ends),
        }
    return render_page(
        request,
        "money/own_day.html",
        status=status,
        day=day,
        is_today=day == today,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        lines=[(one, persons.get(one.person_id)) for one in lines],
        taken_in=sum(one.amount for one in lines if one.purpose == "cash_in"),
        paid_out=sum(one.amount for one in lines if one.purpose == "cash_out"),
        expected=cash_book.expected_in(lines),
        pieces=PIECES,
        key=new_id(),
        problem=problem,
        typed=typed or {},
        printed_at=services.now(),
        **shown,
    )
