"""What staff do on the pages: give and confirm orders, acknowledge alarms. Everything is audited where it is done."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from console.origin import OursDep
from console.services import ServicesDep, StaffDep
from console.view import describe_alarm
from operations.alarms import register
from operations.api.alarms import AcknowledgementIn
from operations.api.orders import OrderIn, OrderOut, give
from web.idempotency import OnceDep

router = APIRouter(prefix="/console", include_in_schema=False)


@router.post("/orders", name="console_order")
def give_order(wanted: OrderIn, *, staff: StaffDep, _ours: OursDep, services: ServicesDep, once: OnceDep) -> OrderOut:
    """Give an order; the answer says what each gate did. Pressed twice, it is given once."""
    return give(wanted, services.orders, services.database, once=once, by=staff.person_id, now=services.now())


@router.post("/orders/{order_id}/confirm", name="console_confirm")
def confirm_order(order_id: UUID, staff: StaffDep, _ours: OursDep, services: ServicesDep) -> OrderOut:
    """Confirm another person's order, which is then carried out."""
    return OrderOut.of(services.orders.confirm(order_id, by=staff.person_id, now=services.now()))


@router.post("/alarms/{alarm_id}/acknowledge", name="console_acknowledge")
def acknowledge_alarm(
    alarm_id: UUID, body: AcknowledgementIn, *, staff: StaffDep, _ours: OursDep, services: ServicesDep
) -> dict[str, Any]:
    """Say that the person who is signed in looks after an alarm."""
    with services.database.begin() as session:
        alarm = register.acknowledge(session, alarm_id, by=staff.person_id, note=body.note, now=services.now())
    services.board.touch()
    return describe_alarm(alarm, services.names({staff.person_id}))
