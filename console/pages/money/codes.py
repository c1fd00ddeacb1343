"""Codes to be printed: the one that anybody tops an account up by, and each merchant's."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from accounts.payments import merchant_codes
from console import qr
from console.dependencies import CashierDep, ServicesDep
from console.rendering import complete_address, forbid_storing, path_to, render_page

router = APIRouter(prefix="/console/money/codes", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get("/top-up", response_class=HTMLResponse, name="money_top_up_code_page")
def show_top_up(request: Request, _me: CashierDep) -> HTMLResponse:
    """Show the static code for top-ups."""
    return _render(request, path_to(request, "scan_top_up_form"), "money.code_top_up", "money.code_top_up_what")


@router.get("/merchants/{merchant_id}", response_class=HTMLResponse, name="money_merchant_code_page")
def show_merchant(merchant_id: UUID, request: Request, _me: CashierDep, services: ServicesDep) -> HTMLResponse:
    """Show a merchant's code."""
    with services.database.read() as session:
        name = merchant_codes.find_merchant(session, merchant_id).name
    address = path_to(request, "scan_merchant_page", merchant_id=merchant_id)
    return _render(request, address, "money.code_merchant", "money.code_merchant_what", merchant=name)


def _render(request: Request, address: str, title: str, what: str, merchant: str | None = None) -> HTMLResponse:
    whole = complete_address(request, address)
    return render_page(
        request, "money/code.html", title=title, what=what, merchant=merchant, code=qr.draw(whole), whole=whole
    )
