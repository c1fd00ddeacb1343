"""A top-up given back to where it came from.

A credited one is held in the wallet, asked of the channel, then posted or voided. One that was stranded, because the
wallet was shut when it came, goes back whole from the suspense account. The way through the channel is that of
`accounts.payment_channels.channel_refunds`.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.chart import open_named
from accounts.ledger.posting import record
from accounts.ledger.transfer import AccountKind, Action, Transfer
from accounts.payment_channels import channel_refunds
from accounts.payment_channels.channel import ChannelRefund, RefundState
from accounts.payment_channels.channel_refunds import OPEN, PendingRefund
from accounts.payments.problems import PaymentIdReusedError, RefundTooLargeError, require
from accounts.payments.services import MoneyServices
from accounts.tables import AuditEntry
from accounts.topup import money_trail
from accounts.topup.orders import STRANDED
from accounts.topup.paying_out import require_right_balance
from accounts.topup.tables import TopUpOrder, TopUpRefund
from web.problems import NotFoundError, ProblemError

TRAIL = "top_up.refund"
"""The action of the audit trail's line."""
_LIFE = timedelta(days=365)
"""Of the hold: it ends with the channel's answer, not by itself."""


class StrandedRefundError(ProblemError):
    """The top-up was never credited; only `amount`, the whole of it, can go back."""

    code = "refund_not_whole"
    status = 409
    title = "A top-up that was never credited goes back whole"


@dataclass(frozen=True, slots=True)
class TopUpRefundRequest:
    """What the counter gives back of an order."""

    id: UUID
    order_id: UUID
    amount: int


def refund(services: MoneyServices, request: TopUpRefundRequest, *, by: str, now: datetime) -> TopUpRefund:
    """Give a top-up back through its channel, a part or the whole; each refund once. Who wanted it is audited.

    It stays `pending` while the channel is at it; its notification or the job settles it.

    Raises:
        NotFoundError: there is no such paid order.
        RefundTooLargeError, InsufficientFundsError: more than was topped up, or than the wallet has.
        StrandedRefundError: a part of an order that was never credited.
        BalanceDiffersError: the balance is not what the journal says; nothing was reserved.
        ChannelNotConnectedError: its channel is not connected any more; nothing was reserved.
        ChannelFailedError: the channel does not answer; the money stays held, and the job asks again.
        ChannelRefundRefusedError: the channel will not; the money is released.
    """
    reserved, total, channel_name = services.writer.run(
        lambda session, _: _reserve(services, session, request, by=by, now=now)
    )
    if reserved.state not in OPEN:
        return reserved
    pending = PendingRefund(request.id, request.order_id, request.amount, total, channel_name)
    return channel_refunds.request(services.channel(channel_name), pending, partial(settle, services), now)


def resolve_refunds(services: MoneyServices, now: datetime) -> int:
    """Ask the channels for refunds that are open; return how many were settled. Run it every minute."""
    query = select(TopUpRefund.id, TopUpRefund.order_id, TopUpRefund.amount, TopUpOrder.amount, TopUpOrder.channel)
    query = query.join(TopUpOrder, TopUpOrder.id == TopUpRefund.order_id).where(TopUpRefund.state.in_(OPEN))
    with services.database.read() as session:
        waiting = [PendingRefund(*row) for row in session.execute(query.order_by(TopUpRefund.created_at))]
    return channel_refunds.resolve(services.channels, waiting, partial(settle, services), now)


def find_of_orders(session: Session, order_ids: Collection[UUID]) -> Sequence[TopUpRefund]:
    """Return the refunds of orders, the oldest first."""
    query = select(TopUpRefund).where(TopUpRefund.order_id.in_(order_ids))
    return session.scalars(query.order_by(TopUpRefund.created_at, TopUpRefund.id)).all()


def refunds_by(session: Session, actor: str, begins: datetime, ends: datetime) -> list[tuple[TopUpRefund, str]]:
    """Return the refunds that somebody gave at the counter between two times, with their channels, oldest first."""
    wanted = select(AuditEntry.details).where(
        AuditEntry.actor == actor, AuditEntry.action == TRAIL, AuditEntry.at >= begins, AuditEntry.at < ends
    )
    ids = [UUID(json.loads(details)["transfer"]) for details in session.scalars(wanted)]
    query = select(TopUpRefund, TopUpOrder.channel).join(TopUpOrder, TopUpOrder.id == TopUpRefund.order_id)
    rows = session.execute(query.where(TopUpRefund.id.in_(ids)).order_by(TopUpRefund.created_at))
    return [(row[0], row[1]) for row in rows]


