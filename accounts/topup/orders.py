"""Top-up orders at a channel: credited exactly once, whoever says first that they were paid, and however often.

Three ways lead to the same `settle`: the channel's notification (late, repeated, in any order, or never), our query
when the payer comes back to the app, and the job that asks for orders nobody has spoken of.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid5

import structlog
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger.chart import open_named
from accounts.ledger.posting import find, record
from accounts.ledger.tables import LedgerAccount
from accounts.ledger.transfer import AccountKind, AccountState, RefusalCode, Transfer
from accounts.payment_channels.channel import (
    ChannelFailedError,
    ChannelOrder,
    ChannelState,
    NewOrder,
    end_order,
)
from accounts.payments import offline
from accounts.payments.problems import PaymentIdReusedError, require
from accounts.payments.services import MoneyServices
from accounts.topup.tables import TopUpOrder
from web.problems import NotFoundError, ProblemError

log = structlog.get_logger()

STRANDED = "stranded top-ups"
"""The suspense account for money that a channel took while the wallet was shut."""

LIFETIME = timedelta(minutes=30)
"""An order that nobody paid for so long is closed at the channel."""


@dataclass(frozen=True, slots=True)
class TopUpRequest:
    """What a payer asks for; `id` is the app's own and the same when it asks again.

    `payer` is who pays inside the channel's app, as the channel knows them; the money goes to `person_id` in any case.
    """

    id: UUID
    person_id: UUID
    channel: str
    amount: int
    payer: str | None = None

    def digest(self) -> bytes:
        """What must be the same when the id is used again."""
        return hashlib.sha256(f"{self.person_id} {self.channel} {self.amount}".encode()).digest()


def create(services: MoneyServices, request: TopUpRequest, now: datetime) -> tuple[TopUpOrder, Mapping[str, str]]:
    """Write an order down, open it at the channel, and return it with what the payer's app needs.

    Raises:
        ChannelNotConnectedError, PaymentIdReusedError: see there.
        people.AccountNotUsableError: the money could not be credited.
        ChannelFailedError: the channel does not answer; the same order may be sent again.
    """
    services.channel(request.channel)
    with services.database.begin() as session:
        order = session.get(TopUpOrder, request.id, with_for_update=True)
        if order is None:
            people.require_usable(people.get(session, request.person_id), now)
            if find(session, request.id) is not None:
                raise PaymentIdReusedError
            order = TopUpOrder(
                id=request.id,
                digest=request.digest(),
                person_id=request.person_id,
                channel=request.channel,
                amount=request.amount,
                refunding=0,
                state="pending",
                created_at=now,
            )
            session.add(order)
        elif order.digest != request.digest():
            raise PaymentIdReusedError
    if order.state != "pending":
        return order, {}
    return order, ask_how_to_pay(services, order, now, payer=request.payer)


def query(services: MoneyServices, order_id: UUID, person_id: UUID | None, now: datetime) -> TopUpOrder:
    """Return a person's order, after asking the channel where it is still open.

    Without a person it is anybody's who has its id, as whoever opened it by the static code has.

    Raises:
        NotFoundError: the person has no such order.
    """
    with services.database.read() as session:
        order = session.get(TopUpOrder, order_id)
        if order is None or person_id not in (None, order.person_id):
            raise NotFoundError("you have no top-up with this id")
        session.expunge(order)
    return order if order.state != "pending" else _ask(services, order, now)


def find_of_person(
    session: Session, person_id: UUID, *, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> Sequence[TopUpOrder]:
    """Return a person's orders, the newest first; `after` is `created_at` and id of the last one of the page before."""
    place = (TopUpOrder.created_at, TopUpOrder.id)
    query = select(TopUpOrder).where(TopUpOrder.person_id == person_id)
    if after is not None:
        query = query.where(tuple_(*place) < after)
    return session.scalars(query.order_by(*(column.desc() for column in place)).limit(limit)).all()


def ask_how_to_pay(
    services: MoneyServices, order: TopUpOrder, now: datetime, *, payer: str | None = None
) -> Mapping[str, str]:
    """Return what the payer's app needs for an order that is still to be paid; the channel repeats what it said first.

    Raises:
        ChannelNotConnectedError, ChannelFailedError: see there.
    """
    closes_at = order.created_at + LIFETIME
    wanted = NewOrder(order.id, order.amount, "校园账户充值 Campus top-up", closes_at, payer=payer)
    return services.channel(order.channel).create(wanted, now)


