"""Money at a payment channel of which nobody knows yet whose it is, for longer than it takes when all is well."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from accounts.payment_channels.channel import RefundState
from accounts.payments.tables import Charge, ChargeRefund
from accounts.topup import channel_days
from accounts.topup.tables import TopUpOrder, TopUpRefund

_ORDER_TAKES = timedelta(days=1)
"""Orders are closed in half an hour, charges in a minute, unless the channel is away or says another amount."""
_REFUND_TAKES = timedelta(days=7)
"""To a bank's card it takes three working days, and there may be holidays between."""


class Unsettled(StrEnum):
    """Why money is not settled; the reason of the alarm."""

    REFUND_ABNORMAL = "refund_abnormal"
    """It could not arrive at who paid: give it back at the channel's own page, to another account of theirs."""
    CHANNEL_SILENT = "channel_silent"
    """The channel does not answer, or says another amount than was asked for."""
    BILL_DIFFERS = "bill_differs"
    """A bill of the last thirty days and our books differ: the page of the channels says of which day."""


def find(session: Session, now: datetime) -> Unsettled | None:
    """Return why money at a channel is not settled, the more pressing reason first; None where all is well."""
    states = (TopUpRefund.state, ChargeRefund.state)
    if any(_is_any(session, state, state == RefundState.ABNORMAL) for state in states):
        return Unsettled.REFUND_ABNORMAL
    for state, created_at, takes in (
        (TopUpOrder.state, TopUpOrder.created_at, _ORDER_TAKES),
        (Charge.state, Charge.created_at, _ORDER_TAKES),
        (TopUpRefund.state, TopUpRefund.created_at, _REFUND_TAKES),
        (ChargeRefund.state, ChargeRefund.created_at, _REFUND_TAKES),
    ):
        if _is_any(session, state, state == "pending", created_at < now - takes):
            return Unsettled.CHANNEL_SILENT
    return Unsettled.BILL_DIFFERS if channel_days.find_differing(session, now.date()) else None


def _is_any(session: Session, column: InstrumentedAttribute[str], *where: ColumnElement[bool]) -> bool:
    return session.scalar(select(column).where(*where).limit(1)) is not None