def settle(services: MoneyServices, word: ChannelRefund) -> TopUpRefund:
    """Settle a refund as its channel says, once; one that cannot arrive stays open as `abnormal`."""
    return services.writer.run(partial(_finish, word=word))


def posting_id(refund_id: UUID) -> UUID:
    """Return the id of the journal's line that gives the money back."""
    return uuid5(refund_id, "refund")


def _reserve(
    services: MoneyServices, session: Session, request: TopUpRefundRequest, *, by: str, now: datetime
) -> tuple[TopUpRefund, int, str]:
    digest = channel_refunds.digest(request.order_id, request.amount)
    order = session.get(TopUpOrder, request.order_id, with_for_update=True, populate_existing=True)
    known = session.get(TopUpRefund, request.id)
    if order is None or (known is None and order.state not in ("credited", "stranded")):
        raise NotFoundError("there is no paid top-up with this id")
    if known is not None:
        if known.digest != digest:
            raise PaymentIdReusedError
        return known, order.amount, order.channel
    services.channel(order.channel)
    if not 0 < request.amount <= order.amount - order.refunding:
        raise RefundTooLargeError(left=order.amount - order.refunding)
    if order.state == "stranded":
        if request.amount != order.amount:
            raise StrandedRefundError(amount=order.amount)
        order.state = "returning"
    else:
        channel = open_named(session, AccountKind.CHANNEL, order.channel, now)
        hold = Transfer(
            request.id, "top_up_refund", order.person_id, channel, request.amount, Action.HOLD, expires_after=_LIFE
        )
        require(record(session, [hold], now)[0])
        require_right_balance(session, order.person_id)
    order.refunding += request.amount
    made = TopUpRefund(
        id=request.id, digest=digest, order_id=order.id, amount=request.amount, state="pending", created_at=now
    )
    session.add(made)
    money_trail.record(session, TRAIL, order.person_id, request.amount, request.id, by=by, now=now)
    return made, order.amount, order.channel


def _finish(session: Session, now: datetime, *, word: ChannelRefund) -> TopUpRefund:
    found = session.get_one(TopUpRefund, word.id, with_for_update=True, populate_existing=True)
    if found.state in OPEN:
        if word.state in (RefundState.PENDING, RefundState.ABNORMAL):
            found.state = word.state.value
        elif word.state in (RefundState.PAID, RefundState.REFUSED):
            _end(session, found, word.paid_at or now if word.state is RefundState.PAID else None, now)
    return found


def _end(session: Session, found: TopUpRefund, paid_at: datetime | None, now: datetime) -> None:
    """Book the end of a refund; `paid_at` None: the channel refused it."""
    order = session.get_one(TopUpOrder, found.order_id, with_for_update=True, populate_existing=True)
    if order.state == "returning":
        _return_stranded(session, order, found, now, paid=paid_at is not None)
    else:
        action, amount = (Action.VOID, 0) if paid_at is None else (Action.POST, found.amount)
        end = Transfer(posting_id(found.id), "top_up_refund", amount=amount, action=action, resolves=found.id)
        require(record(session, [end], now)[0])
    if paid_at is None:
        order.refunding -= found.amount
    found.state, found.paid_at = ("refused", None) if paid_at is None else ("paid", paid_at)


def _return_stranded(session: Session, order: TopUpOrder, refund: TopUpRefund, now: datetime, *, paid: bool) -> None:
    if not paid:
        order.state = "stranded"
        return
    suspense = open_named(session, AccountKind.SUSPENSE, STRANDED, now)
    channel = open_named(session, AccountKind.CHANNEL, order.channel, now)
    back = Transfer(posting_id(refund.id), "top_up_refund", suspense, channel, refund.amount, corrects=order.id)
    require(record(session, [back], now)[0])
    order.state = "returned"
