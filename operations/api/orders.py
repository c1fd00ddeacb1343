"""Orders of facilities staff to the gates, and who is inside."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from accounts.api.dependencies import ROLE_ERRORS, DatabaseDep, FacilitiesDep, NowDep
from database import Database
from directory import gates
from directory.tables import ZoneRecord
from gate_controller.messages import Action
from operations import muster, orders
from operations.api.dependencies import OperationsDep
from operations.dispatch import Dispatcher
from operations.orders import OrderState
from operations.tables import StaffOrder
from web import idempotency
from web.idempotency import OnceDep
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, ProblemError, responses
from web.text import Slug, line

router = APIRouter()


class OrdersNotPossibleError(ProblemError):
    """The server has no key that the gates trust."""

    code = "orders_not_possible"
    status = 503
    title = "This server cannot give orders: set CAMPUSGATE_SIGNING_KEY_FILE and CAMPUSGATE_TRUSTED_KEYS_FILE"


class OrderIn(BaseModel):
    """What is to be done, and where: at `gates`, at every gate of `zone`, or everywhere."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["open", "hold", "lock", "lockdown", "release"] = Field(
        description="`open` once; `hold` open; `lock` (the way out stays free); `lockdown`; `release` ends all three"
    )
    gates: list[Slug] = Field(default_factory=list, max_length=500)
    zone: Slug | None = None
    everywhere: bool = False
    note: Annotated[str, line(200)] | None = None


class GateEffect(BaseModel):
    """What the order did at one gate."""

    gate: str
    effect: str
    detail: str | None = None


class OrderOut(BaseModel):
    """An order and what became of it."""

    id: UUID
    action: str
    gates: list[str]
    note: str
    state: OrderState
    asked_by: UUID
    asked_at: datetime
    confirmed_by: UUID | None
    carried_out_at: datetime | None
    results: list[GateEffect]

    @classmethod
    def of(cls, order: StaffOrder) -> "OrderOut":
        """Show `order`."""
        return cls.model_validate(order, from_attributes=True)


class InsideOut(BaseModel):
    """Somebody inside a zone."""

    person_id: UUID
    gate: str = Field(description="where the person went in")
    since: datetime
    certain: bool = Field(description="false when the gate does not tell the directions apart")


@router.post(
    "/orders",
    responses=responses(
        *ROLE_ERRORS, *idempotency.ERRORS, orders.EmptyOrderError, NotFoundError, OrdersNotPossibleError
    ),
)
def give_order(
    wanted: OrderIn,
    *,
    staff: FacilitiesDep,
    once: OnceDep,
    operations: OperationsDep,
    database: DatabaseDep,
    now: NowDep,
) -> OrderOut:
    """Give an order. It is written down first, then sent; the answer says what each gate did."""
    if operations.dispatcher is None:
        raise OrdersNotPossibleError

    def write() -> OrderOut:
        return OrderOut.of(
            orders.ask(
                session,
                Action(wanted.action),
                _reached(session, wanted),
                note=wanted.note or "",
                by=staff.person_id,
                two_persons=operations.two_persons,
                now=now,
            )
        )

    with database.begin() as session:
        order = once.answer(session, OrderOut, write, scope=staff.actor, now=now)
    return _carry_out(order.id, operations.dispatcher, database, now)


@router.post(
    "/orders/{order_id}/confirm",
    responses=responses(
        *ROLE_ERRORS,
        NotFoundError,
        OrdersNotPossibleError,
        orders.OrderNotWaitingError,
        orders.SecondPersonNeededError,
    ),
)
def confirm_order(
    order_id: UUID, staff: FacilitiesDep, operations: OperationsDep, database: DatabaseDep, now: NowDep
) -> OrderOut:
    """Confirm another person's order, which is then carried out."""
    if operations.dispatcher is None:
        raise OrdersNotPossibleError
    with database.begin() as session:
        orders.confirm(session, order_id, by=staff.person_id, now=now)
    return _carry_out(order_id, operations.dispatcher, database, now)


@router.get("/orders", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_orders(_staff: FacilitiesDep, database: DatabaseDep, page: PageDep) -> Page[OrderOut]:
    """List the orders, newest first."""
    with database.read() as session:
        rows = orders.find(session, before=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda order: order.id)
    return Page(items=[OrderOut.of(order) for order in shown], next=following)


@router.get("/zones/{zone}/inside", responses=responses(*ROLE_ERRORS, NotFoundError))
def list_inside(
    zone: str,
    _staff: FacilitiesDep,
    database: DatabaseDep,
    now: NowDep,
    hours: Annotated[int, Query(ge=1, le=24 * 31, description="passages of this many hours count")] = 24,
) -> list[InsideOut]:
    """List who went into a zone and was not seen to come out, longest inside first (muster list)."""
    with database.read() as session:
        if session.get(ZoneRecord, zone) is None:
            raise NotFoundError("there is no zone of this name")
        found = muster.inside(session, zone, since=now - timedelta(hours=hours))
    return [InsideOut.model_validate(one, from_attributes=True) for one in found]


def _reached(session: Session, wanted: OrderIn) -> list[str]:
    """Return the names of the gates that the order is for.

    Raises:
        NotFoundError: a gate or the zone does not exist.
    """
    known = {gate.name: gates.policy_of(gate) for gate in gates.find(session)}
    if unknown := [name for name in wanted.gates if name not in known]:
        raise NotFoundError(f"there is no gate {unknown[0]!r}")
    if wanted.zone is not None and session.get(ZoneRecord, wanted.zone) is None:
        raise NotFoundError(f"there is no zone {wanted.zone!r}")
    of_zone = [name for name, policy in known.items() if wanted.zone and policy.inner_zone == wanted.zone]
    return [*wanted.gates, *of_zone, *(known if wanted.everywhere else ())]


def _carry_out(order_id: UUID, dispatcher: Dispatcher, database: Database, now: datetime) -> OrderOut:
    """Send an order that is ready, and return it with what it did; one that waits or was sent comes back as it is."""
    with database.begin() as session:
        order, mine = orders.take_up(session, order_id)
        if not mine:
            return OrderOut.of(order)
    results = dispatcher.send(order.gates, Action(order.action))
    with database.begin() as session:
        return OrderOut.of(orders.conclude(session, order_id, results, now=now))
