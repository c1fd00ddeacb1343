"""Importing a list of people: sent, looked at row by row, applied in the background, taken back within a day."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, File, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.people_import import records
from accounts.people_import.importer import RowOutcome
from accounts.people_import.list_table import ListTableError
from accounts.people_import.mapped_list import FIXABLE, MOST_ROWS, ColumnChoice
from accounts.people_import.people_list import COLUMNS
from accounts.people_import.runs import ColumnsMissingError, ImportRunningError, ImportRuns, WaitingList
from accounts.people_import.tables import ImportState, PeopleImport
from accounts.people_import.undo import find_obstacle, undoable_until
from accounts.vocabulary import PersonKind
from console.csv_table import csv_response, write_csv
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.formats import Formats
from console.rendering import done, forbid_storing, language_of, lead_to, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.texts import translator
from console.views.actors import name_actors
from console.views.import_rows import ShownRow, show_preview_row, show_stored_row
from web.paging import PageDep, PageRequest
from web.problems import NotFoundError, ProblemError

router = APIRouter(prefix="/console/office/imports", include_in_schema=False, dependencies=[Depends(forbid_storing)])

LARGEST = 8 * 1024 * 1024
IMPORTS_SHOWN = 20
ROWS_SHOWN = 100
LAST_LINE = 2**31 - 1
SAMPLES = 3
_COMPARES = record_disclosure("people.compare", "people:list")


@router.get("", response_class=HTMLResponse, name="office_imports_page")
def show_imports(request: Request, _admin: AdminDep, services: ServicesDep, page: PageDep) -> HTMLResponse:
    """Show the form that takes a list, and the imports so far."""
    return _render_imports(request, services, page.cursor)


@router.post("", name="office_send_list", response_model=None)
def send_list(
    request: Request,
    admin: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    file: Annotated[UploadFile, File()],
) -> Response:
    """Take a list, and lead to its preview."""
    content = file.file.read(LARGEST + 1)
    problem = "office.list_too_large" if len(content) > LARGEST else None
    if not content:
        problem = "office.list_missing"
    if problem is None:
        try:
            waiting = _runs(services).keep(admin.person_id, file.filename or "", content, now=services.now())
        except ListTableError as error:
            return _render_imports(request, services, None, status=422, problem=f"office.list_{error.reason}")
        return lead_to(request, path_to(request, "office_list_page", list_id=waiting.id))
    return _render_imports(request, services, None, status=422, problem=problem)


@router.get("/lists/{list_id}", response_class=HTMLResponse, name="office_list_page", dependencies=[_COMPARES])
def show_list(
    request: Request,
    *,
    admin: AdminDep,
    services: ServicesDep,
    list_id: UUID,
    outcome: Annotated[RowOutcome | None, Query()] = None,
    start: Annotated[int, Query(ge=0, le=MOST_ROWS)] = 0,
) -> HTMLResponse:
    """Show what the columns of a list hold, and what applying it would do."""
    try:
        waiting = _runs(services).waiting(list_id, admin.person_id, now=services.now())
    except NotFoundError:
        return _render_imports(request, services, None, status=404, problem="office.list_gone")
    return _render_list(request, services, waiting, outcome=outcome, start=start)


@router.post("/lists/{list_id}/columns", name="office_choose_columns", response_model=None)
async def choose_columns(
    request: Request, admin: AdminDep, services: ServicesDep, _same_origin: SameOriginDep, list_id: UUID
) -> Response:
    """Say what the columns hold, and what holds for every row."""
    form = await request.form()
    runs = _runs(services)
    waiting = runs.waiting(list_id, admin.person_id, now=services.now())
    known = set(waiting.table.columns)
    columns = {name: text for name in COLUMNS if (text := str(form.get(f"column_{name}", ""))) in known}
    fixed = {name: text[:100] for name in FIXABLE if (text := str(form.get(f"fixed_{name}", "")).strip())}
    runs.choose(waiting, ColumnChoice(columns, fixed))
    return done(request, "office_list_page", "columns_chosen", list_id=list_id)


@router.post("/lists/{list_id}/apply", name="office_apply_list", response_model=None)
def apply_list(
    request: Request, admin: AdminDep, services: ServicesDep, _same_origin: SameOriginDep, list_id: UUID
) -> Response:
    """Begin to apply a list, and lead to the import."""
    now = services.now()
    runs = _runs(services)
    waiting = runs.waiting(list_id, admin.person_id, now=now)
    try:
        import_id = runs.apply(waiting, now=now)
    except (ColumnsMissingError, ImportRunningError) as error:
        return _render_list(request, services, waiting, status=error.status, problem=f"problem.{error.code}")
    return lead_to(request, path_to(request, "office_import_page", import_id=import_id))


@router.post("/lists/{list_id}/drop", name="office_drop_list", response_model=None)
def drop_list(
    request: Request, admin: AdminDep, services: ServicesDep, _same_origin: SameOriginDep, list_id: UUID
) -> Response:
    """Forget a list that shall not be applied."""
    runs = _runs(services)
    runs.drop(runs.waiting(list_id, admin.person_id, now=services.now()))
    return done(request, "office_imports_page", "list_dropped")


@router.get("/{import_id}", response_class=HTMLResponse, name="office_import_page", dependencies=[_COMPARES])
def show_import(
    request: Request,
    *,
    _admin: AdminDep,
    services: ServicesDep,
    import_id: UUID,
    outcome: Annotated[RowOutcome | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=LAST_LINE)] = 0,
) -> HTMLResponse:
    """Show an import: how far it is, or what came of it."""
    return _render_import(request, services, import_id, outcome=outcome, after=after)


@router.get("/{import_id}/progress", name="office_import_progress")
def read_progress(_admin: AdminDep, services: ServicesDep, import_id: UUID) -> dict[str, Any]:
    """Tell how far the work on an import is; `running` false when it has ended."""
    progress = _runs(services).progress(import_id)
    if progress is None:
        return {"running": False}
    return {"running": True, "done": progress.done, "total": progress.total}


@router.get("/{import_id}/report", name="office_import_report", dependencies=[_COMPARES])
def read_report(
    request: Request, _admin: AdminDep, services: ServicesDep, import_id: UUID, response: Response
) -> Response:
    """Return every row of an import as a table for a spreadsheet."""
    translate = translator(language_of(request))
    formats = Formats(language_of(request), services.zone)
    heads = ("line", "number", "outcome", "changes", "reason", "undo")
    lines: list[tuple[object, ...]] = []
    with services.database.read() as session:
        found = records.get(session, import_id)
        line = 0
        while rows := records.find_rows(session, import_id, after=line, limit=1000):
            for row in rows:
                shown = show_stored_row(row, translate, formats)
                outcome = translate(f"outcome.{row.outcome}")
                lines.append((row.line, row.number, outcome, shown.changed, shown.reason, shown.undo))
            line = rows[-1].line
            session.expunge_all()
    name = f"import-{found.started_at.astimezone(services.zone):%Y%m%d-%H%M}.csv"
    return csv_response(write_csv([translate(f"office.report_{head}") for head in heads], lines), name, response)


@router.post("/{import_id}/undo", name="office_undo_import", response_model=None)
def undo_import(
    request: Request, admin: AdminDep, services: ServicesDep, _same_origin: SameOriginDep, import_id: UUID
) -> Response:
    """Begin to take an import back."""
    try:
        _runs(services).undo(import_id, by=admin.actor, acting=admin.person_id, now=services.now())
    except ProblemError as error:
        return _render_import(request, services, import_id, status=error.status, problem=f"problem.{error.code}")
    return lead_to(request, path_to(request, "office_import_page", import_id=import_id))


def _runs(services: ConsoleServices) -> ImportRuns:
    return services.accounts.people_imports


def _render_imports(request: Request, services: ConsoleServices, cursor: str | None, **more: Any) -> HTMLResponse:
    page = PageRequest(IMPORTS_SHOWN, cursor)
    with services.database.read() as session:
        found = records.find(session, before=page.after(tuple[datetime, UUID]), limit=page.limit + 1)
    shown, following = page.cut(found, lambda one: (one.started_at, one.id))
    return render_page(
        request,
        "office/imports.html",
        imports=[(one, _standing(services, one)) for one in shown],
        names=_names(services, shown),
        next=f"{path_to(request, 'office_imports_page')}?{urlencode({'cursor': following})}" if following else None,
        **more,
    )


def _render_list(
    request: Request,
    services: ConsoleServices,
    waiting: WaitingList,
    *,
    outcome: RowOutcome | None = None,
    start: int = 0,
    **more: Any,
) -> HTMLResponse:
    translate, formats = translator(language_of(request)), Formats(language_of(request), services.zone)
    plan = _runs(services).preview(waiting, now=services.now()) if waiting.choice.is_complete else None
    results = plan.results if plan is not None else ()
    wanted = [one for one in results if outcome is None or one.outcome is outcome]
    shown: list[ShownRow] = [show_preview_row(one, translate, formats) for one in wanted[start : start + ROWS_SHOWN]]
    here = path_to(request, "office_list_page", list_id=waiting.id)
    query = {"start": start + ROWS_SHOWN} | ({"outcome": outcome.value} if outcome else {})
    return render_page(
        request,
        "office/list.html",
        waiting=waiting,
        fields=COLUMNS,
        fixable=FIXABLE,
        samples=[row.cells for row in waiting.table.rows[:SAMPLES]],
        kinds=list(PersonKind),
        planned_at=plan and plan.made_at,
        totals=Counter(one.outcome.value for one in results),
        first_passwords=sum(one.first_passwords for one in results),
        outcomes=list(RowOutcome),
        outcome=outcome,
        rows=shown,
        start=start,
        next=f"{here}?{urlencode(query)}" if len(wanted) > start + ROWS_SHOWN else None,
        **more,
    )


def _render_import(
    request: Request,
    services: ConsoleServices,
    import_id: UUID,
    *,
    outcome: RowOutcome | None = None,
    after: int = 0,
    **more: Any,
) -> HTMLResponse:
    translate, formats = translator(language_of(request)), Formats(language_of(request), services.zone)
    progress = _runs(services).progress(import_id)
    with services.database.read() as session:
        found = records.get(session, import_id)
        rows = list(
            records.find_rows(session, import_id, outcome=outcome and outcome.value, after=after, limit=ROWS_SHOWN + 1)
        )
        undone = records.count_undone(session, import_id)
        persons = people.by_ids(session, {row.person_id for row in rows[:ROWS_SHOWN] if row.person_id})
    called: dict[UUID | None, str] = {person_id: person.name for person_id, person in persons.items()}
    obstacle = find_obstacle(found, services.now())
    here = path_to(request, "office_import_page", import_id=import_id)
    query = ({"outcome": outcome.value} if outcome else {}) | {
        "after": rows[ROWS_SHOWN - 1].line if rows[ROWS_SHOWN:] else 0
    }
    return render_page(
        request,
        "office/import.html",
        found=found,
        standing=_standing(services, found),
        progress=progress,
        names=_names(services, [found]),
        not_undoable=obstacle and f"problem.{obstacle.code}",
        undo_until=undoable_until(found),
        rows=[show_stored_row(row, translate, formats, called.get(row.person_id, "")) for row in rows[:ROWS_SHOWN]],
        outcomes=list(RowOutcome),
        outcome=outcome,
        undone=undone,
        next=f"{here}?{urlencode(query)}" if rows[ROWS_SHOWN:] else None,
        **more,
    )


def _standing(services: ConsoleServices, one: PeopleImport) -> str:
    """Return where an import stands: one that nothing works on any more was cut off."""
    is_at_work = _runs(services).progress(one.id) is not None
    if one.state in {ImportState.RUNNING, ImportState.UNDOING} and not is_at_work:
        return ImportState.STOPPED.value
    return one.state


def _names(services: ConsoleServices, found: Sequence[PeopleImport]) -> dict[str, str]:
    actors = {one.started_by for one in found} | {one.undone_by for one in found if one.undone_by}
    return name_actors(services.names, actors)
