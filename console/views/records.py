"""What staff look up of the past: passages, alarms and orders, with names, as pages and tables show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from accounts.tables import Person
from console.services import ConsoleServices
from console.views import passages
from console.views.board import name_of
from console.views.events import describe_events
from operations.passages import Passage
from operations.tables import Alarm, StaffOrder


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A row: what the pages know of a passage, and whose it is."""

    described: Mapping[str, Any]
    at: datetime
    person: Person | None

    def __getitem__(self, name: str) -> Any:
        """Return a particular of the passage, for templates."""
        return self.described[name]


def describe_passages(services: ConsoleServices, found: Sequence[Passage]) -> list[FoundPassage]:
    """Return `found` with names; only for staff, who may see them."""
    events = [event for passage in found for event in passage.events]
    described = {one["sequence"]: one for one in describe_events(services, events)}
    ids = {event.person_id for event in events if event.person_id}
    with services.database.read() as session:
        people = {one.id: one for one in session.scalars(select(Person).where(Person.id.in_(ids)))} if ids else {}
        for one in people.values():
            session.expunge(one)
    rows = []
    for passage in found:
        person_id = next((one.person_id for one in passage.events if one.person_id), None)
        shown = passages.describe(passage, described)
        moments = {one.sequence: one.at for one in passage.events}
        shown["events"] = [{**one, "moment": moments[one["sequence"]]} for one in shown["events"]]
        person = None if person_id is None else people.get(person_id)
        rows.append(FoundPassage(shown, passage.headline.at, person))
    return rows


def names_in(services: ConsoleServices, alarms: Sequence[Alarm], orders: Sequence[StaffOrder]) -> Mapping[UUID, str]:
    """Return the names of whoever acknowledged, asked or confirmed."""
    ids = {one.acknowledged_by for one in alarms} | {one.asked_by for one in orders}
    ids |= {one.confirmed_by for one in orders}
    return services.names({one for one in ids if one is not None})


def describe_past_alarm(alarm: Alarm, names: Mapping[UUID, str], *, pictures: int) -> dict[str, Any]:
    """Return a row of the history of alarms; `pictures` are how many there are of it."""
    return {
        "id": alarm.id,
        "pictures": pictures,
        "gate": alarm.gate,
        "kind": alarm.kind,
        "severity": alarm.severity,
        "reason": alarm.reason,
        "opened_at": alarm.opened_at,
        "restored_at": alarm.restored_at,
        "closed_at": alarm.closed_at,
        "count": alarm.count,
        "acknowledged_by": name_of(alarm.acknowledged_by, names),
        "acknowledged_at": alarm.acknowledged_at,
        "escalated_at": alarm.escalated_at,
        "note": alarm.note,
    }


def describe_past_order(order: StaffOrder, names: Mapping[UUID, str]) -> dict[str, Any]:
    """Return a row of the history of orders: who opened what, and why."""
    return {
        "action": order.action,
        "gates": order.gates,
        "state": order.state,
        "note": order.note,
        "asked_by": name_of(order.asked_by, names),
        "asked_at": order.asked_at,
        "confirmed_by": name_of(order.confirmed_by, names),
        "carried_out_at": order.carried_out_at,
        "results": order.results,
    }
