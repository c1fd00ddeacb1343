"""Orders of facilities staff to the gates."""

from uuid import UUID

from fastapi import APIRouter

from accounts.api.dependencies import ROLE_ERRORS, DatabaseDep, FacilitiesDep
from operations import orders
from operations.api.dependencies import OperationsDep
from operations.order_service import OrdersNotPossibleError
from operations.schemas import OrderIn, OrderOut
from web import idempotency, tickets
from web.idempotency import OnceDep
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.tickets import TicketDep

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])


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
) -> OrderOut:
    """Give an order. It is written down first, then sent; the answer says what each gate did.

    It needs a ticket for its action. What has waited for longer than the ticket lives is not sent (`ticket_over`; or
    state `void`, effect `expired`, where the waiting was on the way to the gates), and neither is what its sender has
    given up: end the connection, or void the ticket.
    """
    order = operations.orders.give(
        wanted.order_action, wanted.target, note=wanted.note or "", by=staff.person_id, once=once, ticket=ticket
    )
    return OrderOut.of(order)


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
    return OrderOut.of(operations.orders.confirm(order_id, by=staff.person_id, ticket=ticket))


@router.get("/orders", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_orders(_staff: FacilitiesDep, database: DatabaseDep, page: PageDep) -> Page[OrderOut]:
    """List the orders, newest first."""
    with database.read() as session:
        rows = orders.find(session, before=page.after(UUID), limit=page.limit + 1)
    shown, following = page.cut(rows, lambda order: order.id)
    return Page(items=[OrderOut.of(order) for order in shown], next=following)
