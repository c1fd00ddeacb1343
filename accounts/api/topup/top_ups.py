"""Top-up by the holder, by anyone who scans the static code, and the channels' notifications."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from accounts import people
from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from accounts.api.money import MoneyDep
from accounts.api.topup.bodies import Fen
from accounts.payment_channels.channel import ChannelFailedError, ChannelNotConnectedError, NotificationRefusedError
from accounts.payments.problems import PaymentIdReusedError
from accounts.topup import by_scan, notifications, orders
from accounts.topup.by_scan import PayeeUnknownError, ScannedTopUp
from accounts.topup.orders import TopUpRequest
from accounts.topup.tables import TopUpOrder
from web.client_address import NetworkDep
from web.problems import NotFoundError, ProblemError, responses
from web.rate_limits import TooManyTriesError
from web.text import Slug, line

router = APIRouter(prefix="/api/v1", tags=["top-up"])

MAX_NOTIFICATION = 64 * 1024


class NotificationTooLargeError(ProblemError):
    """No channel says so much."""

    code = "notification_too_large"
    status = 413
    title = "The notification is too large"


class TopUpIn(BaseModel):
    """A top-up of one's own wallet. Send the same body again when the answer was lost."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="made by the app; makes repeating safe")
    channel: Slug
    amount: Fen
    payer: Annotated[str, line(128)] | None = Field(
        default=None,
        description="who pays inside the channel's app, as the channel knows them (WeChat's openid); none: by scanning",
    )


class ScanTopUpIn(TopUpIn):
    """A top-up by the static code: whoever scans it names the person."""

    number: Annotated[str, line(32)]
    name: Annotated[str, line(100)]


class TopUpOut(BaseModel):
    """A top-up as it stands. `pay` is what the channel's app needs to pay it."""

    id: UUID
    state: str = Field(
        description="`pending`, `credited`, `closed`; paid for a suspended account: `stranded`, `returning`, `returned`"
    )
    channel: str
    amount: int
    created_at: datetime
    paid_at: datetime | None
    pay: dict[str, str] = Field(default_factory=dict)


_ORDER_ERRORS = (
    people.AccountNotUsableError,
    ChannelNotConnectedError,
    PaymentIdReusedError,
    ChannelFailedError,
)


@router.post(
    "/me/top-ups",
    status_code=201,
    responses=responses(*PERSON_ERRORS, NotFoundError, *_ORDER_ERRORS),
)
def create_top_up(services: MoneyDep, principal: PrincipalDep, now: NowDep, body: TopUpIn) -> TopUpOut:
    """Open a top-up of one's own wallet at a channel."""
    order, pay = orders.create(services, _request(body, principal.person_id), now)
    return _out(order, pay)


@router.get("/me/top-ups/{order_id}", responses=responses(*PERSON_ERRORS, NotFoundError))
def read_top_up(services: MoneyDep, principal: PrincipalDep, now: NowDep, order_id: UUID) -> TopUpOut:
    """Say what became of a top-up; an open one is asked for at its channel."""
    return _out(orders.query(services, order_id, principal.person_id, now))


@router.post(
    "/top-ups",
    status_code=201,
    responses=responses(PayeeUnknownError, TooManyTriesError, *_ORDER_ERRORS),
)
def create_top_up_by_scan(services: MoneyDep, network: NetworkDep, now: NowDep, body: ScanTopUpIn) -> TopUpOut:
    """Open a top-up for the person with this number and name (the static code; no sign-in)."""
    wanted = ScannedTopUp(body.id, body.number, body.name, body.channel, body.amount, payer=body.payer)
    order, pay = by_scan.create(services, wanted, network, now)
    return _out(order, pay)


@router.post(
    "/channels/{channel}/notifications",
    response_class=Response,
    responses=responses(
        ChannelNotConnectedError, NotificationRefusedError, NotificationTooLargeError, ChannelFailedError
    ),
)
async def take_notification(services: MoneyDep, request: Request, now: NowDep, channel: Slug) -> Response:
    """Take a channel's signed notification; the answer is what the channel wants to hear."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_NOTIFICATION:
            raise NotificationTooLargeError
    headers = dict(request.headers)
    media_type, text = await run_in_threadpool(notifications.handle, services, channel, headers, body, now)
    return Response(text, media_type=media_type)


def _request(body: TopUpIn, person_id: UUID) -> TopUpRequest:
    return TopUpRequest(body.id, person_id, body.channel, body.amount, payer=body.payer)


def _out(order: TopUpOrder, pay: Mapping[str, str] | None = None) -> TopUpOut:
    return TopUpOut(
        id=order.id,
        state=order.state,
        channel=order.channel,
        amount=order.amount,
        created_at=order.created_at,
        paid_at=order.paid_at,
        pay=dict(pay or {}),
    )
