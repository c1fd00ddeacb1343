"""The card centre and the payment channels: refunds of top-ups, reconciliation with the daily bill."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import ROLE_ERRORS, CashierDep, NowDep
from accounts.api.money import MoneyDep
from accounts.api.topup.bodies import Fen
from accounts.payment_channels.channel import ChannelFailedError, ChannelNotConnectedError, ChannelRefundRefusedError
from accounts.payments import problems
from accounts.people.authority import OwnAccountError, require_another
from accounts.topup import reconciliation, refunds
from accounts.topup.paying_out import BalanceDiffersError
from accounts.topup.reconciliation import DifferenceKind
from accounts.topup.refunds import StrandedRefundError, TopUpRefundRequest
from accounts.topup.tables import TopUpOrder
from web.problems import NotFoundError, responses
from web.text import Slug

router = APIRouter(prefix="/api/v1", tags=["card centre"])


class TopUpRefundIn(BaseModel):
    """A top-up to be given back through its channel."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    amount: Fen


class TopUpRefundOut(BaseModel):
    """A refund of a top-up as it stands."""

    id: UUID
    order_id: UUID
    amount: int
    state: str


class DifferenceOut(BaseModel):
    """An id on which our books and the channel's bill differ."""

    kind: DifferenceKind
    id: UUID
    ours: int | None
    theirs: int | None


class ReconciliationOut(BaseModel):
    """A channel's day: sums in fen, payments less refunds."""

    channel: str
    day: date
    lines: int
    ours: int
    theirs: int
    differences: list[DifferenceOut]
    accepted: list[DifferenceOut] = Field(description="differences that the money desk accepted with a note")


@router.post(
    "/top-ups/{order_id}/refunds",
    status_code=201,
    responses=responses(
        *ROLE_ERRORS,
        NotFoundError,
        OwnAccountError,
        ChannelNotConnectedError,
        BalanceDiffersError,
        *problems.LEDGER_ERRORS,
        StrandedRefundError,
        ChannelFailedError,
        ChannelRefundRefusedError,
    ),
)
def refund_top_up(
    services: MoneyDep, cashier: CashierDep, now: NowDep, order_id: UUID, body: TopUpRefundIn
) -> TopUpRefundOut:
    """Give a part of a top-up back through its channel."""
    with services.database.read() as session:
        order = session.get(TopUpOrder, order_id)
        require_another(cashier, order.person_id if order is not None else None)
    made = refunds.refund(services, TopUpRefundRequest(body.id, order_id, body.amount), by=cashier.actor, now=now)
    return TopUpRefundOut(id=made.id, order_id=made.order_id, amount=made.amount, state=made.state)


@router.get(
    "/channels/{channel}/days/{day}",
    responses=responses(*ROLE_ERRORS, ChannelNotConnectedError, ChannelFailedError),
)
def reconcile(services: MoneyDep, _cashier: CashierDep, now: NowDep, channel: Slug, day: date) -> ReconciliationOut:
    """Compare our books with a channel's bill of a day."""
    found = reconciliation.reconcile(services, channel, day, now)
    differences, accepted = (
        [DifferenceOut(kind=one.kind, id=one.id, ours=one.ours, theirs=one.theirs) for one in part]
        for part in (found.differences, found.accepted)
    )
    return ReconciliationOut(
        channel=found.channel,
        day=found.day,
        lines=found.lines,
        ours=found.ours,
        theirs=found.theirs,
        differences=differences,
        accepted=accepted,
    )
