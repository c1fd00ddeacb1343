"""Orders as API and pages give them: written down first, then sent, then concluded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.orm import Session

from accounts import audit
from database import Database
from directory import gates
from directory.tables import ZoneRecord
from messages import Action, CommandEffect
from operations import orders
from operations.board import Board
from operations.dispatch import Dispatcher
from operations.orders import OrderAction
from operations.tables import StaffOrder
from web.idempotency import RequestKey
from web.problems import NotFoundError, ProblemError
from web.tickets import Ticket

CONFIRM = "confirm"
"""The action of a ticket by which a waiting order is confirmed; that of an order given is the order's own."""


class OrdersNotPossibleError(ProblemError):
    """The server has no key that the gates trust."""

    code = "orders_not_possible"
    status = 503
    title = "This server cannot give orders: set CAMPUSGATE_SIGNING_KEY_FILE and CAMPUSGATE_TRUSTED_KEYS_FILE"


@dataclass(frozen=True, slots=True)
class OrderTarget:
    """The gates an order is for: those named, every gate into `zone`, or all there are."""

    gates: Sequence[str] = ()
    zone: str | None = None
    everywhere: bool = False


class _Written(BaseModel):
    """What is remembered of an order under its idempotency key."""

    id: UUID


@dataclass(frozen=True, slots=True)
class OrderService:
    """Gives orders. `dispatcher` is None where the server has no key; `two_persons` is the campus's choice."""

    database: Database
    board: Board
    dispatcher: Dispatcher | None = None
    two_persons: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def possible(self) -> bool:
        """Whether this server can give orders at all."""
        return self.dispatcher is not None

    def give(
        self, action: OrderAction, target: OrderTarget, *, note: str, by: UUID, once: RequestKey, ticket: Ticket
    ) -> StaffOrder:
        """Give an order in the name of `by`, once for each key, while `ticket` lives; return it with what it did.

        A key that comes again is answered with what became of its order, however late; nothing is sent for it then.

        Raises:
            EmptyOrderError, KeyReusedError, NotFoundError, OrdersNotPossibleError: see there.
            TicketNotValidError, TicketOverError: the order is not wanted now; nothing was written.
        """

        def write() -> _Written:
            ticket.redeem(by, action, request=once.key)
            return _Written(id=self.write(session, action, target, note=note, by=by, now=ticket.issued_at).id)

        with self.database.begin() as session:
            written = once.answer(session, _Written, write, scope=audit.person_actor(by), now=self.clock())
        return self.carry_out(written.id, ticket)

    def write(
        self, session: Session, action: OrderAction, target: OrderTarget, *, note: str, by: UUID, now: datetime
    ) -> StaffOrder:
        """Write an order down in the caller's transaction.

        Raises:
            OrdersNotPossibleError, EmptyOrderError: see there.
            NotFoundError: a gate or the zone does not exist.
        """
        if self.dispatcher is None:
            raise OrdersNotPossibleError
        gates_ordered = _gates_of(session, target)
        return orders.ask(session, action, gates_ordered, note=note, by=by, two_persons=self.two_persons, now=now)

    def confirm(self, order_id: UUID, *, by: UUID, ticket: Ticket) -> StaffOrder:
        """Confirm another person's order and carry it out.

        Raises:
            OrdersNotPossibleError, NotFoundError, OrderNotWaitingError, SecondPersonNeededError: see there.
            TicketNotValidError, TicketOverError: it is not wanted now.
        """
        if self.dispatcher is None:
            raise OrdersNotPossibleError
        with self.database.begin() as session:
            ticket.redeem(by, CONFIRM)
            order = orders.confirm(session, order_id, by=by, now=self.clock())
        return self._send(self.dispatcher, order, ticket)

    def carry_out(self, order_id: UUID, ticket: Ticket) -> StaffOrder:
        """Send an order that is ready, and return it with what it did; nothing is sent once `ticket` is over.

        One that waits, was sent before, or is too old comes back as it is.

        Raises:
            OrdersNotPossibleError: see there.
        """
        if self.dispatcher is None:
            raise OrdersNotPossibleError
        with self.database.begin() as session:
            order, mine = orders.claim(session, order_id, now=self.clock())
        if mine:
            return self._send(self.dispatcher, order, ticket)
        self.board.touch()
        return order

    def _send(self, dispatcher: Dispatcher, order: StaffOrder, ticket: Ticket) -> StaffOrder:
        *first, last = OrderAction(order.action).commands()
        left_s: Callable[[], float] | None = ticket.left_s
        for action in first:
            # Only where it is needed: everybody else's door is open one answer sooner.
            results = dispatcher.send([gate for gate in order.gates if self._is_locked_down(gate)], action, left_s)
            if any(one.effect is not CommandEffect.EXPIRED for one in results):
                # What has begun is ended: half an evacuation would be worse than one that took a moment longer.
                left_s = None
        results = dispatcher.send(order.gates, last, left_s)
        with self.database.begin() as session:
            order = orders.conclude(session, order.id, results, now=self.clock())
        self.board.touch()
        return order

    def _is_locked_down(self, gate: str) -> bool:
        view = self.board.view(gate)
        return view is not None and view.door is not None and view.door.mode == Action.LOCKDOWN


def _gates_of(session: Session, target: OrderTarget) -> list[str]:
    known = {gate.name: gates.policy_of(gate) for gate in gates.find(session)}
    if unknown := [name for name in target.gates if name not in known]:
        raise NotFoundError(f"there is no gate {unknown[0]!r}")
    if target.zone is not None and session.get(ZoneRecord, target.zone) is None:
        raise NotFoundError(f"there is no zone {target.zone!r}")
    of_zone = [name for name, policy in known.items() if target.zone and policy.inner_zone == target.zone]
    return [*target.gates, *of_zone, *(known if target.everywhere else ())]
