"""Paying what one owes the library: hold, report, then take or let go. The person pays all of it, or nothing.

A payment of which the library did not say what became stays held. It is asked after again: where the library's system
owes less than before by then, it has booked the payment; where it owes as much, it is told once more of the same one.
A fine counts towards no spending limit, as the fee of a new card does not: nobody gains by paying another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid5

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import people
from accounts.ledger import AccountKind, Transfer, open_named, record
from accounts.ledger.transfer import Action
from accounts.payments.problems import PaymentIdReusedError, require
from accounts.payments.services import MoneyServices
from integrations.library_fines.library_system import (
    Fines,
    LibraryAwayError,
    LibrarySystem,
    OutcomeUnknownError,
    ReportedPayment,
)
from integrations.library_fines.tables import LibraryFinePayment
from web.problems import NotFoundError, ProblemError

log = structlog.get_logger()

PURPOSE: Final = "library_fine"
FEE_ACCOUNT: Final = "library_fines"
"""What the campus has taken for the library, which it settles with it."""

ASKED_AGAIN_AFTER: Final = timedelta(minutes=1)
"""Several times what an answer may take, so that nobody asks while it is still awaited."""
SILENT_AFTER: Final = timedelta(minutes=10)
_HELD_FOR: Final = timedelta(days=366)
"""Longer than any outage: money whose payment the library may have booked is not given back by the clock."""

Through = Literal["web", "kiosk"]


class LibrarySilentError(ProblemError):
    """The library's system does not answer; nothing was taken."""

    code = "library_silent"
    status = 503
    title = "The library's system does not answer; nothing was taken"


class FinesChangedError(ProblemError):
    """Another amount is owed now; `owed` in fen."""

    code = "fines_changed"
    status = 409
    title = "Another amount is owed now: look again before paying"


class FinePaymentPendingError(ProblemError):
    """Of an earlier payment it is not known yet what became of it."""

    code = "fine_payment_pending"
    status = 409
    title = "An earlier payment is not settled yet"


@dataclass(frozen=True, slots=True)
class FineServices:
    """What fines are paid with."""

    money: MoneyServices
    library: LibrarySystem


@dataclass(frozen=True, slots=True)
class WantedPayment:
    """What a person was shown and wants to pay. `id` is the same when they ask again."""

    id: UUID
    person_id: UUID
    fen: int
    through: Through


def find_fines(services: FineServices, person_id: UUID) -> Fines:
    """Return what a person owes the library now.

    Raises:
        LibrarySilentError: see there.
        NotFoundError: there is no such account.
    """
    try:
        return services.library.find_fines(_patron(services, person_id))
    except LibraryAwayError as error:
        log.warning("library_not_reached", why=str(error))
        raise LibrarySilentError from error


def find_of_person(session: Session, person_id: UUID, *, limit: int = 10) -> Sequence[LibraryFinePayment]:
    """Return a person's payments, newest first."""
    mine = select(LibraryFinePayment).where(LibraryFinePayment.person_id == person_id)
    return session.scalars(mine.order_by(LibraryFinePayment.created_at.desc()).limit(limit)).all()


def find_own(session: Session, payment_id: UUID, person_id: UUID) -> LibraryFinePayment:
    """Return a payment of a person.

    Raises:
        NotFoundError: this person made no such payment.
    """
    payment = session.get(LibraryFinePayment, payment_id)
    if payment is None or payment.person_id != person_id:
        raise NotFoundError("this person made no such payment")
    return payment


def pay(services: FineServices, wanted: WantedPayment, now: datetime) -> LibraryFinePayment:
    """Pay all that is owed, and return the payment: `paid`, `refused`, `unsent`, or `pending` while nobody knows.

    The same payment again returns what became of it.

    Raises:
        LibrarySilentError: see there.
        FinesChangedError, FinePaymentPendingError, PaymentIdReusedError: see there.
        AccountNotUsableError, InsufficientFundsError, WalletNotUsableError: see there.
    """
    with services.money.database.read() as session:
        if (earlier := session.get(LibraryFinePayment, wanted.id)) is not None:
            return _require_same(earlier, wanted)
    fines = find_fines(services, wanted.person_id)
    if fines.fen != wanted.fen or wanted.fen <= 0:
        raise FinesChangedError(owed=fines.fen)

    def hold(session: Session, _: datetime) -> tuple[LibraryFinePayment, bool]:
        return _hold(session, wanted, fines.name, now)

    payment, is_new = services.money.writer.run(hold)
    return _report(services, payment, now) if is_new else payment


