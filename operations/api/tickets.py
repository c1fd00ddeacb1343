"""Tickets for what moves a door: see `web.tickets`."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import ROLE_ERRORS, FacilitiesDep
from web import tickets
from web.problems import responses
from web.tickets import Ticket

router = APIRouter()

TicketAction = Literal["open", "hold", "lock", "lockdown", "release", "evacuate", "confirm", "forgive", "gate", "pass"]


class TicketIn(BaseModel):
    """What the ticket is for."""

    model_config = ConfigDict(extra="forbid")

    action: TicketAction = Field(
        description="an order's action; `confirm` another person's order; `forgive` passages; change or remove "
        "a `gate` or give it a rule; issue or end a `pass`"
    )


class TicketOut(BaseModel):
    """A ticket. Send it as the header `Door-Ticket` of one request, at once."""

    ticket: str
    action: str
    issued_at: datetime = Field(description="by the server's clock")
    lives_ms: int = Field(description="from `issued_at` on; no clock of the client's is asked")

    @classmethod
    def of(cls, ticket: Ticket) -> "TicketOut":
        """Show `ticket`."""
        lives_ms = round(tickets.LIFE.total_seconds() * 1000)
        return cls(ticket=ticket.token, action=ticket.action, issued_at=ticket.issued_at, lives_ms=lives_ms)


@router.post("/tickets", status_code=201, responses=responses(*ROLE_ERRORS))
def issue_ticket(wanted: TicketIn, staff: FacilitiesDep, request: Request) -> TicketOut:
    """Get a ticket for one thing that moves a door or changes how it behaves. Nothing happens by it alone.

    Ask for it when somebody wants the door to move, and act with it at once: after a few seconds it is worth nothing,
    so that no request that had to wait somewhere moves a door when nobody looks any more.
    """
    return TicketOut.of(tickets.of(request).issue(staff.person_id, wanted.action))


@router.delete("/tickets/{ticket}", status_code=204, responses=responses(*ROLE_ERRORS))
def void_ticket(ticket: str, staff: FacilitiesDep, request: Request) -> None:
    """Cancel: whatever shows this ticket, and has not reached the gates yet, does nothing."""
    tickets.of(request).void(ticket, staff.person_id)
