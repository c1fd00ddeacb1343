"""Holds over HTTP, for meters and terminals: reserve, take what it came to, or let it go."""

from datetime import datetime, timedelta
from uuid import UUID

from fastapi import APIRouter

from accounts import cards, people
from accounts.api.dependencies import DEVICE_ERRORS, NowDep, PayingDep
from accounts.api.money import MoneyDep
from accounts.api.payments.bodies import ExtendIn, HeldOut, HoldIn, SettleIn, TakeIn
from accounts.api.payments.payments import CREDENTIAL_ERRORS, PASSWORD_ERRORS, TERMINAL_ERRORS, terminal_of
from accounts.cards import virtual_cards, virtual_code
from accounts.ledger.transfer import Action
from accounts.payments import holds, late_charges, problems, wallet
from accounts.payments.holds import Extension, Held
from accounts.payments.wallet import Payment
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["holds"])

_END_ERRORS = (*DEVICE_ERRORS, NotFoundError, problems.HoldEndedError, problems.PaymentIdReusedError)


@router.post(
    "/holds",
    status_code=201,
    responses=responses(
        *DEVICE_ERRORS,
        *TERMINAL_ERRORS,
        *CREDENTIAL_ERRORS,
        *PASSWORD_ERRORS,
        *problems.LEDGER_ERRORS,
        problems.PaymentCancelledError,
        virtual_code.InvalidCodeError,
        virtual_cards.CodeUsedError,
        virtual_cards.LeaseEndedError,
    ),
)
def hold(services: MoneyDep, device: PayingDep, now: NowDep, body: HoldIn) -> HeldOut:
    """Reserve money of the holder of a card or a virtual code; it counts in the limits from now on."""
    presented = body.presented()
    payment = Payment(body.id, body.amount, presented, body.consumption_password, timedelta(seconds=body.seconds))
    taken = wallet.pay(services, terminal_of(device), payment, now)
    return _out(holds.query(services, terminal_of(device), taken.entry.id), now)


@router.get("/holds/{hold_id}", responses=responses(*DEVICE_ERRORS, NotFoundError))
def read_hold(services: MoneyDep, device: PayingDep, now: NowDep, hold_id: UUID) -> HeldOut:
    """Say what became of a hold of this merchant."""
    with services.database.read() as session:
        held = holds.find_held(session, terminal_of(device), hold_id)
        return _out(held, now, late=late_charges.charged(session, hold_id))


@router.post("/holds/{hold_id}/post", responses=responses(*_END_ERRORS, problems.HoldExceededError))
def post_hold(services: MoneyDep, device: PayingDep, now: NowDep, hold_id: UUID, body: TakeIn) -> HeldOut:
    """Take what a hold has come to; the rest is free again. The same amount again changes nothing."""
    return _out(holds.post(services, terminal_of(device), hold_id, body.amount), now)


@router.post(
    "/holds/{hold_id}/extend",
    status_code=201,
    responses=responses(
        *_END_ERRORS,
        *problems.LEDGER_ERRORS,
        cards.CardNotUsableError,
        cards.UnknownCardError,
        people.AccountNotUsableError,
    ),
)
def extend_hold(services: MoneyDep, device: PayingDep, now: NowDep, hold_id: UUID, body: ExtendIn) -> HeldOut:
    """Put a larger or longer hold in the place of one, and answer the new one; refused, the old one stays."""
    wanted = Extension(body.amount, timedelta(seconds=body.seconds))
    return _out(holds.extend(services, terminal_of(device), hold_id, wanted, now), now)


@router.post("/holds/{hold_id}/settle", responses=responses(*DEVICE_ERRORS, NotFoundError))
def settle_hold(services: MoneyDep, device: PayingDep, now: NowDep, hold_id: UUID, body: SettleIn) -> HeldOut:
    """Take all that was used: out of the hold, and what goes beyond it or comes too late as a charge of its own."""
    settled = late_charges.settle(services, terminal_of(device), hold_id, body.amount, at=body.at, now=now)
    return _out(settled.held, now, late=settled.late)


@router.post("/holds/{hold_id}/void", responses=responses(*_END_ERRORS))
def void_hold(services: MoneyDep, device: PayingDep, now: NowDep, hold_id: UUID) -> HeldOut:
    """Let a hold go; again changes nothing."""
    return _out(holds.void(services, terminal_of(device), hold_id), now)


def _out(held: Held, now: datetime, *, late: int = 0) -> HeldOut:
    taken = held.end if held.end is not None and held.end.action is Action.POST else None
    return HeldOut(
        id=held.hold.id,
        state=held.state(now),
        amount=held.hold.amount,
        expires_at=held.expires_at,
        person_id=held.hold.debit,
        taken=taken.amount if taken else None,
        payment_id=taken.id if taken else None,
        late=late,
        extended_by=held.extended_by,
    )
