"""Money of a third party's payment given back through its channel: refunds, and reversals of lost answers.

Each goes through its channel as `accounts.payment_channels.channel_refunds` says; here is what it reserves of the
charge, and what it moves in the ledger.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.chart import open_named
from accounts.ledger.posting import record
from accounts.ledger.transfer import AccountKind, Transfer
from accounts.payment_channels import channel_refunds
from accounts.payment_channels.channel import ChannelRefund, RefundState
from accounts.payment_channels.channel_refunds import OPEN, PendingRefund
from accounts.payments import charges
from accounts.payments.corrections import Refund, reversal_id
from accounts.payments.problems import PaymentIdReusedError, RefundTooLargeError, require
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Charge, ChargeRefund
from accounts.payments.wallet import Terminal
from web.problems import NotFoundError


def reverse(services: MoneyServices, terminal: Terminal, charge_id: UUID, now: datetime) -> Charge:
    """Undo a charge whose answer was lost: an unpaid one is reversed, a paid one given back.

    Raises:
        NotFoundError: this merchant has none with this id.
        ChannelNotConnectedError: its channel is not connected any more.
        ChannelFailedError: the channel does not answer; try again.
    """
    found = charges.get(services, terminal, charge_id)
    if found.state == "pending":
        channel = services.channel(found.channel)
        found = charges.settle(services, charges.end(channel, found), now)
    if found.state == "paid" and found.refunding < found.amount:
        refund(services, terminal, Refund(reversal_id(charge_id), charge_id), now)
    return charges.get(services, terminal, charge_id)


def refund(services: MoneyServices, terminal: Terminal, wanted: Refund, now: datetime) -> ChargeRefund:
    """Refund a paid charge, whole or in part, through the channel; each refund once, `pending` while it is at it.

    Raises:
        NotFoundError: this merchant took no such charge.
        RefundTooLargeError: more than the rest was asked for.
        ChannelNotConnectedError: its channel is not connected any more; nothing was reserved.
        ChannelFailedError: the channel does not answer; the same refund may be sent again.
        ChannelRefundRefusedError: the channel will not.
    """
    reserved, total, channel_name = services.writer.run(
        lambda session, _: _reserve(services, session, terminal, wanted, now)
    )
    if reserved.state not in OPEN:
        return reserved
    pending = PendingRefund(reserved.id, reserved.charge_id, reserved.amount, total, channel_name)
    return channel_refunds.request(services.channel(channel_name), pending, partial(settle, services, now), now)


def resolve_refunds(services: MoneyServices, now: datetime) -> int:
    """Ask the channels for refunds that are open; return how many were settled. Run it every minute."""
    query = select(ChargeRefund.id, ChargeRefund.charge_id, ChargeRefund.amount, Charge.amount, Charge.channel)
    query = query.join(Charge, Charge.id == ChargeRefund.charge_id).where(ChargeRefund.state.in_(OPEN))
    with services.database.read() as session:
        waiting = [PendingRefund(*row) for row in session.execute(query.order_by(ChargeRefund.created_at))]
    return channel_refunds.resolve(services.channels, waiting, partial(settle, services, now), now)


def settle(services: MoneyServices, now: datetime, word: ChannelRefund) -> ChargeRefund:
    """Settle a refund as its channel says, once; one that cannot arrive stays open as `abnormal`."""
    return services.writer.run(lambda session, _: _finish(session, word, now))


def _reserve(
    services: MoneyServices, session: Session, terminal: Terminal, wanted: Refund, now: datetime
) -> tuple[ChargeRefund, int, str]:
    paid = session.get(Charge, wanted.payment_id, with_for_update=True, populate_existing=True)
    if paid is None or paid.merchant_id != terminal.merchant_id or paid.state != "paid":
        raise NotFoundError("this merchant has no paid charge with this id")
    digest = channel_refunds.digest(wanted.payment_id, wanted.amount)
    known = session.get(ChargeRefund, wanted.id)
    if known is not None:
        if known.digest != digest:
            raise PaymentIdReusedError
        return known, paid.amount, paid.channel
    services.channel(paid.channel)
    left = paid.amount - paid.refunding
    fen = left if wanted.amount is None else wanted.amount
    if not 0 < fen <= left:
        raise RefundTooLargeError(left=left)
    paid.refunding += fen
    made = ChargeRefund(id=wanted.id, digest=digest, charge_id=paid.id, amount=fen, state="pending", created_at=now)
    session.add(made)
    return made, paid.amount, paid.channel


def _finish(session: Session, word: ChannelRefund, now: datetime) -> ChargeRefund:
    found = session.get_one(ChargeRefund, word.id, with_for_update=True, populate_existing=True)
    if found.state not in OPEN or word.state is RefundState.UNKNOWN:
        return found
    found.state = word.state.value
    if word.state in (RefundState.PAID, RefundState.REFUSED):
        paid = session.get_one(Charge, found.charge_id, with_for_update=True)
        if word.state is RefundState.PAID:
            channel = open_named(session, AccountKind.CHANNEL, paid.channel, now)
            transfer = Transfer(found.id, "refund", paid.merchant_id, channel, found.amount, corrects=paid.id)
            require(record(session, [transfer], now)[0])
        else:
            paid.refunding -= found.amount
        found.settled_at = word.paid_at or now
    return found