def resolve_pending(services: MoneyServices, now: datetime) -> int:
    """Ask for orders that nobody has spoken of, and return how many were settled. Run it every minute."""
    with services.database.read() as session:
        waiting = session.scalars(select(TopUpOrder).filter_by(state="pending").order_by(TopUpOrder.created_at)).all()
        session.expunge_all()
    return sum(_ask(services, one, now).state in ("credited", "closed") for one in waiting)


def credit_stranded(services: MoneyServices, now: datetime) -> int:
    """Credit what came while a wallet was shut that is open again; return how many. Run it every minute."""
    query = select(TopUpOrder.id, TopUpOrder.person_id).join(LedgerAccount, LedgerAccount.id == TopUpOrder.person_id)
    query = query.where(TopUpOrder.state == "stranded", LedgerAccount.state == AccountState.ACTIVE)
    with services.database.read() as session:
        waiting = session.execute(query).all()
    for order_id, person_id in waiting:
        services.writer.run(partial(_release, order_id=order_id))
        offline.collect_unpaid(services, person_id, now)
    return len(waiting)


def settle(services: MoneyServices, word: ChannelOrder, now: datetime) -> TopUpOrder:
    """Settle an order as its channel says, once.

    Raises:
        NotFoundError: there is no such order.
        ChannelFailedError: the channel speaks of another amount.
    """

    def work(session: Session, _now: datetime) -> TopUpOrder:
        order = session.get(TopUpOrder, word.id, with_for_update=True, populate_existing=True)
        if order is None:
            raise NotFoundError("there is no top-up with this id")
        if word.state is ChannelState.PAID and order.state in ("pending", "closed"):
            _credit(session, order, word, now)
        elif word.state is ChannelState.CLOSED and order.state == "pending":
            order.state = "closed"
        return order

    order = services.writer.run(work)
    if order.state == "credited":
        offline.collect_unpaid(services, order.person_id, now)
    return order


def _credit(session: Session, order: TopUpOrder, word: ChannelOrder, now: datetime) -> None:
    if word.amount != order.amount:
        raise ChannelFailedError(f"the channel says {word.amount} fen were paid, {order.amount} were asked for")
    channel = open_named(session, AccountKind.CHANNEL, order.channel, now)
    details = {"reference": word.reference}
    transfer = Transfer(order.id, "top_up", channel, order.person_id, order.amount, details=details)
    outcome = record(session, [transfer], now)[0]
    order.reference, order.paid_at = word.reference, word.paid_at or now
    shut = (RefusalCode.ACCOUNT_SUSPENDED, RefusalCode.ACCOUNT_CLOSED)
    if outcome.refusal is not None and outcome.refusal.code in shut:
        # The channel has the money: it is credited once the account is released, or refunded at the counter.
        suspense = open_named(session, AccountKind.SUSPENSE, STRANDED, now)
        require(record(session, [replace(transfer, credit=suspense)], now)[0])
        order.state = "stranded"
        return
    require(outcome)
    order.state = "credited"


def _release(session: Session, now: datetime, *, order_id: UUID) -> None:
    order = session.get_one(TopUpOrder, order_id, with_for_update=True, populate_existing=True)
    if order.state != "stranded":
        return
    suspense = open_named(session, AccountKind.SUSPENSE, STRANDED, now)
    transfer = Transfer(uuid5(order.id, "release"), "top_up", suspense, order.person_id, order.amount)
    # Shut again meanwhile? Then it waits on.
    if record(session, [transfer], now)[0].entry is not None:
        order.state = "credited"


def _ask(services: MoneyServices, order: TopUpOrder, now: datetime) -> TopUpOrder:
    channel = services.channels.get(order.channel)
    if channel is None:
        return order
    try:
        if now >= order.created_at + LIFETIME:
            return settle(services, end_order(channel, order.id, channel.close), now)
        return settle(services, channel.query(order.id), now)
    except ProblemError as error:
        # One order that cannot be settled must not keep the job from the ones behind it.
        log.warning("top_up_not_settled", order=str(order.id), code=error.code)
        return order
