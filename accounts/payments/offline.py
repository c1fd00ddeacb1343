"""Payments that a terminal took while the server was out of reach, uploaded later with their own times and ids.

They have happened: the meal is eaten. So none is turned away; what is odd about one is a flag for the card centre, and
what the wallet cannot pay now stays `unpaid` until it can. What is above the ceilings, or of a time at which it can
hardly have happened, waits for a person (`offline_review`).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.ledger.posting import find, record
from accounts.ledger.tables import SpendingCounter
from accounts.ledger.transfer import RefusalCode, Transfer
from accounts.payments import offline_review
from accounts.payments.offline_review import Claim, OfflinePaymentDecidedError
from accounts.payments.offline_states import Flag, OfflineState
from accounts.payments.problems import UnknownMerchantError
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Merchant, OfflinePayment
from accounts.payments.wallet import METERED, PURPOSE, Terminal, caps_of
from accounts.tables import Card, LossReport
from accounts.vocabulary import CardState
from database.digests import credential_key


@dataclass(frozen=True, slots=True)
class OfflineItem:
    """One payment as the terminal kept it."""

    id: UUID
    amount: int
    uid: str
    at: datetime
    proved_key: int | None = None

    def digest(self, terminal: Terminal, key: bytes) -> bytes:
        """What must be the same when it is uploaded again; under the site's key, for a card's number can be guessed."""
        return hmac.digest(key, b"offline payment:" + self._payload(terminal), "sha256")

    def earlier_digest(self, terminal: Terminal, key: bytes) -> bytes:
        """The digest of before there was a key in it, as revision 0013 keeps it: a terminal may upload again."""
        return hmac.digest(key, hashlib.sha256(self._payload(terminal)).digest(), "sha256")

    def _payload(self, terminal: Terminal) -> bytes:
        return f"offline {terminal.device_id} {self.amount} {self.uid} {self.at.timestamp()}".encode()


@dataclass(frozen=True, slots=True)
class OfflineResult:
    """The answer to one item."""

    id: UUID
    state: OfflineState
    flags: tuple[Flag, ...]


def upload(
    services: MoneyServices, terminal: Terminal, items: Sequence[OfflineItem], now: datetime
) -> list[OfflineResult]:
    """Take a batch in the terminal's order; uploading it again gives the same answers.

    Raises:
        UnknownMerchantError: the device belongs to no merchant.
    """
    with services.database.read() as session:
        if terminal.merchant_id is None or session.get(Merchant, terminal.merchant_id) is None:
            raise UnknownMerchantError

    # Each in a transaction of its own: a terminal that comes back after a day keeps nobody waiting for long.
    return [services.writer.run(partial(_take, services, terminal, item, now)) for item in items]


def collect_unpaid(services: MoneyServices, person_id: UUID, now: datetime) -> int:
    """Try again what a person's wallet could not pay, oldest first; return how many were paid."""

    def work(session: Session, _: datetime) -> int:
        query = select(OfflinePayment).where(
            OfflinePayment.person_id == person_id, OfflinePayment.state == OfflineState.UNPAID
        )
        paid = 0
        for row in session.scalars(query.order_by(OfflinePayment.occurred_at).with_for_update()):
            if _record(session, services, row, now) is not None:
                return paid
            row.state = OfflineState.PAID
            paid += 1
        return paid

    return services.writer.run(work)


def decide(services: MoneyServices, payment_id: UUID, *, accept: bool, by: str, now: datetime) -> OfflinePayment:
    """Take the money of a payment that waits, or let it be; the same decision again changes nothing.

    Raises:
        NotFoundError: there is no offline payment with this id.
        OfflinePaymentDecidedError: it was decided otherwise, or never waited.
    """

    def work(session: Session, _: datetime) -> OfflinePayment:
        row = offline_review.take(session, payment_id)
        if row.state != OfflineState.WAITING:
            if row.decided_at is None or accept == (row.state == OfflineState.DECLINED):
                raise OfflinePaymentDecidedError(state=row.state)
            return row
        state = _state_after(_record(session, services, row, now)) if accept else OfflineState.DECLINED
        offline_review.note_decision(session, row, state, by=by, now=now)
        return row

    return services.writer.run(work)


def person_of(session: Session, payment_id: UUID) -> UUID | None:
    """Return whose money an offline payment would take."""
    return session.scalar(select(OfflinePayment.person_id).where(OfflinePayment.id == payment_id))


def flagged(
    session: Session, *, state: OfflineState | None = None, after: UUID | None = None, limit: int = 50
) -> Sequence[OfflinePayment]:
    """Return what the card centre should look at: flagged, unpaid, waiting and refused ones; or those in one state."""
    query = select(OfflinePayment).where(or_(OfflinePayment.flags != "", OfflinePayment.state != OfflineState.PAID))
    if state is not None:
        query = query.where(OfflinePayment.state == state)
    if after is not None:
        query = query.where(OfflinePayment.id > after)
    return session.scalars(query.order_by(OfflinePayment.id).limit(limit)).all()


