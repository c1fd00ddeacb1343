"""Top-ups as whoever asked for them sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.topup import refunds
from accounts.topup.tables import TopUpOrder, TopUpRefund
from console.texts import Translate
from console.views.statement import name_channel

_SHAPES = {"credited": "good", "pending": "now", "closed": "quiet", "stranded": "bad", "returning": "now"}


@dataclass(frozen=True, slots=True)
class ShownRefund:
    """A part of a top-up that went back, or is on its way: `pending`, `paid` or `refused`."""

    amount: int
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShownTopUp:
    """A top-up in words; fen."""

    id: UUID
    channel: str
    amount: int
    state: str
    created_at: datetime
    paid_at: datetime | None
    reference: str | None
    refunds: tuple[ShownRefund, ...]

    @property
    def shape(self) -> str:
        """How its state is drawn: `good`, `bad`, `now` or `quiet`."""
        return _SHAPES.get(self.state, "quiet")


def describe_orders(session: Session, rows: Sequence[TopUpOrder], t: Translate) -> list[ShownTopUp]:
    """Return orders in their order, each with its refunds."""
    found = refunds.find_of_orders(session, [row.id for row in rows])
    return [_describe(row, [one for one in found if one.order_id == row.id], t) for row in rows]


def _describe(row: TopUpOrder, given_back: Sequence[TopUpRefund], t: Translate) -> ShownTopUp:
    return ShownTopUp(
        id=row.id,
        channel=name_channel(row.channel, t),
        amount=row.amount,
        state=row.state,
        created_at=row.created_at,
        paid_at=row.paid_at,
        reference=row.reference,
        refunds=tuple(ShownRefund(one.amount, one.state, one.paid_at or one.created_at) for one in given_back),
    )
