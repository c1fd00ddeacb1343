"""What a hold did not cover: a meter counted more than was held, or its record came when the hold had ended.

The water has run, so such a charge is never refused. The holder is known from the hold, whether a card, a code or a
password opened it. What the wallet cannot pay stays `unpaid` until it can, and what is above the ceilings waits for a
person, as for payments that a terminal took offline.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger import chart
from accounts.ledger.expiry import expiry_id
from accounts.ledger.posting import record
from accounts.ledger.transfer import Action, Transfer
from accounts.payments import holds, offline
from accounts.payments.holds import Held
from accounts.payments.offline_states import Flag, OfflineState
from accounts.payments.problems import UnknownMerchantError, require
from accounts.payments.services import MoneyServices
from accounts.payments.tables import OfflinePayment
from accounts.payments.wallet import METERED, Terminal
from accounts.tables import Card, Device


@dataclass(frozen=True, slots=True)
class Settled:
    """What was taken for a hold in all, in fen: `posted` out of it, `late` beyond it or after it."""

    held: Held
    posted: int
    late: int


@dataclass(frozen=True, slots=True)
class _Claim:
    """A charge of `amount` fen beside the `already` taken for a hold, or for a use that had none."""

    of: UUID
    person_id: UUID
    merchant_id: UUID
    card: Card | None
    already: int
    amount: int
    at: datetime


def settle(
    services: MoneyServices, terminal: Terminal, hold_id: UUID, amount: int, *, at: datetime, now: datetime
) -> Settled:
    """Take `amount` fen in all for what a hold was made for, however much that is and however late it comes.

    `amount` is the whole, so settling again takes only what is more than before: nothing is taken twice, whatever came
    first of this, the hold's post and its expiry. A smaller amount gives nothing back.

    Raises:
        NotFoundError: this merchant has no such hold.
    """
    return services.writer.run(
        lambda session, _: settle_in(session, services, terminal, hold_id, amount, at=at, now=now)
    )


def settle_in(
    session: Session,
    services: MoneyServices,
    terminal: Terminal,
    hold_id: UUID,
    amount: int,
    *,
    at: datetime,
    now: datetime,
) -> Settled:
    """Settle in the caller's transaction; see `settle`."""
    # The device before the wallet, as where a terminal uploads what it took offline.
    session.get(Device, terminal.device_id, with_for_update=True)
    held = _last(session, terminal, holds.lock(session, terminal, hold_id))
    if held.end is None:
        end = _end_of(held, terminal, amount, now)
        held = Held(held.hold, held.expires_at, require(record(session, [end], now)[0]))
    posted = held.end.amount if held.end is not None and held.end.action is Action.POST else 0
    late = charged(session, held.hold.id)
    if (rest := amount - posted - late) > 0:
        hold = held.hold
        card_id = holds.card_of(hold)
        card = None if card_id is None else session.get(Card, card_id)
        flags = [Flag.ABOVE_HOLD if posted else Flag.AFTER_HOLD]
        claim = _Claim(hold.id, hold.debit, hold.credit, card, posted + late, rest, at)
        _charge(session, services, terminal, claim, flags, now=now)
        late += rest
    return Settled(held, posted, late)


@dataclass(frozen=True, slots=True)
class Use:
    """What somebody used without a hold, as a meter away from the server lets its holders; `at` is when.

    `card` is what they showed; None where they logged in with a password.
    """

    id: UUID
    person_id: UUID
    card: Card | None
    proved_key: int | None
    at: datetime


def charge_in(
    session: Session, services: MoneyServices, terminal: Terminal, use: Use, amount: int, *, now: datetime
) -> int:
    """Take `amount` fen in all for a use without a hold, as `settle_in` does; return what was charged so far.

    Raises:
        UnknownMerchantError: the device belongs to no merchant.
    """
    if terminal.merchant_id is None:
        raise UnknownMerchantError
    session.get(Device, terminal.device_id, with_for_update=True)
    chart.lock(session, use.person_id)
    already = charged(session, use.id)
    if amount > already:
        rest = amount - already
        claim = _Claim(use.id, use.person_id, terminal.merchant_id, use.card, already, rest, use.at)
        flags = offline.flags_of(session, use.card, use.at, use.proved_key)
        _charge(session, services, terminal, claim, flags, now=now)
    return max(amount, already)


def charged(session: Session, hold_id: UUID) -> int:
    """Return the fen that were charged beyond a hold or after it, paid or not."""
    query = select(func.coalesce(func.sum(OfflinePayment.amount), 0)).where(OfflinePayment.hold_id == hold_id)
    return int(session.scalar(query) or 0)


def _last(session: Session, terminal: Terminal, held: Held) -> Held:
    """The hold that stands in the place of one that was extended."""
    while (replacement := held.extended_by) is not None:
        held = holds.find_held(session, terminal, replacement)
    return held


def _end_of(held: Held, terminal: Terminal, amount: int, now: datetime) -> Transfer:
    """The line that ends an open hold, the same as `holds.post`, `holds.void` and the clock write."""
    hold_id = held.hold.id
    if now >= held.expires_at:
        return Transfer(id=expiry_id(hold_id), purpose="expiry", action=Action.EXPIRE, resolves=hold_id)
    return holds.end_of(terminal, hold_id, min(amount, held.hold.amount))


def _charge(
    session: Session, services: MoneyServices, terminal: Terminal, claim: _Claim, flags: list[Flag], *, now: datetime
) -> OfflinePayment:
    row = OfflinePayment(
        id=uuid5(claim.of, f"late/{claim.already}"),
        digest=Transfer(claim.of, METERED, amount=claim.amount, details={"already": claim.already}).digest(),
        device_id=terminal.device_id,
        merchant_id=claim.merchant_id,
        person_id=claim.person_id,
        amount=claim.amount,
        occurred_at=claim.at,
        received_at=now,
        state=OfflineState.REFUSED,
        flags="",
        hold_id=claim.of,
    )
    return offline.enter(session, services, row, claim.card, flags, now=now)
