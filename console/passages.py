"""Events of gates as the pages show them: with the names of whoever passed, and of whoever gave the order."""

from collections.abc import Sequence
from typing import Any

from console.services import ConsoleServices
from console.view import describe_event
from operations.order_origins import origins
from operations.tables import GateEvent, StaffOrder


def describe_passages(services: ConsoleServices, events: Sequence[GateEvent]) -> list[dict[str, Any]]:
    """Return what the pages show of `events`, in their order; only for staff, who may see the names."""
    if not events:
        return []
    with services.database.read() as session:
        of_orders = origins(session, events)
    people = {one.person_id for one in events if one.person_id}
    people |= {order.asked_by for order in of_orders.values()}
    people |= {order.confirmed_by for order in of_orders.values() if order.confirmed_by}
    names = services.names(people)

    def order_of(event: GateEvent) -> StaffOrder | None:
        return None if event.command_id is None else of_orders.get(event.command_id)

    return [describe_event(one, names, order_of(one)) for one in events]
