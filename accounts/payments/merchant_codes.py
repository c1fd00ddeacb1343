"""A payment by a merchant's printed code: whoever scans it says how much, and pays through a channel's app.

It is a charge like those at terminals, opened as an order instead of taken from a code, and settled by whatever says
first that it is paid: the channel's notification, the payer's page, or the job that asks.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.ledger.posting import find
from accounts.payment_channels.channel import NewOrder
from accounts.payments import charges, merchants
from accounts.payments.charges import SCAN_PATIENCE
from accounts.payments.problems import PaymentIdReusedError, UnknownMerchantError
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Charge, Merchant
from web.problems import NotFoundError


@dataclass(frozen=True, slots=True)
class ScannedPayment:
    """What a payer asks for; `id` is made by their page and the same when it asks again. `amount` in fen."""

    id: UUID
    merchant_id: UUID
    channel: str
    amount: int

    def digest(self) -> bytes:
        """What must be the same when the id is used again."""
        return hashlib.sha256(f"scan {self.merchant_id} {self.channel} {self.amount}".encode()).digest()


def find_merchant(session: Session, merchant_id: UUID) -> Merchant:
    """Return a merchant that takes payments where it is.

    Raises:
        NotFoundError: there is none.
        ServiceNotOnCampusError: its service is not enabled there.
    """
    try:
        place = merchants.require_merchant(session, merchant_id, None)
    except UnknownMerchantError as error:
        raise NotFoundError("there is no merchant with this code") from error
    return session.get_one(Merchant, place.id)


def open_charge(services: MoneyServices, wanted: ScannedPayment, network: str, now: datetime) -> Charge:
    """Write a charge down for the merchant; `ask_how_to_pay` opens it at the channel.

    Raises:
        NotFoundError, ServiceNotOnCampusError: as `find_merchant`.
        ChannelNotConnectedError, PaymentIdReusedError: see there.
        TooManyTriesError: too many were opened from one network.
    """
    services.channel(wanted.channel)
    with services.database.begin() as session:
        known = session.get(Charge, wanted.id, with_for_update=True)
        if known is None:
            find_merchant(session, wanted.merchant_id)
            if find(session, wanted.id) is not None:
                raise PaymentIdReusedError
            services.scans.count_try(network, now)
            known = Charge(
                id=wanted.id,
                digest=wanted.digest(),
                channel=wanted.channel,
                merchant_id=wanted.merchant_id,
                device_id=wanted.merchant_id,
                by_scan=True,
                amount=wanted.amount,
                refunding=0,
                state="pending",
                created_at=now,
            )
            session.add(known)
        elif known.digest != wanted.digest():
            raise PaymentIdReusedError
    return known


def ask_how_to_pay(services: MoneyServices, charge: Charge, merchant: Merchant, now: datetime) -> Mapping[str, str]:
    """Return what the payer's app needs for a charge that is still to be paid; the channel repeats what it said first.

    Raises:
        ChannelNotConnectedError, ChannelFailedError: see there.
    """
    wanted = NewOrder(charge.id, charge.amount, merchant.name, charge.created_at + SCAN_PATIENCE)
    return services.channel(charge.channel).create(wanted, now)


def query(services: MoneyServices, merchant_id: UUID, charge_id: UUID, now: datetime) -> tuple[Charge, Merchant]:
    """Return a scanned payment of a merchant, after asking its channel where it is open; its id is the payer's secret.

    Raises:
        NotFoundError: there is none.
    """
    with services.database.read() as session:
        found, merchant = session.get(Charge, charge_id), session.get(Merchant, merchant_id)
        if found is None or merchant is None or not found.by_scan or found.merchant_id != merchant_id:
            raise NotFoundError("there is no payment with this id")
        session.expunge_all()
    return (found if found.state != "pending" else charges.ask(services, found, now)), merchant
