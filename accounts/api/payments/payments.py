"""Payments at terminals: pay, query, refund, reverse, upload."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select

from accounts import cards, passwords, people
from accounts.api.dependencies import DEVICE_ERRORS, NowDep, TerminalDep
from accounts.api.money import MoneyDep
from accounts.api.payments.bodies import (
    CorrectionOut,
    OfflineBatchIn,
    OfflineResultOut,
    PaymentIn,
    PaymentOut,
    RefundIn,
)
from accounts.cards import virtual_cards, virtual_code
from accounts.ledger.posting import find
from accounts.ledger.transfer import Action, Entry
from accounts.payment_channels.channel import ChannelFailedError, ChannelNotConnectedError, ChannelRefundRefusedError
from accounts.payments import charge_refunds, charges, codes, corrections, offline, problems, wallet
from accounts.payments.charges import ChargeRequest
from accounts.payments.corrections import Refund
from accounts.payments.offline import OfflineItem
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Charge
from accounts.payments.wallet import Payment, Terminal
from accounts.principals import DevicePrincipal
from accounts.tables import Person
from database import Database
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["payments"])

CREDENTIAL_ERRORS = (
    cards.InvalidUidError,
    cards.UnknownCardError,
    cards.CardNotUsableError,
    cards.CardKeyRequiredError,
    people.AccountNotUsableError,
)
PASSWORD_ERRORS = (
    passwords.PasswordWrongError,
    passwords.PasswordLockedError,
    passwords.PasswordNotSetError,
    passwords.PasswordChangeRequiredError,
)
TERMINAL_ERRORS = (problems.UnknownMerchantError, problems.ServiceNotOnCampusError)


def terminal_of(device: DevicePrincipal) -> Terminal:
    """Return the terminal that `device` is."""
    return Terminal(device.device_id, device.merchant_id, device.campus)


@router.post(
    "/payments",
    status_code=201,
    responses=responses(
        *DEVICE_ERRORS,
        *TERMINAL_ERRORS,
        *CREDENTIAL_ERRORS,
        *PASSWORD_ERRORS,
        *problems.LEDGER_ERRORS,
        problems.PaymentCancelledError,
        problems.UnknownCodeError,
        virtual_code.InvalidCodeError,
        virtual_cards.CodeUsedError,
        virtual_cards.LeaseEndedError,
        ChannelFailedError,
    ),
)
async def pay(services: MoneyDep, device: TerminalDep, now: NowDep, body: PaymentIn, response: Response) -> PaymentOut:
    """Take a payment by card, virtual code, or a third party's code (202 while its payer types a password)."""
    terminal = terminal_of(device)
    if body.code is not None and (route := codes.route(body.code, services.channels)) != "virtual":
        if route is None:
            raise problems.UnknownCodeError
        request = ChargeRequest(body.id, body.amount, body.code, route)
        charge = await run_in_threadpool(charges.charge, services, terminal, request, now)
        response.status_code = 202 if charge.state == "pending" else 201
        return _charge_out(charge)
    payment = Payment(body.id, body.amount, body.presented(), body.consumption_password)
    if wallet.is_plain(payment):
        taken = await wallet.pay_plain(services, terminal, payment, now)
    else:
        taken = await run_in_threadpool(wallet.pay, services, terminal, payment, now)
    if taken.name is None:
        return await run_in_threadpool(_look_up_payer, services.database, taken.entry)
    return _payment_out(taken.entry, taken.name)


@router.get("/payments/{payment_id}", responses=responses(*DEVICE_ERRORS, NotFoundError))
def read_payment(services: MoneyDep, device: TerminalDep, now: NowDep, payment_id: UUID) -> PaymentOut:
    """Say what became of a payment of this merchant; a pending one is asked for at its channel."""
    terminal = terminal_of(device)
    with services.database.read() as session:
        entry = find(session, payment_id)
        charge = session.get(Charge, payment_id)
    if charge is not None:
        return _charge_out(charges.query(services, terminal, payment_id, now))
    if entry is not None and entry.action is Action.CANCEL and entry.debit == terminal.merchant_id:
        return PaymentOut(id=entry.id, state="cancelled", amount=0, channel="wallet", at=entry.occurred_at)
    return _look_up_payer(services.database, corrections.require_payment(entry, terminal))


