"""A payment through a channel, by the payer's code or the merchant's: the campus owes the merchant what it takes.

The channel answers paid, refused, or "the payer is typing a password"; or not at all. So a charge is written down
before the channel is asked, and settled exactly once by whichever answer comes first: the call's, a later query, or the
notification. The ledger's line has the charge's id.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.chart import open_named
from accounts.ledger.posting import find, record
from accounts.ledger.transfer import AccountKind, Action, Transfer
from accounts.payment_channels import channel_refunds
from accounts.payment_channels.channel import (
    ChannelFailedError,
    ChannelOrder,
    ChannelState,
    PaymentChannel,
    end_order,
)
from accounts.payments import merchants
from accounts.payments.corrections import reversal_id
from accounts.payments.problems import PaymentCancelledError, PaymentIdReusedError, require
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Charge, ChargeRefund
from accounts.payments.wallet import Terminal
from web.problems import NotFoundError, ProblemError

log = structlog.get_logger()

PATIENCE = timedelta(seconds=60)
"""How long a payer may take with their password before the charge is reversed."""
SCAN_PATIENCE = timedelta(minutes=10)
"""How long who scanned a merchant's code may take to pay: until then the channel takes the money."""
_NOT_PAID = "not paid"
"""The reason of a refusal for which the channel gives none; a charge that has a reason was refused first."""


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """What a terminal asks for, with the code the payer shows."""

    id: UUID
    amount: int
    code: str
    channel: str

    def digest(self, terminal: Terminal) -> bytes:
        """What must be the same when the id is used again."""
        return hashlib.sha256(f"{terminal.device_id} {self.amount} {self.code}".encode()).digest()


def charge(services: MoneyServices, terminal: Terminal, request: ChargeRequest, now: datetime) -> Charge:
    """Ask the channel for the money and return the charge: `paid`, `pending`, or `refused`.

    Raises:
        ProblemError: the terminal may not take payments, or the id was used for something else.
    """
    with services.database.begin() as session:
        known = session.get(Charge, request.id, with_for_update=True)
        if known is not None:
            if known.digest != request.digest(terminal):
                raise PaymentIdReusedError
        else:
            merchant = merchants.require_merchant(session, terminal.merchant_id, terminal.campus)
            if (line := find(session, request.id)) is not None:
                raise PaymentCancelledError if line.action is Action.CANCEL else PaymentIdReusedError
            session.add(
                Charge(
                    id=request.id,
                    digest=request.digest(terminal),
                    channel=request.channel,
                    merchant_id=merchant.id,
                    device_id=terminal.device_id,
                    amount=request.amount,
                    refunding=0,
                    state="pending",
                    created_at=now,
                )
            )
    if known is not None:
        return query(services, terminal, request.id, now)
    if _was_cancelled(services, request.id):
        # The reversal came between the query above and the charge's row. It looks for the row after it has cancelled.
        settle(services, ChannelOrder(request.id, ChannelState.CLOSED, request.amount, reason="cancelled"), now)
        raise PaymentCancelledError
    try:
        order = services.channel(request.channel).charge(
            request.id, request.code, request.amount, description="campus", now=now
        )
    except ChannelFailedError:
        return get(services, terminal, request.id)
    return settle(services, order, now)


def query(services: MoneyServices, terminal: Terminal, charge_id: UUID, now: datetime) -> Charge:
    """Return a charge after asking the channel where it is still open.

    Raises:
        NotFoundError: this merchant has none with this id.
    """
    found = get(services, terminal, charge_id)
    return found if found.state != "pending" else ask(services, found, now)


def get(services: MoneyServices, terminal: Terminal, charge_id: UUID) -> Charge:
    """Return a charge as it stands.

    Raises:
        NotFoundError: this merchant has none with this id.
    """
    with services.database.read() as session:
        found = session.get(Charge, charge_id)
        if found is None or found.merchant_id != terminal.merchant_id:
            raise NotFoundError("this merchant has no charge with this id")
        session.expunge(found)
        return found


def resolve_pending(services: MoneyServices, now: datetime) -> int:
    """Ask the channels for charges that are still open; return how many were settled. Run it every few seconds."""
    with services.database.read() as session:
        query = select(Charge).where(Charge.state == "pending").order_by(Charge.created_at)
        waiting = session.scalars(query).all()
        session.expunge_all()
    return sum(ask(services, one, now).state != "pending" for one in waiting)


def settle(services: MoneyServices, order: ChannelOrder, now: datetime) -> Charge:
    """Settle a charge as its channel says, once.

    One that was refused here, and that its payer paid all the same, is booked and owed back to them at once: whoever
    stood at the terminal was told that nothing was paid.

    Raises:
        NotFoundError: there is no such charge.
        ChannelFailedError: the channel speaks of another amount.
    """

    def work(session: Session, _now: datetime) -> Charge:
        found = session.get(Charge, order.id, with_for_update=True, populate_existing=True)
        if found is None:
            raise NotFoundError("there is no charge with this id")
        if found.state == "pending":
            _settle(session, found, order, now)
        elif found.state == "refused" and order.state is ChannelState.PAID:
            _settle(session, found, order, now)
            _owe_back(session, found, now)
        return found

    return services.writer.run(work)


def _settle(session: Session, found: Charge, order: ChannelOrder, now: datetime) -> None:
    if order.state is ChannelState.PAID:
        if order.amount != found.amount:
            raise ChannelFailedError(f"the channel says {order.amount} fen were paid, {found.amount} were asked for")
        channel = open_named(session, AccountKind.CHANNEL, found.channel, now)
        device = {} if found.by_scan else {"device": str(found.device_id)}
        details = device | {"reference": order.reference}
        transfer = Transfer(found.id, "charge", channel, found.merchant_id, found.amount, details=details)
        require(record(session, [transfer], now)[0])
        found.state, found.reference, found.settled_at = "paid", order.reference, order.paid_at or now
    elif order.state is ChannelState.CLOSED:
        found.state, found.reason, found.settled_at = "refused", order.reason or _NOT_PAID, now


def _owe_back(session: Session, found: Charge, now: datetime) -> None:
    """Write down the refund of a whole charge; the job asks the channel for it."""
    found.refunding = found.amount
    given_back = ChargeRefund(
        id=reversal_id(found.id),
        digest=channel_refunds.digest(found.id, None),
        charge_id=found.id,
        amount=found.amount,
        state="pending",
        created_at=now,
    )
    session.add(given_back)


def end(channel: PaymentChannel, found: Charge) -> ChannelOrder:
    """End a charge at its channel unless it is paid, and return what became of it.

    Raises:
        ChannelFailedError: the channel does not answer.
    """
    return end_order(channel, found.id, channel.close if found.by_scan else channel.reverse)


def ask(services: MoneyServices, found: Charge, now: datetime) -> Charge:
    """Return a charge that is open after asking its channel; one whose payer took too long is ended."""
    channel = services.channels.get(found.channel)
    if channel is None:
        return found
    try:
        if now >= found.created_at + (SCAN_PATIENCE if found.by_scan else PATIENCE):
            return settle(services, end(channel, found), now)
        return settle(services, channel.query(found.id), now)
    except ProblemError as error:
        # One charge that cannot be settled must not keep the job from the ones behind it.
        log.warning("charge_not_settled", charge=str(found.id), code=error.code)
        return found


def _was_cancelled(services: MoneyServices, charge_id: UUID) -> bool:
    with services.database.read() as session:
        return find(session, charge_id) is not None
