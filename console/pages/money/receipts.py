"""A receipt to print, of cash that moved or waits for a second person."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger.chart import account
from accounts.ledger.posting import find
from accounts.topup import cash_requests
from accounts.topup.cash import IN, OUT
from accounts.topup.tables import CashRequest
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import forbid_storing, render_page
from console.views import money as views
from web.problems import NotFoundError

router = APIRouter(prefix="/console/money/receipts", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get(
    "/{transfer_id}",
    dependencies=[record_disclosure("receipt.read", "transfer:{transfer_id}")],
    response_class=HTMLResponse,
    name="money_receipt_page",
)
def show(transfer_id: UUID, request: Request, _me: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show what changed hands: whose, how much, the balance after it, who did it and when."""
    with services.database.read() as session:
        shown = _describe(session, transfer_id)
    return render_page(request, "money/receipt.html", number=_number(transfer_id), **shown)


def _describe(session: Session, transfer_id: UUID) -> dict[str, Any]:
    entry, asked = find(session, transfer_id), session.get(CashRequest, transfer_id)
    if entry is not None and entry.purpose in (IN, OUT):
        is_in = entry.purpose == IN
        box = account(session, entry.debit if is_in else entry.credit).name
        return {
            "person": people.get(session, entry.credit if is_in else entry.debit),
            "is_in": is_in,
            "amount": entry.amount,
            "balance": entry.credit_balance if is_in else entry.debit_balance,
            "at": entry.recorded_at,
            "box": views.describe_box(session, box),
            "state": cash_requests.DONE,
        }
    if asked is None:
        raise NotFoundError("there is no receipt with this id")
    return {
        "person": people.get(session, asked.person_id),
        "is_in": asked.purpose == IN,
        "amount": asked.amount,
        "balance": None,
        "at": asked.decided_at or asked.asked_at,
        "box": views.describe_box(session, asked.box),
        "state": asked.state,
    }


def _number(transfer_id: UUID) -> str:
    """Return an id as somebody reads it out: its last twelve digits in groups."""
    last = transfer_id.hex[-12:].upper()
    return " ".join(last[start : start + 4] for start in range(0, 12, 4))