@router.post(
    "/payments/{payment_id}/refunds",
    status_code=201,
    responses=responses(
        *DEVICE_ERRORS,
        NotFoundError,
        *problems.LEDGER_ERRORS,
        ChannelNotConnectedError,
        ChannelFailedError,
        ChannelRefundRefusedError,
    ),
)
def refund(services: MoneyDep, device: TerminalDep, now: NowDep, payment_id: UUID, body: RefundIn) -> CorrectionOut:
    """Give a payment back, whole or in part; all refunds together are at most the payment."""
    terminal = terminal_of(device)
    with services.database.read() as session:
        by_channel = session.get(Charge, payment_id) is not None
    if by_channel:
        made = charge_refunds.refund(services, terminal, Refund(body.id, payment_id, body.amount), now)
        return CorrectionOut(id=made.id, payment_id=payment_id, state=_charge_state(made.state), amount=made.amount)
    entry = corrections.refund(services, terminal, Refund(body.id, payment_id, body.amount))
    return CorrectionOut(id=entry.id, payment_id=payment_id, state="paid", amount=entry.amount)


@router.post(
    "/payments/{payment_id}/reversal",
    responses=responses(
        *DEVICE_ERRORS,
        NotFoundError,
        problems.UnknownMerchantError,
        *problems.LEDGER_ERRORS,
        ChannelNotConnectedError,
        ChannelFailedError,
        ChannelRefundRefusedError,
    ),
)
def reverse(services: MoneyDep, device: TerminalDep, now: NowDep, payment_id: UUID) -> CorrectionOut:
    """Undo a payment whose answer was lost, also one that has not arrived yet; repeating changes nothing."""
    terminal = terminal_of(device)
    if terminal.merchant_id is None:
        raise problems.UnknownMerchantError
    if not _is_charge(services, payment_id):
        entry = corrections.reverse(services, terminal, payment_id)
        # The charge may have been written between the query above and the cancellation.
        if entry.action is not Action.CANCEL or not _is_charge(services, payment_id):
            state: Literal["cancelled", "reversed"] = "cancelled" if entry.action is Action.CANCEL else "reversed"
            return CorrectionOut(id=entry.id, payment_id=payment_id, state=state, amount=entry.amount)
    charge = charge_refunds.reverse(services, terminal, payment_id, now)
    if charge.state == "refused":
        return CorrectionOut(id=payment_id, payment_id=payment_id, state="cancelled", amount=0)
    undone = corrections.reversal_id(payment_id)
    return CorrectionOut(id=undone, payment_id=payment_id, state="reversed", amount=charge.refunding)


@router.post(
    "/payments/offline",
    responses=responses(*DEVICE_ERRORS, problems.UnknownMerchantError, cards.InvalidUidError),
)
def upload_offline(
    services: MoneyDep, device: TerminalDep, now: NowDep, body: OfflineBatchIn
) -> list[OfflineResultOut]:
    """Upload payments taken while the server was out of reach. Each has happened, so none is turned away."""
    items = [OfflineItem(one.id, one.amount, one.card.uid, one.at, one.card.proved_key) for one in body.items]
    results = offline.upload(services, terminal_of(device), items, now)
    return [OfflineResultOut(id=one.id, state=one.state, flags=list(one.flags)) for one in results]


def _is_charge(services: MoneyServices, payment_id: UUID) -> bool:
    with services.database.read() as session:
        return session.get(Charge, payment_id) is not None


def _look_up_payer(database: Database, entry: Entry) -> PaymentOut:
    with database.read() as session:
        name = session.scalar(select(Person.name).where(Person.id == entry.debit))
    return _payment_out(entry, name)


def _payment_out(entry: Entry, name: str | None) -> PaymentOut:
    return PaymentOut(
        id=entry.id,
        state="paid",
        amount=entry.amount,
        channel="wallet",
        person_id=entry.debit,
        name=name,
        balance=entry.debit_balance,
        at=entry.occurred_at,
    )


def _charge_out(charge: Charge) -> PaymentOut:
    return PaymentOut(
        id=charge.id,
        # One that has a reason was refused first: what was paid of it afterwards is not the merchant's.
        state="refused" if charge.reason else _charge_state(charge.state),
        amount=charge.amount,
        channel=charge.channel,
        at=charge.created_at,
        reason=charge.reason,
    )


def _charge_state(state: str) -> Literal["paid", "pending", "refused"]:
    match state:
        case "paid" | "pending":
            return state
        case "abnormal":
            return "pending"
        case _:
            return "refused"