def resolve_pending(services: FineServices, now: datetime) -> None:
    """Ask after every payment of which nobody knows yet what became of it; also after a crash."""
    with services.money.database.begin() as session:
        waiting = select(LibraryFinePayment).where(LibraryFinePayment.state == "pending")
        asked = session.scalars(
            waiting.where(LibraryFinePayment.asked_at <= now - ASKED_AGAIN_AFTER)
            .order_by(LibraryFinePayment.created_at)
            .with_for_update(skip_locked=True)
        ).all()
        for payment in asked:
            payment.asked_at = now
    for payment in asked:
        try:
            fines = services.library.find_fines(_patron(services, payment.person_id))
        except LibraryAwayError as error:
            log.warning("library_not_reached", why=str(error))
            return
        if not fines.is_known:
            continue
        if fines.fen < payment.fen:
            _end(services, payment, "paid", now)
        else:
            _report(services, payment, now, is_first=False)


def find_silence(session: Session, now: datetime) -> bool:
    """Return whether a payment waits for the library's word for long."""
    late = LibraryFinePayment.created_at <= now - SILENT_AFTER
    found = select(LibraryFinePayment.id).where(LibraryFinePayment.state == "pending", late)
    return session.scalar(found.limit(1)) is not None


def _hold(session: Session, wanted: WantedPayment, item: str | None, now: datetime) -> tuple[LibraryFinePayment, bool]:
    person = people.get(session, wanted.person_id, lock=True)
    if (earlier := session.get(LibraryFinePayment, wanted.id)) is not None:
        return _require_same(earlier, wanted), False
    people.require_usable(person, now)
    mine = select(LibraryFinePayment.id).where(LibraryFinePayment.person_id == person.id)
    if session.scalar(mine.where(LibraryFinePayment.state == "pending")) is not None:
        raise FinePaymentPendingError
    hold = Transfer(
        id=wanted.id,
        purpose=PURPOSE,
        debit=person.id,
        credit=open_named(session, AccountKind.FEE, FEE_ACCOUNT, now),
        amount=wanted.fen,
        action=Action.HOLD,
        expires_after=_HELD_FOR,
        details={"through": wanted.through},
    )
    require(record(session, [hold], now)[0])
    payment = LibraryFinePayment(
        id=wanted.id,
        person_id=person.id,
        fen=wanted.fen,
        item=item,
        through=wanted.through,
        state="pending",
        created_at=now,
        asked_at=now,
    )
    session.add(payment)
    session.flush()
    return payment, True


def _report(
    services: FineServices, payment: LibraryFinePayment, now: datetime, *, is_first: bool = True
) -> LibraryFinePayment:
    reported = ReportedPayment(payment.id, payment.fen, payment.item)
    try:
        is_accepted = services.library.report_payment(_patron(services, payment.person_id), reported)
    except LibraryAwayError as error:
        log.warning("library_not_reached", why=str(error))
        # Of one that was reported before, the library may have booked the first report.
        return _end(services, payment, "unsent", now) if is_first else payment
    except OutcomeUnknownError as error:
        log.warning("library_outcome_unknown", payment=str(payment.id), why=str(error.__cause__))
        return payment
    return _end(services, payment, "paid" if is_accepted else "refused", now)


def _end(
    services: FineServices, payment: LibraryFinePayment, state: Literal["paid", "refused", "unsent"], now: datetime
) -> LibraryFinePayment:
    """Take what is held, or let it go; a payment ends once, by whoever is first to know how."""
    action = Action.POST if state == "paid" else Action.VOID
    end = Transfer(
        id=uuid5(payment.id, action),
        purpose=PURPOSE,
        amount=payment.fen if state == "paid" else 0,
        action=action,
        resolves=payment.id,
        details={"through": payment.through},
    )

    def write(session: Session, _: datetime) -> LibraryFinePayment:
        row = session.get_one(LibraryFinePayment, payment.id, with_for_update=True)
        if row.state == "pending":
            require(record(session, [end], now)[0])
            row.state, row.ended_at = state, now
        return row

    ended = services.money.writer.run(write)
    log.info("library_fine_settled", payment=str(payment.id), state=ended.state)
    return ended


def _patron(services: FineServices, person_id: UUID) -> str:
    with services.money.database.read() as session:
        return people.get(session, person_id).number


def _require_same(earlier: LibraryFinePayment, wanted: WantedPayment) -> LibraryFinePayment:
    if (earlier.person_id, earlier.fen) != (wanted.person_id, wanted.fen):
        raise PaymentIdReusedError
    return earlier
