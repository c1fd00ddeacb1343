"""Subsidies by list: a table is read, every row is checked and shown with the total, and only then it is paid."""

import csv
import io
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from accounts.ledger.tables import LedgerAccount
from accounts.ledger.transfer import AccountKind
from accounts.people_import.list_table import ListTableError
from accounts.people_import.workbook import read_list
from accounts.topup import subsidies, subsidy_list
from accounts.topup.subsidy_list import MOST_ROWS, CheckedRow
from console.amounts import read_yuan
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from database import new_id
from web.problems import ProblemError
from web.text import Slug

router = APIRouter(prefix="/console/money/subsidies", include_in_schema=False, dependencies=[Depends(forbid_storing)])

MAX_LIST_BYTES = 2_097_152
_SHOWN = 500
"""Rows that are shown of a long list; those with a fault come first."""
_SLUG: TypeAdapter[str] = TypeAdapter(Slug)
_LOOKS = record_disclosure("people.read", "people:list")

Fund = Annotated[str, Form(max_length=100)]


@router.get("", response_class=HTMLResponse, name="money_subsidies_page")
def show(request: Request, _me: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show the form that takes a list."""
    return _render_form(request, services)


@router.post("/preview", dependencies=[_LOOKS], response_class=HTMLResponse, name="money_preview_subsidies")
def preview(
    request: Request,
    me: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    fund: Fund = "",
    table: Annotated[UploadFile | None, File()] = None,
) -> HTMLResponse:
    """Read a list and show who would get what; nothing is paid."""
    problems = {} if _is_slug(fund) else {"fund": "money.no_slug"}
    rows: list[subsidy_list.ListedRow] = []
    content = b"" if table is None else table.file.read(MAX_LIST_BYTES + 1)
    try:
        if not content:
            raise ListTableError("no list was chosen")
        rows = subsidy_list.rows_of(read_list(content))
    except ListTableError as error:
        problems["table"] = _words_of(error)
    if problems:
        return _render_form(request, services, fund=fund, problems=problems, status=422)
    with services.database.read() as session:
        checked = subsidy_list.check(session, rows, read_yuan, by=me.person_id)
    return _render_preview(request, fund.strip(), checked)


@router.post("", dependencies=[_LOOKS], response_class=HTMLResponse, name="money_pay_subsidies")
def pay(
    request: Request,
    me: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    key: Annotated[UUID, Form()],
    fund: Fund,
    rows: Annotated[str, Form(max_length=1_000_000)],
) -> HTMLResponse:
    """Pay the rows that were shown as good; the same form again pays nothing twice."""
    listed = _read_rows(rows)
    with services.database.read() as session:
        # By the accounts of this moment: whoever was suspended meanwhile is answered for by the ledger.
        checked = subsidy_list.check(session, listed, read_yuan, by=me.person_id)
        persons = {one.person.id: one.person for one in checked if one.person is not None}
    payable = [one for one in checked if one.is_good or one.fault is subsidy_list.RowFault.ACCOUNT]
    grants = [subsidies.Grant(one.person.id, one.fen) for one in payable if one.person and one.fen]
    try:
        if not _is_slug(fund) or not grants:
            return _render_form(request, services, fund=fund, status=422)
        subsidies.require_payable(me, grants)
        results = subsidies.pay(services.money, key, fund, grants, by=me.actor, now=services.now())
    except ProblemError as error:
        problems = {"table": f"problem.{error.code}"}
        return _render_form(request, services, fund=fund, problems=problems, status=error.status)
    refused = [one for one in results if not one.credited]
    return render_page(
        request,
        "money/subsidies_paid.html",
        fund=fund,
        at=services.now(),
        results=sorted(results, key=lambda one: one.credited)[:_SHOWN],
        persons=persons,
        left_out=max(0, len(results) - _SHOWN),
        paid=sum(one.amount for one in results if one.credited),
        number=len(results) - len(refused),
        refused=len(refused),
    )


def _render_form(
    request: Request,
    services: ConsoleServices,
    *,
    fund: str = "",
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    with services.database.read() as session:
        query = select(LedgerAccount.name).where(LedgerAccount.kind == AccountKind.SUBSIDY.value)
        funds = session.scalars(query.order_by(LedgerAccount.name)).all()
    return render_page(
        request,
        "money/subsidies.html",
        status=status,
        fund=fund,
        funds=funds,
        problems=problems or {},
        most=MOST_ROWS,
    )


def _render_preview(request: Request, fund: str, checked: list[CheckedRow]) -> HTMLResponse:
    good = [one for one in checked if one.is_good]
    faulty = [one for one in checked if not one.is_good]
    shown: dict[str, Any] = {
        "rows": [*faulty, *good][:_SHOWN],
        "left_out": max(0, len(checked) - _SHOWN),
        "good": len(good),
        "faulty": len(faulty),
        "twice": len({one.person.id for one in faulty if one.fault is subsidy_list.RowFault.TWICE and one.person}),
        "total": sum(one.fen or 0 for one in good),
        "highest": max((one.fen or 0 for one in good), default=0),
        "written": _write_rows(good),
    }
    return render_page(request, "money/subsidies_preview.html", fund=fund, key=new_id(), **shown)


def _write_rows(rows: list[CheckedRow]) -> str:
    """Return rows as they travel through the form, so that what is paid is what was shown."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerows((one.row.number, one.row.amount) for one in rows)
    return written.getvalue()


def _read_rows(written: str) -> list[subsidy_list.ListedRow]:
    lines = csv.reader(io.StringIO(written.replace("\r\n", "\n")))
    return [
        subsidy_list.ListedRow(number, cells[0], "", cells[1])
        for number, cells in enumerate(lines, 1)
        if len(cells) == 2
    ][:MOST_ROWS]


def _words_of(error: ListTableError) -> str:
    """Return the key of what is wrong with a file as a whole."""
    said = str(error)
    for part, words in (
        ("no list", "money.list_missing"),
        ("column `number`", "money.list_no_number"),
        ("column `amount`", "money.list_no_amount"),
        ("no rows", "money.list_empty"),
        ("at most", "money.list_too_long"),
    ):
        if part in said:
            return words
    return "money.list_unreadable"


def _is_slug(text: str) -> bool:
    try:
        _SLUG.validate_python(text.strip())
    except ValidationError:
        return False
    return True
