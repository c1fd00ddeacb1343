"""Staff orders: open once, hold open, lock, lockdown, release, evacuate; for one gate or many; some by two people."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from accounts import audit
from messages import Action, CommandEffect
from operations.dispatch import GateResult
from operations.tables import StaffOrder
from web.problems import NotFoundError, ProblemError
from web.tickets import LIFE

SEND_WITHIN = LIFE
"""An order is void when it was not sent by then: no door moves when nobody looks any more."""
CONFIRM_WITHIN = timedelta(minutes=2)
"""An order that waits for a second person is void after this."""


class OrderAction(StrEnum):
    """What staff can ask for."""

    OPEN = "open"
    HOLD = "hold"
    LOCK = "lock"
    LOCKDOWN = "lockdown"
    RELEASE = "release"
    EVACUATE = "evacuate"
    """Hold every door open, also those in lockdown. Never waits for a second person: people are in danger."""

    def commands(self) -> tuple[Action, ...]:
        """Return what is sent to each gate, in this order; a lockdown is ended before the door is held open."""
        return (Action.RELEASE, Action.HOLD) if self is OrderAction.EVACUATE else (Action(self.value),)


ORDERS = frozenset(OrderAction)


class OrderState(StrEnum):
    """Where an order is in its life."""

    WAITING = "waiting"
    """For a second person."""
    READY = "ready"
    SENDING = "sending"
    """Taken up by one request, and never by another: after a crash nobody knows, and nothing is sent again."""
    DONE = "done"
    VOID = "void"
    """Nothing was sent: its time was over, or it was cancelled, before it could be."""


_SELECT_WAITING = (
    select(StaffOrder)
    .where(StaffOrder.state == OrderState.WAITING, StaffOrder.asked_at >= bindparam("earliest"))
    .order_by(StaffOrder.id.desc())
)


class OrderNotWaitingError(ProblemError):
    """The order was carried out already, or its time is over."""

    code = "order_not_waiting"
    status = 409
    title = "This order does not wait for anybody any more"


class SecondPersonNeededError(ProblemError):
    """Whoever asked cannot also confirm."""

    code = "second_person_needed"
    status = 403
    title = "Another person must confirm this order"


class EmptyOrderError(ProblemError):
    """The order names no gate."""

    code = "order_without_gates"
    status = 422
    title = "The order reaches no gate"


def needs_second_person(action: OrderAction, gates: Collection[str]) -> bool:
    """Tell whether an order is of the kind that a campus may want two people for: one that moves many doors."""
    return len(gates) > 1 and action in {OrderAction.HOLD, OrderAction.LOCKDOWN, OrderAction.RELEASE}


def ask(
    session: Session,
    action: OrderAction,
    gates: Sequence[str],
    *,
    note: str,
    by: UUID,
    two_persons: bool,
    now: datetime,
) -> StaffOrder:
    """Write an order down; it waits for a second person where `two_persons` are wanted for its kind.

    Raises:
        EmptyOrderError: no gate is named.
    """
    if not gates:
        raise EmptyOrderError
    waits = two_persons and needs_second_person(action, gates)
    order = StaffOrder(
        action=action.value,
        gates=sorted(set(gates)),
        note=note,
        state=OrderState.WAITING if waits else OrderState.READY,
        asked_by=by,
        asked_at=now,
        results=[],
    )
    session.add(order)
    session.flush()
    _note(session, order, "order.ask", by, now)
    return order


def confirm(session: Session, order_id: UUID, *, by: UUID, now: datetime) -> StaffOrder:
    """Let a second person confirm a waiting order, which the caller then sends; once.

    Raises:
        NotFoundError, OrderNotWaitingError, SecondPersonNeededError: see there.
    """
    order = session.scalar(select(StaffOrder).where(StaffOrder.id == order_id).with_for_update())
    if order is None:
        raise NotFoundError("there is no order with this id")
    if order.state != OrderState.WAITING or now > order.asked_at + CONFIRM_WITHIN:
        raise OrderNotWaitingError
    if order.asked_by == by:
        raise SecondPersonNeededError
    order.confirmed_by, order.state = by, OrderState.SENDING
    _note(session, order, "order.confirm", by, now)
    return order


def claim(session: Session, order_id: UUID, *, now: datetime) -> tuple[StaffOrder, bool]:
    """Return the order, and whether it is the caller who carries it out now; one that is too old becomes void."""
    order = session.scalars(select(StaffOrder).where(StaffOrder.id == order_id).with_for_update()).one()
    if order.state != OrderState.READY:
        return order, False
    if now - order.asked_at > SEND_WITHIN:
        order.state = OrderState.VOID
        audit.record(session, actor=audit.SYSTEM, action="order.void", subject=f"order:{order.id}", now=now)
        return order, False
    order.state = OrderState.SENDING
    return order, True


def conclude(session: Session, order_id: UUID, results: Sequence[GateResult], *, now: datetime) -> StaffOrder:
    """Write down what an order did, when all of it was over."""
    order = session.get_one(StaffOrder, order_id)
    was_sent = any(one.effect is not CommandEffect.EXPIRED for one in results)
    order.state, order.carried_out_at = OrderState.DONE if was_sent else OrderState.VOID, now
    order.results = [
        {
            "gate": one.gate,
            "effect": one.effect.value,
            "detail": one.detail,
            "command": None if one.command is None else str(one.command),
        }
        for one in results
    ]
    effects = sorted({one.effect.value for one in results})
    audit.record(
        session,
        actor=audit.SYSTEM,
        action="order.done",
        subject=f"order:{order.id}",
        now=now,
        details={"effects": effects},
    )
    return order


def find(session: Session, *, before: UUID | None = None, limit: int = 50) -> Sequence[StaffOrder]:
    """Return orders, newest first."""
    statement = select(StaffOrder).order_by(StaffOrder.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(StaffOrder.id < before)
    return session.scalars(statement).all()


def find_between(session: Session, since: datetime, until: datetime, *, limit: int) -> Sequence[StaffOrder]:
    """Return the orders that were asked for from `since` on and before `until`, newest first."""
    return session.scalars(
        select(StaffOrder)
        .where(StaffOrder.asked_at >= since, StaffOrder.asked_at < until)
        .order_by(StaffOrder.asked_at.desc(), StaffOrder.id.desc())
        .limit(limit)
    ).all()


def waiting(session: Session, *, now: datetime) -> Sequence[StaffOrder]:
    """Return the orders that a second person may still confirm, newest first."""
    return session.scalars(_SELECT_WAITING, {"earliest": now - CONFIRM_WITHIN}).all()


def _note(session: Session, order: StaffOrder, action: str, by: UUID, now: datetime) -> None:
    details: dict[str, audit.Scalar | list[str]] = {"action": order.action, "gates": order.gates}
    actor = audit.person_actor(by)
    audit.record(session, actor=actor, action=action, subject=f"order:{order.id}", now=now, details=details)
