"""What the money desk shows of a person, and of cash that moved or waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.cards import loss
from accounts.ledger import find_account
from accounts.ledger.statement import StatementLine, statement
from accounts.payments.wallet import PURPOSE
from accounts.tables import Device, Person
from accounts.topup.cash import COUNTER, IN, KIOSK
from accounts.topup.tables import CashRequest, TopUpOrder
from metering.billing.tables import RoomTopUp
from web.paging import PageRequest

_ORDERS = 10


@dataclass(frozen=True, slots=True)
class Box:
    """A cash box in words: the key of its kind, and whose or which it is."""

    words: str
    name: str


def actor_name(session: Session, actor: str | None) -> str:
    """Return the name of whoever acted, as the audit trail names them (`person:…`, `device:…`)."""
    kind, _, which = (actor or "").partition(":")
    if kind == "person":
        person = session.get(Person, UUID(which))
        return which if person is None else person.name
    if kind == "device":
        device = session.get(Device, UUID(which))
        return which if device is None else device.name
    return actor or ""


def describe_box(session: Session, box: str) -> Box:
    """Return a cash box in words: a cashier's counter, or a kiosk."""
    for beginning, actor, words in ((COUNTER, "person", "money.box_counter"), (KIOSK, "device", "money.box_kiosk")):
        if box.startswith(beginning):
            return Box(words, actor_name(session, f"{actor}:{box.removeprefix(beginning)}"))
    return Box("money.box", box)


def describe_person(session: Session, person: Person, page: PageRequest, now: datetime) -> dict[str, Any]:
    """Return what a cashier sees of an account: money, cards, an open loss, refundable top-ups, its last lines."""
    wallet = find_account(session, person.id)
    lines = statement(session, person.id, before=page.after(int), limit=page.limit + 1) if wallet else []
    shown, following = page.cut(lines, lambda line: line.serial)
    report = loss.open_loss(session, person.id)
    lost = None if report is None else loss.describe(report)
    return {
        "person": person,
        "standing": people.standing(person, now),
        "wallet": wallet,
        "cards": cards.of_person(session, person.id),
        "loss": lost,
        "may_reissue": lost is not None and now >= lost.reissue_possible_at,
        "orders": refundable_orders(session, person.id),
        "room_top_ups": _room_top_ups(session, person.id),
        "lines": [describe_line(line) for line in shown],
        "next": following,
    }


def describe_line(line: StatementLine) -> dict[str, Any]:
    """Return one line of a statement."""
    return {
        "id": line.entry.id,
        "at": line.entry.occurred_at,
        "purpose": line.entry.purpose,
        "amount": line.amount,
        "balance": line.balance,
        "is_cash": line.entry.purpose in ("cash_in", "cash_out"),
        "is_payment": line.entry.purpose == PURPOSE and line.amount < 0,
    }


def refundable_orders(session: Session, person_id: UUID) -> Sequence[TopUpOrder]:
    """Return the last top-ups of which something can go back through their channel, the newest first."""
    query = select(TopUpOrder).where(
        TopUpOrder.person_id == person_id,
        TopUpOrder.state.in_(("credited", "stranded")),
        TopUpOrder.refunding < TopUpOrder.amount,
    )
    return session.scalars(query.order_by(TopUpOrder.created_at.desc()).limit(_ORDERS)).all()


def _room_top_ups(session: Session, person_id: UUID) -> Sequence[RoomTopUp]:
    query = select(RoomTopUp).where(RoomTopUp.person_id == person_id)
    return session.scalars(query.order_by(RoomTopUp.id.desc()).limit(_ORDERS)).all()


def describe_request(session: Session, request: CashRequest, persons: Mapping[UUID, Person]) -> dict[str, Any]:
    """Return cash above the ceiling with whose it is, who asked and who decided."""
    return {
        "id": request.id,
        "is_in": request.purpose == IN,
        "amount": request.amount,
        "state": request.state,
        "person": persons.get(request.person_id),
        "box": describe_box(session, request.box),
        "asked_by": actor_name(session, request.asked_by),
        "asked_at": request.asked_at,
        "decided_by": actor_name(session, request.decided_by) if request.decided_by else None,
        "decided_at": request.decided_at,
    }