def _take(
    services: MoneyServices, terminal: Terminal, item: OfflineItem, now: datetime, session: Session, _now: datetime
) -> OfflineResult:
    merchant_id = terminal.merchant_id
    if merchant_id is None:
        raise UnknownMerchantError
    key = credential_key(session)
    digest = item.digest(terminal, key)
    known = session.get(OfflinePayment, item.id)
    if known is not None:
        if known.digest not in (digest, item.earlier_digest(terminal, key)):
            return OfflineResult(item.id, OfflineState.REFUSED, (Flag.ID_REUSED,))
        return _result(known)
    card = _card_with_uid(session, item)
    row = OfflinePayment(
        id=item.id,
        digest=digest,
        device_id=terminal.device_id,
        merchant_id=merchant_id,
        person_id=card.person_id if card else None,
        amount=item.amount,
        occurred_at=item.at,
        received_at=now,
        state=OfflineState.REFUSED,
        flags="",
    )
    return _result(enter(session, services, row, card, flags_of(session, card, item.at, item.proved_key), now=now))


def enter(
    session: Session,
    services: MoneyServices,
    row: OfflinePayment,
    card: Card | None,
    flags: list[Flag],
    *,
    now: datetime,
) -> OfflinePayment:
    """Add a payment that has happened: take its money, or note why not. `flags` are those known so far."""
    claim = Claim(row.device_id, row.amount, row.occurred_at)
    flags = flags + offline_review.doubts(session, claim, card, services.ceilings, now)
    if row.person_id is not None and offline_review.WAITS.intersection(flags) and find(session, row.id) is None:
        row.state = OfflineState.WAITING
    elif row.person_id is not None:
        refused = _record(session, services, row, now)
        row.state = _state_after(refused)
        if refused is RefusalCode.ID_REUSED:
            flags.append(Flag.ID_REUSED)
        if _is_over_limit(session, services, row):
            flags.append(Flag.OVER_LIMIT)
    row.flags = " ".join(flags)
    session.add(row)
    session.flush()
    return row


def _state_after(refused: RefusalCode | None) -> OfflineState:
    """Return what becomes of a payment that the ledger took, or did not."""
    if refused is None:
        return OfflineState.PAID
    waits_for_money = (RefusalCode.INSUFFICIENT_FUNDS, RefusalCode.ACCOUNT_SUSPENDED)
    return OfflineState.UNPAID if refused in waits_for_money else OfflineState.REFUSED


def _card_with_uid(session: Session, item: OfflineItem) -> Card | None:
    try:
        return card_at(session, cards.uid_digest(session, item.uid), item.at)
    except cards.InvalidUidError:
        return None


def card_at(session: Session, uid_digest: str, at: datetime) -> Card | None:
    """Return the card that had this UID when a payment was made, whatever has become of it since."""
    query = select(Card).where(Card.uid_digest == uid_digest).order_by(Card.issued_at.desc())
    found = session.scalars(query).all()
    at_the_time = [card for card in found if card.issued_at <= at] or list(found)
    return at_the_time[0] if at_the_time else None


def flags_of(session: Session, card: Card | None, at: datetime, proved_key: int | None) -> list[Flag]:
    """Return what was odd about a card and its holder when a payment was made."""
    flags: list[Flag] = []
    if card is None:
        return flags
    if _lost_at(session, card, at):
        flags.append(Flag.AFTER_LOSS_REPORT)
    if card.state is not CardState.ACTIVE or (card.ended_at is not None and card.ended_at <= at):
        flags.append(Flag.CARD_NOT_ACTIVE)
    if card.key_number is not None and card.key_number != proved_key:
        flags.append(Flag.KEY_NOT_PROVED)
    if people.standing(people.get(session, card.person_id), at) != "good":
        flags.append(Flag.ACCOUNT_NOT_USABLE)
    return flags


def _lost_at(session: Session, card: Card, at: datetime) -> bool:
    """Whether the card's loss had been reported, and the card not found again, when the payment was made."""
    query = select(LossReport.id).where(
        LossReport.card_id == card.id,
        LossReport.reported_at <= at,
        # A reissue closes the report, and the lost card stays lost.
        or_(LossReport.closed_at.is_(None), LossReport.closed_at > at, LossReport.outcome == "reissued"),
    )
    return session.scalar(query.limit(1)) is not None


def _record(session: Session, services: MoneyServices, row: OfflinePayment, now: datetime) -> RefusalCode | None:
    """Take the money; return why not."""
    if row.person_id is None:
        return RefusalCode.ACCOUNT_UNKNOWN
    transfer = Transfer(
        id=row.id,
        purpose=PURPOSE if row.hold_id is None else METERED,
        debit=row.person_id,
        credit=row.merchant_id,
        amount=row.amount,
        caps=caps_of(session, services, row.person_id, row.occurred_at, unlocked=True),
        details={"device": str(row.device_id)}
        | ({"offline": True} if row.hold_id is None else {"hold": str(row.hold_id)}),
        occurred_at=row.occurred_at,
    )
    refusal = record(session, [transfer], now)[0].refusal
    return None if refusal is None else refusal.code


def _is_over_limit(session: Session, services: MoneyServices, row: OfflinePayment) -> bool:
    if row.person_id is None or row.state != OfflineState.PAID:
        return False
    for cap in caps_of(session, services, row.person_id, row.occurred_at, unlocked=False):
        key = SpendingCounter.account == row.person_id, SpendingCounter.window == cap.window
        spent = session.scalar(select(SpendingCounter.spent).where(*key)) or 0
        if cap.limit is not None and spent > cap.limit:
            return True
    return False


def _result(row: OfflinePayment) -> OfflineResult:
    return OfflineResult(row.id, OfflineState(row.state), tuple(Flag(flag) for flag in row.flags.split()))
