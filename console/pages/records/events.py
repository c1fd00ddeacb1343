"""Events of all gates: looked for by person, gate, time, kind, reason and result, one row for one passage."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, Field

from access.reasons import Reason
from accounts import people
from console import texts
from console.csv_table import csv_response, local_time, write_csv
from console.dependencies import ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.excel_table import workbook_response, write_workbook
from console.pages.records.period import Period, PeriodDep
from console.rendering import forbid_storing, language_of, path_to, render_page
from console.services import ConsoleServices
from console.texts import Translate
from console.views.records import FoundPassage, describe_passages
from directory import gates
from messages import EventKind
from operations.event_search import Cursor, EventSearch, find_passages
from web.paging import PageRequest, encode_cursor
from web.text import OptionalLine

router = APIRouter(prefix="/console/records/events", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ROWS = 50
_MOST_ROWS = 20_000
_MOST_PEOPLE = 200
_AT_A_TIME = 500

Typed = OptionalLine
LOOK = record_disclosure("events.read", "events:list")


class _CursorKey(NamedTuple):
    at: AwareDatetime
    sequence: Annotated[int, Field(ge=0, lt=2**63)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The filters as they were typed, and the search that they come to."""

    typed: dict[str, str]
    period: Period
    kinds: frozenset[str] | None
    granted: bool | None

    def query(self, **more: str) -> str:
        return urlencode({name: value for name, value in (self.period.typed | self.typed | more).items() if value})

    def search(self, services: ConsoleServices) -> EventSearch:
        return EventSearch(
            since=self.period.since,
            until=self.period.until,
            gates=frozenset({self.typed["gate"]}) if self.typed["gate"] else None,
            people=_find_people(services, self.typed["person"]) if self.typed["person"] else None,
            kinds=self.kinds,
            reason=self.typed["reason"] or None,
            granted=self.granted,
        )


def _find_people(services: ConsoleServices, words: str) -> frozenset[Any]:
    with services.database.read() as session:
        return frozenset(one.id for one in people.find(session, search=words, limit=_MOST_PEOPLE))


async def _asked(
    period: PeriodDep,
    *,
    gate: Typed = "",
    person: Typed = "",
    kind: Typed = "",
    reason: Typed = "",
    result: Annotated[Literal["", "granted", "refused"], Query()] = "",
) -> _Asked:
    typed = {"gate": gate, "person": person.strip(), "kind": kind, "reason": reason, "result": result}
    granted = {"granted": True, "refused": False}.get(result)
    return _Asked(typed, period, frozenset({kind}) if kind in set(EventKind) else None, granted)


AskedDep = Annotated[_Asked, Depends(_asked)]


@router.get("", response_class=HTMLResponse, dependencies=[LOOK], name="event_records_page")
def show(
    request: Request,
    _staff: StaffDep,
    services: ServicesDep,
    asked: AskedDep,
    *,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show a page of what was found, newest first."""
    before = PageRequest(_ROWS, cursor or None).after(_CursorKey)
    search = asked.search(services)
    with services.database.read() as session:
        titles = gates.find_titles(session)
        found, following = find_passages(session, search, before=before, limit=_ROWS)
    return render_page(
        request,
        "records/events.html",
        status=422 if asked.period.problem else 200,
        problem=asked.period.problem,
        asked=asked,
        titles=titles,
        kinds=list(EventKind),
        reasons=[one for one in Reason if one is not Reason.GRANTED],
        rows=describe_passages(services, found),
        is_later_page=before is not None,
        next=f"{path_to(request, 'event_records_page')}?{asked.query(cursor=encode_cursor(following))}"
        if following
        else None,
    )


@router.get("/table", dependencies=[LOOK], name="event_records_table")
def table(
    request: Request,
    _staff: StaffDep,
    services: ServicesDep,
    asked: AskedDep,
    form: Literal["csv", "xlsx"] = "csv",
    *,
    response: Response,
) -> Response:
    """Return what was found as a table of at most 20,000 passages, newest first."""
    t = texts.translator(language_of(request))
    with services.database.read() as session:
        titles = gates.find_titles(session)
    heading, rows = table_heading(t), table_rows(_all_rows(services, asked.search(services)), titles, t)
    name = f"campusgate-events-{asked.period.since:%Y%m%d}-{asked.period.until:%Y%m%d}.{form}"
    if form == "xlsx":
        return workbook_response(write_workbook(t("records.events"), heading, rows, services.zone), name, response)
    local = ([local_time(row[0], services.zone), *row[1:]] for row in rows)
    return csv_response(write_csv(heading, local), name, response)


def table_heading(t: Translate) -> list[str]:
    """Return the columns of a table of passages."""
    names = ("time", "gate", "event", "result", "number", "person", "department", "by", "why", "notice")
    return [t(f"records.column_{name}") for name in names]


def table_rows(found: Iterator[FoundPassage], titles: dict[str, str], t: Translate) -> Iterator[list[Any]]:
    """Yield the rows of a table of passages; the first cell is a moment."""
    for row in found:
        granted = {True: t("records.granted"), False: t("records.refused"), None: ""}[row["granted"]]
        yield [
            row.at,
            titles.get(row["gate"], row["gate"]),
            t(f"kind.{row['kind']}"),
            granted if row["outcome"] is None else f"{granted} · {t('kind.' + row['outcome'])}",
            row.person.number if row.person else "",
            row.person.name if row.person else row["person"] or "",
            (row.person.department or "") if row.person else "",
            t(f"method.{row['method']}") if row["method"] else "",
            t(f"reason.{row['reason']}") if row["reason"] and row["granted"] is False else "",
            t("order.between").join(t(f"reason.{one}") for one in row["notices"]),
        ]


def _all_rows(services: ConsoleServices, search: EventSearch) -> Iterator[FoundPassage]:
    cursor: Cursor | None = None
    for _ in range(_MOST_ROWS // _AT_A_TIME):
        with services.database.read() as session:
            found, cursor = find_passages(session, search, before=cursor, limit=_AT_A_TIME)
        yield from describe_passages(services, found)
        if cursor is None:
            return
