"""Orders of facilities staff to the gates."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts import audit
from accounts.api.dependencies import ROLE_ERRORS, DatabaseDep, FacilitiesDep
from database import Database
from operations import orders
from operations.api.dependencies import OperationsDep
from operations.order_desk import OrderDesk, OrdersNotPossibleError, OrderTarget
from operations.orders import Order, OrderState
from operations.tables import StaffOrder
from web import idempotency, tickets
from web.idempotency import OnceDep, RequestKey
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Slug, line
from web.tickets import Ticket, TicketDep

router = APIRouter()


class OrderIn(BaseModel):
    """What is to be done, and where: at `gates`, at every gate of `zone`, or everywhere."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["open", "hold", "lock", "lockdown", "release", "evacuate"] = Field(
        description="`open` once; `hold` open; `lock` (the way out stays free); `lockdown`; `release` ends all three; "
        "`evacuate` holds every door open, also those in lockdown"
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
    command: UUID | None = Field(default=None, description="what was sent; the `command_id` of the gate's events")


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


@router.post(
    "/orders",
    responses=responses(
        *ROLE_ERRORS,
        *idempotency.ERRORS,
        *tickets.ERRORS,
        orders.EmptyOrderError,
        NotFoundError,
        OrdersNotPossibleError,
    ),
)
def give_order(
    wanted: OrderIn,
    *,
    staff: FacilitiesDep,
    once: OnceDep,
    ticket: TicketDep,
    operations: OperationsDep,
    database: DatabaseDep,
) -> OrderOut:
    """Give an order. It is written down first, then sent; the answer says what each gate did.

    It needs a ticket for its action. What has waited for longer than the ticket lives is not sent (`ticket_over`; or
    state `void`, effect `expired`, where the waiting was on the way to the gates), and neither is what its sender has
    given up: end the connection, or void the ticket.
    """
    return give(wanted, operations.desk, database, once=once, ticket=ticket, by=staff.person_id)


@router.post(
    "/orders/{order_id}/confirm",
    responses=responses(
        *ROLE_ERRORS,
        *tickets.ERRORS,
        NotFoundError,
        OrdersNotPossibleError,
        orders.OrderNotWaitingError,
        orders.SecondPersonNeededError,
    ),
)
def confirm_order(order_id: UUID, staff: FacilitiesDep, operations: OperationsDep, ticket: TicketDep) -> OrderOut:
    """Confirm another person's order, which is then carried out; with a ticket for `confirm`."""
    return OrderOut.of(operations.desk.confirm(order_id, by=staff.person_id, ticket=ticket))


@router.get("/orders", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_orders(_staff: FacilitiesDep, database: DatabaseDep, page: PageDep) -> Page[OrderOut]:
    """List the orders, newest first."""
    with database.read() as session:
        rows = orders.find(session, before=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda order: order.id)
    return Page(items=[OrderOut.of(order) for order in shown], next=following)


def give(
    wanted: OrderIn, desk: OrderDesk, database: Database, *, once: RequestKey, ticket: Ticket, by: UUID
) -> OrderOut:
    """Give an order in the name of `by`, once for each key, while `ticket` lives.

    A key that comes again is answered with what became of its order, however late; nothing is sent for it then.

    Raises:
        EmptyOrderError, KeyReusedError, NotFoundError, OrdersNotPossibleError: see there.
        TicketNotValidError, TicketOverError: the order is not wanted now; nothing was written.
    """
    reach = OrderTarget(wanted.gates, wanted.zone, wanted.everywhere)
    action, note = Order(wanted.action), wanted.note or ""

    def write() -> OrderOut:
        ticket.redeem(by, action, request=once.key)
        return OrderOut.of(desk.write(session, action, reach, note=note, by=by, now=ticket.issued_at))

    with database.begin() as session:
        order = once.answer(session, OrderOut, write, scope=audit.person_actor(by), now=desk.clock())
    return OrderOut.of(desk.carry_out(order.id, ticket))
