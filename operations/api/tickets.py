"""Tickets for what moves a door: see `web.tickets`."""

from fastapi import APIRouter, Request

from accounts.api.dependencies import ROLE_ERRORS, FacilitiesDep
from operations.schemas import TicketIn, TicketOut
from web import tickets
from web.problems import responses

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])


@router.post("/tickets", status_code=201, responses=responses(*ROLE_ERRORS))
def issue_ticket(wanted: TicketIn, staff: FacilitiesDep, request: Request) -> TicketOut:
    """Get a ticket for one thing that moves a door or changes how it behaves. Nothing happens by it alone.

    Ask for it when somebody wants the door to move, and act with it at once: after a few seconds it is worth nothing,
    so that no request that had to wait somewhere moves a door when nobody looks any more.
    """
    return TicketOut.of(tickets.tickets_of(request).issue(staff.person_id, wanted.action))


@router.delete("/tickets/{ticket}", status_code=204, responses=responses(*ROLE_ERRORS))
def void_ticket(ticket: str, staff: FacilitiesDep, request: Request) -> None:
    """Cancel: whatever shows this ticket, and has not reached the gates yet, does nothing."""
    tickets.tickets_of(request).void(ticket, staff.person_id)
