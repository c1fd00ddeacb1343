"""What happened at the gates, and what is true at them now, for facilities staff."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from accounts.api.dependencies import ROLE_ERRORS, DatabaseDep, FacilitiesDep
from accounts.api.disclosures import record_disclosure
from operations import event_store
from operations.api.dependencies import OperationsDep
from operations.board import UNKNOWN, GateView
from operations.order_origins import origins
from operations.tables import GateEvent, StaffOrder
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])


class EventOut(BaseModel):
    """One event of a gate."""

    sequence: int = Field(description="order of arrival at the server")
    id: UUID
    gate: str
    at: datetime = Field(description="the gate's own time")
    received_at: datetime
    kind: str
    source: str
    person_id: UUID | None
    method: str | None
    granted: bool | None
    reason: str | None
    latency_ms: float | None
    historical: bool
    command_id: UUID | None
    tap_id: UUID | None
    details: dict[str, Any]
    order: "OriginOut | None" = Field(default=None, description="the staff order it came of, given at this server")

    @classmethod
    def of(cls, event: GateEvent, order: StaffOrder | None = None) -> "EventOut":
        """Show `event`, which came of `order`."""
        shown = cls.model_validate(event, from_attributes=True)
        return shown if order is None else shown.model_copy(update={"order": OriginOut.of(order)})


class OriginOut(BaseModel):
    """Who gave the order that an event came of, and why."""

    id: UUID
    asked_by: UUID
    confirmed_by: UUID | None
    note: str

    @classmethod
    def of(cls, order: StaffOrder) -> "OriginOut":
        """Show the origin."""
        return cls.model_validate(order, from_attributes=True)


class DoorOut(BaseModel):
    """A door as it is."""

    state: str
    unlocked: bool
    door_open: bool | None
    tamper: bool
    clock_sure: bool
    at: datetime


class GateViewOut(BaseModel):
    """One gate as it was last heard of."""

    gate: str
    controller: str = Field(
        description="`online`, `stopped`, `offline`; `unknown`: never heard of, or not since the broker was lost"
    )
    edge: str = Field(description="likewise")
    door: DoorOut | None
    health: dict[str, dict[str, Any]] = Field(description="the last figures, by process")
    heard_at: datetime | None

    @classmethod
    def of(cls, view: GateView) -> "GateViewOut":
        """Show `view`."""
        door = view.door
        return cls(
            gate=view.gate,
            controller=view.controller or UNKNOWN,
            edge=view.edge or UNKNOWN,
            door=None if door is None else DoorOut.model_validate(door, from_attributes=True),
            health={source: dict(health.figures) for source, health in view.health.items()},
            heard_at=view.heard_at,
        )


@router.get(
    "/events",
    dependencies=[record_disclosure("events.read", "events:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_events(
    _staff: FacilitiesDep,
    database: DatabaseDep,
    page: PageDep,
    gate: Annotated[str | None, Query(max_length=63)] = None,
    person_id: UUID | None = None,
) -> Page[EventOut]:
    """List the events of all gates, newest arrival first."""
    with database.read() as session:
        rows = event_store.latest(session, limit=page.limit + 1, before=page.after(int), gate=gate, person_id=person_id)
        of_orders = origins(session, rows)
    shown, following = page.cut(rows, lambda event: event.sequence)
    return Page(items=[EventOut.of(event, _origin(event, of_orders)) for event in shown], next=following)


@router.get("/gates", responses=responses(*ROLE_ERRORS))
def list_gates(_staff: FacilitiesDep, operations: OperationsDep) -> list[GateViewOut]:
    """List every gate heard of since the server started."""
    return [GateViewOut.of(view) for view in operations.board.views()]


@router.get("/gates/{gate}", responses=responses(*ROLE_ERRORS, NotFoundError))
def get_gate(gate: str, _staff: FacilitiesDep, operations: OperationsDep) -> GateViewOut:
    """Show one gate."""
    view = operations.board.view(gate)
    if view is None:
        raise NotFoundError("nothing was heard of this gate since the server started")
    return GateViewOut.of(view)


def _origin(event: GateEvent, of_orders: Mapping[UUID, StaffOrder]) -> StaffOrder | None:
    return None if event.command_id is None else of_orders.get(event.command_id)
