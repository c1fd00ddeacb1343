"""A new card on its way out of the kiosk's dispenser: followed until it is there, or will not come."""

from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from card_dispensing import issues, sightings
from card_dispensing.contract import IssueState
from card_dispensing.tables import CardIssue
from console.dependencies import ServicesDep
from console.pages.kiosk.screens import KnownDep, go_on, render_screen
from console.pages.kiosk.start import describe_holder
from console.rendering import forbid_storing

router = APIRouter(prefix="/console/kiosk/reissue", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_SHOWN_S: Final = 240
"""Longer than a card may be on its way: whoever waits for it does not touch the screen."""
_TOLD_S: Final = 45
"""How long what became of it is shown to whoever does not touch the screen."""
_ON_THE_WAY: Final = frozenset({"preparing", "booked"})


@router.get("/{issue_id}", response_class=HTMLResponse, name="kiosk_issue_page")
def show(issue_id: UUID, request: Request, visit: KnownDep, services: ServicesDep) -> HTMLResponse:
    """Show how far it is, or what became of it."""
    with services.database.read() as session:
        issue = issues.find_own(session, issue_id, visit.person_id)
    stage = _find_stage(issue, services.now())
    return render_screen(
        request,
        services,
        "kiosk/card_issue.html",
        visit=visit,
        issue=issue,
        stage=stage,
        is_on_the_way=stage in _ON_THE_WAY,
        idle_s=_SHOWN_S if stage in _ON_THE_WAY else _TOLD_S,
        **describe_holder(services, visit),
    )


@router.get("/{issue_id}/state", response_class=JSONResponse, name="kiosk_issue_state")
def state(issue_id: UUID, visit: KnownDep, services: ServicesDep) -> Response:
    """Return how far it is. The visit goes on meanwhile: whoever waits for a card does not touch the screen."""
    with services.database.read() as session:
        issue = issues.find_own(session, issue_id, visit.person_id)
    return go_on(services, JSONResponse({"stage": _find_stage(issue, services.now())}), visit)


def _find_stage(issue: CardIssue, now: datetime) -> str:
    """Return what the holder is told."""
    match issue.state:
        case IssueState.FAILED:
            if issue.problem == sightings.FEE_KEPT:
                return "fee_kept"
            return "failed" if issue.booked_at is None else "reversed"
        case IssueState.HANDED_OUT:
            return "handed_out"
        case IssueState.UNCLEAR:
            return "undecided"
        case IssueState.BOOKED:
            return "undecided" if issues.is_late(issue, now) else "booked"
        case _:
            # Nothing is booked from then on, whether or not its dispenser is there to say so.
            return "failed" if issues.is_late(issue, now) else "preparing"
