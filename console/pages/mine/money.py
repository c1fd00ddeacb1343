"""A person's own money: what there is, what moved it, and the statement as a file."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.ledger import find_account
from accounts.ledger.statement import StatementLine, open_holds, statement, sum_period
from accounts.principals import Principal
from accounts.topup import orders
from console import texts
from console.csv_table import csv_response, download
from console.dependencies import HolderDep, ServicesDep
from console.forms import read_days
from console.rendering import forbid_storing, language_of, path_to, render_page
from console.services import ConsoleServices
from console.statement_files import StatementFile, write_statement_csv, write_statement_pdf
from console.views.own_top_ups import describe_orders
from console.views.statement import describe_lines
from console.views.statement_search import KINDS, StatementWish, select_lines
from web.paging import PageRequest
from web.problems import ProblemError

router = APIRouter(prefix="/console/me/money", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_LINES = 30
_TOP_UPS = 3
_MOST_LINES = 5_000

Typed = Annotated[str, Query(max_length=100)]


class StatementTooLongError(ProblemError):
    """A file of so many lines is of no use to anybody."""

    code = "statement_too_long"
    status = 422
    title = "Choose fewer days: a file holds at most 5,000 lines"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for, as it was typed, and what it comes to."""

    typed: dict[str, str]
    wish: StatementWish
    problem: str | None

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.typed.items() if value})


async def _asked(
    services: ServicesDep,
    *,
    first: Annotated[Typed, Query(alias="from")] = "",
    last: Annotated[Typed, Query(alias="to")] = "",
    kind: Typed = "",
    direction: Annotated[Literal["", "in", "out"], Query()] = "",
    words: Typed = "",
) -> _Asked:
    today = services.now().astimezone(services.zone).date()
    typed = {"from": first, "to": last, "kind": kind, "direction": direction, "words": words}
    days = read_days(first, last, today)
    incoming = {"in": True, "out": False}.get(direction)
    wish = StatementWish(days.first, days.last, kind if kind in KINDS else None, incoming, words.strip())
    return _Asked(typed, wish, days.problem)


AskedDep = Annotated[_Asked, Depends(_asked)]


@router.get("", response_class=HTMLResponse, name="money_page")
def money_page(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    asked: AskedDep,
    *,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show the balance, the last top-ups, and the statement of the days that are asked for."""
    page = PageRequest(_LINES, cursor or None)
    t = texts.translator(language_of(request))
    with services.database.read() as session:
        wallet = find_account(session, me.person_id)
        selection = select_lines(session, asked.wish, me.person_id, t, services.zone)
        totals = sum_period(session, me.person_id, selection)
        found = statement(session, me.person_id, before=page.after(int), limit=page.limit + 1, selection=selection)
        rows, following = page.cut(found, lambda row: row.serial)
        context: dict[str, Any] = {
            "wallet": wallet,
            "holds": open_holds(session, me.person_id),
            "top_ups": describe_orders(session, orders.find_of_person(session, me.person_id, limit=_TOP_UPS), t),
            "totals": totals,
            "is_part": selection.has_conditions,
            "lines": describe_lines(session, me.person_id, rows, t),
        }
    return render_page(
        request,
        "mine/money.html",
        status=200 if asked.problem is None else 422,
        problem=asked.problem,
        asked=asked,
        kinds=list(KINDS),
        channels=sorted(services.money.channels),
        has_library=services.fines is not None,
        is_later_page=page.cursor is not None,
        next=f"{path_to(request, 'money_page')}?{asked.query}&{urlencode({'cursor': following})}#statement"
        if following
        else None,
        **context,
    )


@router.get("/statement.csv", response_class=Response, name="money_csv")
def download_csv(
    request: Request, me: HolderDep, services: ServicesDep, asked: AskedDep, response: Response
) -> Response:
    """Download the lines that are asked for as CSV."""
    t = texts.translator(language_of(request))
    file = _gather(services, me, asked.wish, t)
    return csv_response(write_statement_csv(file, t), _name_file(asked.wish, "csv"), response)


@router.get("/statement.pdf", response_class=Response, name="money_pdf")
def download_pdf(
    request: Request, me: HolderDep, services: ServicesDep, asked: AskedDep, response: Response
) -> Response:
    """Download the lines that are asked for as PDF."""
    t = texts.translator(language_of(request))
    file = _gather(services, me, asked.wish, t)
    return download(write_statement_pdf(file, t), _name_file(asked.wish, "pdf"), "application/pdf", response)


def _gather(services: ConsoleServices, me: Principal, wish: StatementWish, t: texts.Translate) -> StatementFile:
    with services.database.read() as session:
        person = people.get(session, me.person_id)
        selection = select_lines(session, wish, me.person_id, t, services.zone)
        # What is booked from here on stands in neither the sums nor the lines.
        totals = sum_period(session, me.person_id, selection)
        rows: list[StatementLine] = statement(
            session, me.person_id, before=totals.last + 1, limit=_MOST_LINES + 1, selection=selection
        )
        if len(rows) > _MOST_LINES:
            raise StatementTooLongError
        return StatementFile(
            holder=person.name,
            number=person.number,
            wish=wish,
            totals=totals,
            is_part=selection.has_conditions,
            lines=describe_lines(session, me.person_id, rows[::-1], t),
            made_at=services.now(),
            zone=services.zone,
        )


def _name_file(wish: StatementWish, ending: str) -> str:
    return f"statement-{_plain(wish.first)}-{_plain(wish.last)}.{ending}"


def _plain(day: date | datetime) -> str:
    return f"{day:%Y%m%d}"
