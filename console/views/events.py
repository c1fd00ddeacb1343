"""Events of gates as the pages show them: with the names of whoever passed, and of whoever gave the order."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from console.services import ConsoleServices
from console.views.board import Known, name_of
from operations import event_store, passages
from operations.order_origins import origins
from operations.tables import GateEvent, StaffOrder


def describe_events(services: ConsoleServices, events: Sequence[GateEvent]) -> list[dict[str, Any]]:
    """Return what the pages show of `events`, in their order; only for staff, who may see the names."""
    if not events:
        return []
    of_orders: Mapping[UUID, StaffOrder] = {}
    if any(event.command_id for event in events):
        with services.database.read() as session:
            of_orders = origins(session, events)
    people = {one.person_id for one in events if one.person_id}
    people |= {order.asked_by for order in of_orders.values()}
    people |= {order.confirmed_by for order in of_orders.values() if order.confirmed_by}
    names = services.names(people)

    def order_of(event: GateEvent) -> StaffOrder | None:
        return None if event.command_id is None else of_orders.get(event.command_id)

    return [_describe_event(one, names, order_of(one)) for one in events]


def _describe_event(event: GateEvent, names: Known, order: StaffOrder | None = None) -> dict[str, Any]:
    """Return what the pages show of an event, which came of `order`; who is not known here is shown by id."""
    return {
        "sequence": event.sequence,
        "passage": passages.key_of(event),
        "rank": passages.rank_of(event.kind),
        "gate": event.gate,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "source": event.source,
        "person": name_of(event.person_id, names),
        "method": event.method,
        "granted": event.granted,
        "reason": event.reason,
        "latency_ms": event.latency_ms,
        "historical": event.historical,
        "notices": event_store.notices(event),
        "order": None
        if order is None
        else {
            "by": name_of(order.asked_by, names),
            "confirmed_by": name_of(order.confirmed_by, names),
            "note": order.note,
        },
    }
