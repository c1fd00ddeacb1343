"""The gates one may pass, and when; and where one passed."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.dependencies import HolderDep, ServicesDep
from console.rendering import forbid_storing, render_page
from console.views.own_gates import describe_gates
from directory.entitlements import find_entitlements

router = APIRouter(prefix="/console/me/gates", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_UNFOLDED = 3
"""So many gates are shown unfolded; of more each is a line that unfolds."""


@router.get("", response_class=HTMLResponse, name="own_gates_page")
def gates_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show which gates one may pass, on which hours of the week, with what, and why not where not."""
    now = services.now()
    with services.database.read() as session:
        found = find_entitlements(session, services.sealer, me.person_id, now)
    mine = describe_gates([one for one in found if one.refusal is None], now, services.zone)
    return render_page(
        request,
        "mine/gates.html",
        problem=None,
        gates=mine,
        others=[one for one in found if one.refusal is not None],
        unfolded=len(mine) <= _UNFOLDED,
    )
