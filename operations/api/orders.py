"""Orders of facilities staff to the gates."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts import audit
from accounts.api.dependencies import ROLE_ERRORS, DatabaseDep, FacilitiesDep, NowDep
from database import Database
from operations import orders
from operations.api.dependencies import OperationsDep
from operations.order_desk import OrderDesk, OrdersNotPossibleError, Reach
from operations.orders import Order, OrderState
from operations.tables import StaffOrder
from web import idempotency
from web.idempotency import OnceDep, RequestKey
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Slug, line

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
    return give(wanted, operations.desk, database, once=once, by=staff.person_id, now=now)


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
def confirm_order(order_id: UUID, staff: FacilitiesDep, operations: OperationsDep, now: NowDep) -> OrderOut:
    """Confirm another person's order, which is then carried out."""
    return OrderOut.of(operations.desk.confirm(order_id, by=staff.person_id, now=now))


@router.get("/orders", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_orders(_staff: FacilitiesDep, database: DatabaseDep, page: PageDep) -> Page[OrderOut]:
    """List the orders, newest first."""
    with database.read() as session:
        rows = orders.find(session, before=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda order: order.id)
    return Page(items=[OrderOut.of(order) for order in shown], next=following)


def give(
    wanted: OrderIn, desk: OrderDesk, database: Database, *, once: RequestKey, by: UUID, now: datetime
) -> OrderOut:
    """Give an order in the name of `by`, once for each key.

    Raises:
        EmptyOrderError, KeyReusedError, NotFoundError, OrdersNotPossibleError: see there.
    """
    reach = Reach(wanted.gates, wanted.zone, wanted.everywhere)
    action, note = Order(wanted.action), wanted.note or ""
    with database.begin() as session:
        order = once.answer(
            session,
            OrderOut,
            lambda: OrderOut.of(desk.write(session, action, reach, note=note, by=by, now=now)),
            scope=audit.person_actor(by),
            now=now,
        )
    return OrderOut.of(desk.carry_out(order.id, now=now))
