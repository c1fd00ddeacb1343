"""What a hold did not cover: a meter counted more than was held, or its record came when the hold had ended.

The water has run, so such a charge is never refused. The holder is known from the hold, whether a card or a code opened
it. What the wallet cannot pay stays `unpaid` until it can, and what is above the ceilings waits for a person, as for
payments that a terminal took offline.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger.expiry import expiry_id
from accounts.ledger.posting import record
from accounts.ledger.transfer import Action, Entry, Transfer
from accounts.payments import holds, offline
from accounts.payments.holds import Held
from accounts.payments.offline_states import Flag, OfflineState
from accounts.payments.problems import require
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
        flag = Flag.ABOVE_HOLD if posted else Flag.AFTER_HOLD
        _charge(session, services, terminal, held.hold, rest, already=posted + late, flag=flag, at=at, now=now)
        late += rest
    return Settled(held, posted, late)


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
    session: Session,
    services: MoneyServices,
    terminal: Terminal,
    hold: Entry,
    amount: int,
    *,
    already: int,
    flag: Flag,
    at: datetime,
    now: datetime,
) -> OfflinePayment:
    card_id = json.loads(hold.details or "{}").get("card")
    card = None if card_id is None else session.get(Card, UUID(card_id))
    row = OfflinePayment(
        id=uuid5(hold.id, f"late/{already}"),
        digest=Transfer(hold.id, METERED, amount=amount, details={"already": already}).digest(),
        device_id=terminal.device_id,
        merchant_id=hold.credit,
        person_id=hold.debit,
        amount=amount,
        occurred_at=at,
        received_at=now,
        state=OfflineState.REFUSED,
        flags="",
        hold_id=hold.id,
    )
    return offline.enter(session, services, row, card, [flag], now=now)
