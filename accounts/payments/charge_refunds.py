"""Money of a third party's payment given back through its channel: refunds, and reversals of lost answers.

A refund is written down before the channel is asked, and settled exactly once by whichever answer comes first: the
call's, or the job's that asks for those whose answer was lost.
"""

import hashlib
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.chart import open_named
from accounts.ledger.posting import record
from accounts.ledger.transfer import AccountKind, Transfer
from accounts.payments import charges
from accounts.payments.corrections import Refund, reversal_id
from accounts.payments.problems import PaymentIdReusedError, RefundTooLargeError, require
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Charge, ChargeRefund
from accounts.payments.wallet import Till
from accounts.topup.channel import ChannelRefundRefusedError, RefundState, ask_refund
from web.problems import NotFoundError, ProblemError

_log = structlog.get_logger()


def reverse(services: MoneyServices, till: Till, charge_id: UUID, now: datetime) -> Charge:
    """Undo a charge whose answer was lost: an unpaid one is closed, a paid one given back.

    Raises:
        NotFoundError: this merchant has none with this id.
        ChannelFailedError: the channel does not answer; try again.
    """
    found = charges.get(services, till, charge_id)
    if found.state == "pending":
        found = charges.settle(services, services.channels[found.channel].close(charge_id), now)
    if found.state == "paid" and found.refunding < found.amount:
        give_back(services, till, Refund(reversal_id(charge_id), charge_id), now)
    return charges.get(services, till, charge_id)


def give_back(services: MoneyServices, till: Till, wanted: Refund, now: datetime) -> ChargeRefund:
    """Refund a paid charge, whole or in part, through the channel; each refund once.

    Raises:
        NotFoundError: this merchant took no such charge.
        RefundTooLargeError: more than the rest was asked for.
        ChannelFailedError: the channel does not answer; the same refund may be sent again.
        ChannelRefundRefusedError: the channel will not.
    """
    digest = hashlib.sha256(f"{wanted.payment_id} {wanted.amount}".encode()).digest()

    def reserve(session: Session, _now: datetime) -> ChargeRefund:
        paid = session.get(Charge, wanted.payment_id, with_for_update=True, populate_existing=True)
        if paid is None or paid.merchant_id != till.merchant_id or paid.state != "paid":
            raise NotFoundError("this merchant has no paid charge with this id")
        known = session.get(ChargeRefund, wanted.id)
        if known is not None:
            if known.digest != digest:
                raise PaymentIdReusedError
            return known
        left = paid.amount - paid.refunding
        fen = left if wanted.amount is None else wanted.amount
        if not 0 < fen <= left:
            raise RefundTooLargeError(left=left)
        paid.refunding += fen
        made = ChargeRefund(id=wanted.id, digest=digest, charge_id=paid.id, amount=fen, state="pending", created_at=now)
        session.add(made)
        return made

    reserved = services.writer.run(reserve)
    if reserved.state != "pending":
        return reserved
    channel = services.channels[charges.get(services, till, wanted.payment_id).channel]
    try:
        given_back_at = channel.refund(wanted.id, wanted.payment_id, reserved.amount, now=now)
    except ChannelRefundRefusedError:
        _settle_refund(services, wanted.id, now, given_back_at=None)
        raise
    return _settle_refund(services, wanted.id, now, given_back_at=given_back_at)


def resolve_refunds(services: MoneyServices, now: datetime) -> int:
    """Ask the channels for refunds whose answer was lost; return how many were settled. Run it every minute."""
    query = select(ChargeRefund, Charge.channel).join(Charge, Charge.id == ChargeRefund.charge_id)
    with services.database.read() as session:
        waiting = session.execute(query.where(ChargeRefund.state == "pending").order_by(ChargeRefund.created_at)).all()
        session.expunge_all()
    return sum(_resolve(services, refund, channel_name, now) for refund, channel_name in waiting)


def _resolve(services: MoneyServices, refund: ChargeRefund, channel_name: str, now: datetime) -> bool:
    channel = services.channels.get(channel_name)
    if channel is None:
        return False
    try:
        word = ask_refund(channel, refund.id, refund.charge_id, refund.amount, now=now)
        if word.state not in (RefundState.PAID, RefundState.REFUSED):
            return False
        given_back_at = (word.paid_at or now) if word.state is RefundState.PAID else None
        _settle_refund(services, refund.id, now, given_back_at=given_back_at)
    except ProblemError as error:
        # One refund that cannot be settled must not keep the job from the ones behind it.
        _log.warning("charge_refund_not_settled", refund=str(refund.id), code=error.code)
        return False
    return True


def _settle_refund(
    services: MoneyServices, refund_id: UUID, now: datetime, *, given_back_at: datetime | None
) -> ChargeRefund:
    def work(session: Session, _now: datetime) -> ChargeRefund:
        found = session.get(ChargeRefund, refund_id, with_for_update=True, populate_existing=True)
        if found is None:
            raise NotFoundError("there is no refund with this id")
        if found.state != "pending":
            return found
        paid = session.get_one(Charge, found.charge_id, with_for_update=True)
        if given_back_at is not None:
            channel = open_named(session, AccountKind.CHANNEL, paid.channel, now)
            transfer = Transfer(refund_id, "refund", paid.merchant_id, channel, found.amount, corrects=paid.id)
            require(record(session, [transfer], now)[0])
            found.state = "paid"
        else:
            paid.refunding -= found.amount
            found.state = "refused"
        found.settled_at = given_back_at or now
        return found

    return services.writer.run(work)
