"""A top-up given back to where it came from: held in the wallet, asked of the channel, then posted or voided."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from accounts.ledger.chart import open_named
from accounts.ledger.posting import record
from accounts.ledger.transfer import AccountKind, Action, Transfer
from accounts.payments.problems import PaymentIdReusedError, RefundTooLargeError, require
from accounts.payments.services import MoneyServices
from accounts.topup.channel import ChannelRefundRefusedError
from accounts.topup.orders import channel_of
from accounts.topup.tables import TopUpOrder, TopUpRefund
from web.problems import NotFoundError

_LIFE = timedelta(days=365)
"""Of the hold: it ends with the channel's answer, not by itself."""


@dataclass(frozen=True, slots=True)
class TopUpRefundWish:
    """What the counter gives back of an order."""

    id: UUID
    order_id: UUID
    amount: int


def give_back(services: MoneyServices, wish: TopUpRefundWish, now: datetime) -> TopUpRefund:
    """Give a part of a credited order back through its channel; each refund once.

    Raises:
        NotFoundError: there is no such credited order.
        RefundTooLargeError, InsufficientFundsError: more than was topped up, or than the wallet has.
        ChannelFailedError: the channel does not answer; the money stays held, send the same refund again.
        ChannelRefundRefusedError: the channel will not; the money is released.
    """
    reserved, channel_name = services.writer.run(lambda session, _: _reserve(session, wish, now))
    if reserved.state != "pending":
        return reserved
    try:
        paid_at = channel_of(services, channel_name).refund(wish.id, wish.order_id, wish.amount, now=now)
    except ChannelRefundRefusedError:
        services.writer.run(lambda session, _: _finish(session, wish.id, now, paid_at=None))
        raise
    return services.writer.run(lambda session, _: _finish(session, wish.id, now, paid_at=paid_at))


def posting_id(refund_id: UUID) -> UUID:
    """Return the id of the journal's line that ends the hold of a refund."""
    return uuid5(refund_id, "refund")


def _reserve(session: Session, wish: TopUpRefundWish, now: datetime) -> tuple[TopUpRefund, str]:
    digest = hashlib.sha256(f"{wish.order_id} {wish.amount}".encode()).digest()
    order = session.get(TopUpOrder, wish.order_id, with_for_update=True, populate_existing=True)
    if order is None or order.state != "credited":
        raise NotFoundError("there is no credited top-up with this id")
    known = session.get(TopUpRefund, wish.id)
    if known is not None:
        if known.digest != digest:
            raise PaymentIdReusedError
        return known, order.channel
    if not 0 < wish.amount <= order.amount - order.refunding:
        raise RefundTooLargeError(left=order.amount - order.refunding)
    channel = open_named(session, AccountKind.CHANNEL, order.channel, now)
    hold = Transfer(wish.id, "top_up_refund", order.person_id, channel, wish.amount, Action.HOLD, expires_after=_LIFE)
    require(record(session, [hold], now)[0])
    order.refunding += wish.amount
    made = TopUpRefund(
        id=wish.id, digest=digest, order_id=order.id, amount=wish.amount, state="pending", created_at=now
    )
    session.add(made)
    return made, order.channel


def _finish(session: Session, refund_id: UUID, now: datetime, *, paid_at: datetime | None) -> TopUpRefund:
    found = session.get_one(TopUpRefund, refund_id, with_for_update=True, populate_existing=True)
    if found.state != "pending":
        return found
    action, amount = (Action.VOID, 0) if paid_at is None else (Action.POST, found.amount)
    end = Transfer(posting_id(refund_id), "top_up_refund", amount=amount, action=action, resolves=refund_id)
    require(record(session, [end], now)[0])
    if paid_at is None:
        order = session.get_one(TopUpOrder, found.order_id, with_for_update=True)
        order.refunding -= found.amount
    found.state, found.paid_at = ("refused", None) if paid_at is None else ("paid", paid_at)
    return found
