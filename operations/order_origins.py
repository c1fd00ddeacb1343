"""Whose order an event at a gate came of: staff who look at the board see who opened a door, and why."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from operations.orders import CONFIRM_WITHIN, OrderState
from operations.tables import GateEvent, StaffOrder

_CLOCKS_APART = timedelta(seconds=10)
"""A command lives for seconds, so the clocks of server and gate are at most this far apart where one was obeyed."""
_LONGEST = CONFIRM_WITHIN + timedelta(seconds=30)
"""From the moment that an order was asked for to the last moment at which a gate can have obeyed it."""
_MOST = 500


def origins(session: Session, events: Sequence[GateEvent]) -> dict[UUID, StaffOrder]:
    """Return the orders that `events` came of, by the events' command ids; those of workstations are not known here."""
    caused = [event for event in events if event.command_id is not None]
    if not caused:
        return {}
    earliest, latest = min(event.at for event in caused), max(event.at for event in caused)
    orders = session.scalars(
        select(StaffOrder)
        .where(StaffOrder.asked_at.between(earliest - _LONGEST, latest + _CLOCKS_APART))
        .order_by(StaffOrder.id.desc())
        .limit(_MOST)
    ).all()
    by_command = {command: order for order in orders for command in _commands(order.results)}
    found: dict[UUID, StaffOrder] = {}
    for event in caused:
        if event.command_id is None:
            continue
        order = by_command.get(str(event.command_id)) or _under_way(orders, event)
        if order is not None:
            found[event.command_id] = order
    return found


def _commands(results: Iterable[Mapping[str, str | None]]) -> list[str]:
    return [command for result in results if (command := result.get("command")) is not None]


def _under_way(orders: Sequence[StaffOrder], event: GateEvent) -> StaffOrder | None:
    """Return the order that is being sent to the event's gate: a gate's event is often faster than its answer."""
    if event.method not in {None, "staff"}:
        return None
    return next((one for one in orders if one.state == OrderState.SENDING and event.gate in one.gates), None)
