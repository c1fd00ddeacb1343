"""What staff do on the pages: give and confirm orders, acknowledge alarms. Everything is audited where it is done.

What moves a door needs a ticket (`web.tickets`), which the page gets when somebody presses, and voids when they cancel.
"""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from console.dependencies import ServicesDep, StaffDep
from console.same_origin import SameOriginDep
from console.views.board import describe_alarm
from operations.alarms import pictures, register
from operations.schemas import AcknowledgementIn, OrderIn, OrderOut, TicketIn, TicketOut, TogetherIn
from web import tickets
from web.idempotency import OnceDep
from web.tickets import TicketDep

router = APIRouter(prefix="/console", include_in_schema=False)


@router.post("/tickets", name="console_ticket")
def issue_ticket(wanted: TicketIn, staff: StaffDep, _same_origin: SameOriginDep, request: Request) -> TicketOut:
    """Give a ticket for one thing that somebody wants now."""
    return TicketOut.of(tickets.tickets_of(request).issue(staff.person_id, wanted.action))


@router.delete("/tickets/{ticket}", status_code=204, name="console_ticket_void")
def void_ticket(ticket: str, staff: StaffDep, _same_origin: SameOriginDep, request: Request) -> None:
    """Hear that somebody cancelled what the ticket was for."""
    tickets.tickets_of(request).void(ticket, staff.person_id)


@router.post("/orders", name="console_order")
def give_order(
    wanted: OrderIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    once: OnceDep,
    ticket: TicketDep,
) -> OrderOut:
    """Give an order; the answer says what each gate did. Pressed twice, it is given once."""
    order = services.orders.give(
        wanted.order_action, wanted.target, note=wanted.note or "", by=staff.person_id, once=once, ticket=ticket
    )
    return OrderOut.of(order)


@router.post("/orders/{order_id}/confirm", name="console_confirm")
def confirm_order(
    order_id: UUID, staff: StaffDep, _same_origin: SameOriginDep, services: ServicesDep, ticket: TicketDep
) -> OrderOut:
    """Confirm another person's order, which is then carried out."""
    return OrderOut.of(services.orders.confirm(order_id, by=staff.person_id, ticket=ticket))


@router.post("/alarms/{alarm_id}/acknowledge", name="console_acknowledge")
def acknowledge_alarm(
    alarm_id: UUID, body: AcknowledgementIn, *, staff: StaffDep, _same_origin: SameOriginDep, services: ServicesDep
) -> dict[str, Any]:
    """Say that the person who is signed in looks after an alarm."""
    with services.database.begin() as session:
        alarm = register.acknowledge(session, alarm_id, by=staff.person_id, note=body.note, now=services.now())
        counted = pictures.count_by_alarm(session, [alarm_id])
    services.board.touch()
    return describe_alarm(alarm, services.names({staff.person_id}), pictures=counted.get(alarm_id, 0))


@router.post("/alarms/acknowledge", name="console_acknowledge_together")
def acknowledge_together(
    body: TogetherIn, *, staff: StaffDep, _same_origin: SameOriginDep, services: ServicesDep
) -> dict[str, int]:
    """Say the same of several alarms at once; those that need it no more are left as they are."""
    with services.database.begin() as session:
        alarms = register.acknowledge_together(
            session, body.ids, by=staff.person_id, note=body.note, now=services.now()
        )
    services.board.touch()
    return {"acknowledged": len(alarms), "asked": len(set(body.ids))}
