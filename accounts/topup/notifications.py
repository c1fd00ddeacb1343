"""What channels tell by themselves, of orders, charges and refunds: verified, done once, and answered.

A channel repeats a notification until it hears that it was taken. So one is remembered only after all of it was done:
a crash in between is mended by the repeat, and the repeat of what was done is answered like the first.
"""

from collections.abc import Mapping
from datetime import datetime

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from accounts.payment_channels.channel import (
    ChannelOrder,
    ChannelRefund,
    Notification,
    NotificationRefusedError,
    PaymentChannel,
)
from accounts.payments import charge_refunds, charges
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Charge, ChargeRefund
from accounts.topup import orders, refunds
from accounts.topup.tables import SeenNonce, TopUpOrder, TopUpRefund

log = structlog.get_logger()


def handle(
    services: MoneyServices, channel_name: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[str, str]:
    """Take a channel's notification and return what the channel wants to hear: media type and body.

    Raises:
        ChannelNotConnectedError: there is no such channel.
        NotificationRefusedError: it is forged, too old, or about something we never asked for.
        ChannelFailedError: it speaks of another amount than was asked for.
    """
    channel = services.channel(channel_name)
    notification = _read(channel, headers, body, now)
    with services.database.read() as session:
        known = session.get(SeenNonce, (channel_name, notification.nonce))
    if known is None:
        _settle(services, channel_name, notification.about, now)
        with services.database.begin() as session:
            _remember(session, channel_name, notification)
    return channel.acknowledgement


def forget_nonces(session: Session, now: datetime) -> None:
    """Delete nonces of notifications that would be too old now."""
    session.execute(delete(SeenNonce).where(SeenNonce.until < now))


def _read(channel: PaymentChannel, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
    try:
        return channel.read_notification(headers, body, now)
    except NotificationRefusedError:
        raise
    except Exception as error:
        # A library says in many ways that something is not the channel's, and whoever sent it is told one.
        log.warning("notification_not_read", channel=channel.name, error=type(error).__name__)
        raise NotificationRefusedError from error


def _settle(
    services: MoneyServices, channel_name: str, about: ChannelOrder | ChannelRefund | None, now: datetime
) -> None:
    match about:
        case ChannelOrder():
            _settle_order(services, channel_name, about, now)
        case ChannelRefund():
            _settle_refund(services, channel_name, about, now)
        case None:
            log.info("notification_not_wanted", channel=channel_name)


def _settle_order(services: MoneyServices, channel_name: str, order: ChannelOrder, now: datetime) -> None:
    with services.database.read() as session:
        top_up, charge = session.get(TopUpOrder, order.id), session.get(Charge, order.id)
    owner = top_up or charge
    if owner is None or owner.channel != channel_name:
        raise NotificationRefusedError("this channel has no such order")
    if top_up is not None:
        orders.settle(services, order, now)
    else:
        charges.settle(services, order, now)


def _settle_refund(services: MoneyServices, channel_name: str, refund: ChannelRefund, now: datetime) -> None:
    with services.database.read() as session:
        top_up, charge = session.get(TopUpRefund, refund.id), session.get(ChargeRefund, refund.id)
        owner: TopUpOrder | Charge | None = None
        if top_up is not None:
            owner = session.get(TopUpOrder, top_up.order_id)
        elif charge is not None:
            owner = session.get(Charge, charge.charge_id)
        if owner is None or owner.channel != channel_name:
            raise NotificationRefusedError("this channel has no such refund")
    if top_up is not None:
        refunds.settle(services, refund)
    else:
        charge_refunds.settle(services, now, refund)


def _remember(session: Session, channel: str, notification: Notification) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = {"channel": channel, "nonce": notification.nonce, "until": notification.nonce_until}
    session.execute(insert(SeenNonce).values(row).on_conflict_do_nothing())
