"""Where one passed, or was not let in, and why; one row for each passage."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from accounts.principals import Principal
from console import texts
from console.csv_table import csv_response, write_csv
from console.dependencies import HolderDep, ServicesDep
from console.forms import Days, read_days
from console.rendering import forbid_storing, language_of, path_to, render_page
from console.services import ConsoleServices
from console.views.own_passages import describe_passages, find_known_gates
from operations.event_search import Cursor, EventSearch, find_passages
from web.paging import PageRequest, encode_cursor

router = APIRouter(prefix="/console/me/gates/passages", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ON_A_PAGE = 30
_MOST_ROWS = 10_000

Typed = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for, as it was typed, and what it comes to."""

    typed: dict[str, str]
    days: Days
    granted: bool | None

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.typed.items() if value})

    def search(self, me: Principal, services: ConsoleServices) -> EventSearch:
        def begin(day: date) -> datetime:
            return datetime.combine(day, time(), services.zone)

        gate = self.typed["gate"]
        return EventSearch(
            since=begin(self.days.first),
            until=begin(self.days.last + timedelta(days=1)),
            gates=frozenset({gate}) if gate else None,
            people=frozenset({me.person_id}),
            granted=self.granted,
        )


async def _asked(
    services: ServicesDep,
    *,
    first: Annotated[Typed, Query(alias="from")] = "",
    last: Annotated[Typed, Query(alias="to")] = "",
    gate: Typed = "",
    result: Annotated[Literal["", "granted", "refused"], Query()] = "",
) -> _Asked:
    today = services.now().astimezone(services.zone).date()
    typed = {"from": first, "to": last, "gate": gate, "result": result}
    granted = {"granted": True, "refused": False}.get(result)
    return _Asked(typed, read_days(first, last, today), granted)


AskedDep = Annotated[_Asked, Depends(_asked)]


@router.get("", response_class=HTMLResponse, name="passages_page")
def passages_page(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    asked: AskedDep,
    *,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show one's own passages, the newest first."""
    page = PageRequest(_ON_A_PAGE, cursor or None)
    with services.database.read() as session:
        known = find_known_gates(session)
        found, following = find_passages(
            session, asked.search(me, services), before=page.after(tuple[datetime, int]), limit=page.limit
        )
        shown = describe_passages(found, known)
    following_query = None if following is None else urlencode({"cursor": encode_cursor(_plain(following))})
    return render_page(
        request,
        "mine/passages.html",
        status=200 if asked.days.problem is None else 422,
        problem=asked.days.problem,
        asked=asked,
        gates=[("", texts.translator(language_of(request))("own_passages.any_gate"))]
        + [(name, gate.title) for name, gate in known.items()],
        passages=shown,
        next=f"{path_to(request, 'passages_page')}?{asked.query}&{following_query}" if following_query else None,
    )


@router.get("/table.csv", response_class=Response, name="own_passages_csv")
def download_csv(
    request: Request, me: HolderDep, services: ServicesDep, asked: AskedDep, response: Response
) -> Response:
    """Download one's own passages that are asked for as CSV, the newest first, at most 10,000."""
    t = texts.translator(language_of(request))
    with services.database.read() as session:
        known = find_known_gates(session)
        found, _ = find_passages(session, asked.search(me, services), limit=_MOST_ROWS)
        shown = describe_passages(found, known)
    heading = [t(f"own_passages.{one}") for one in ("csv_time", "gate", "csv_direction", "csv_method", "result")]
    rows = [
        (
            f"{one.at.astimezone(services.zone):%Y-%m-%d %H:%M:%S}",
            one.gate,
            t(f"own_passages.{one.direction}") if one.direction else "",
            t(f"method.{one.method}") if one.method else "",
            t(f"own_passages.result_{one.result}"),
            t(f"reason.{one.reason}") if one.reason else "",
        )
        for one in shown
    ]
    name = f"passages-{asked.days.first:%Y%m%d}-{asked.days.last:%Y%m%d}.csv"
    return csv_response(write_csv([*heading, t("own_passages.csv_reason")], rows), name, response)


def _plain(cursor: Cursor) -> tuple[str, int]:
    at, sequence = cursor
    return at.isoformat(), sequence
