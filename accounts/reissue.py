"""A new card for a lost one, as the counter and the kiosks issue it: for an account in use, and its holder is told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.cards import loss
from accounts.people.notices import AccountNotice
from accounts.services import AccountsServices
from accounts.tables import Card


def undo_reissue(
    services: AccountsServices,
    session: Session,
    person_id: UUID,
    loss_id: UUID,
    card_id: UUID,
    *,
    by: str,
    now: datetime,
) -> bool:
    """Take back a reissue whose card was not handed out; the holder is told.

    Returns:
        Whether the fee was given back, as `accounts.cards.loss.undo_reissue`.
    """
    person = people.get(session, person_id, lock=True)
    card = cards.get(session, card_id, lock=True)
    is_returned = loss.undo_reissue(session, person, loss_id, card, by=by, now=now)
    if is_returned:
        services.notify(session, person_id, AccountNotice.REISSUE_REVERSED, now=now)
    return is_returned


def reissue(
    services: AccountsServices,
    session: Session,
    person_id: UUID,
    uid: str,
    *,
    key_number: int | None = None,
    by: str,
    now: datetime,
) -> Card:
    """Issue the card `uid` for a lost one, against the fee.

    Raises:
        NotFoundError, AccountNotUsableError: there is no such account, or it may not be used.
        ProblemError: as `accounts.cards.loss.reissue`.
    """
    person = people.get(session, person_id, lock=True)
    people.require_usable(person, now)
    services.notify(session, person_id, AccountNotice.CARD_ISSUED, now=now)
    return loss.reissue(session, person, uid, key_number=key_number, by=by, now=now)
