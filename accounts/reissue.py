"""A new card for a lost one, as the counter and the kiosks issue it: for an account in use, and its holder is told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.cards import loss
from accounts.people import authority
from accounts.people.authority import Acting
from accounts.people.notices import AccountNotice
from accounts.services import AccountsServices
from accounts.tables import Card
from web.problems import ProblemError


class FeeNotReturnedError(ProblemError):
    """The wallet takes nothing; `reason` is the ledger's."""

    code = "reissue_fee_not_returned"
    status = 409
    title = "The wallet does not take the fee back"


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
    told = AccountNotice.REISSUE_REVERSED if is_returned else AccountNotice.REISSUE_FEE_KEPT
    services.notify(session, person_id, told, now=now)
    return is_returned


def give_fee_back(
    services: AccountsServices, session: Session, acting: Acting, person_id: UUID, loss_id: UUID, *, now: datetime
) -> None:
    """Return the fee of a card that was not handed out, where the wallet did not take it before; the holder is told.

    Raises:
        NotFoundError: there is no such person.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
        FeeNotReturnedError: the wallet does not take it now either.
    """
    person = authority.get_to_change(session, acting, person_id)
    refusal = loss.give_fee_back(session, person, loss_id, now)
    if refusal is not None:
        raise FeeNotReturnedError(reason=refusal.code.value)
    services.notify(session, person_id, AccountNotice.REISSUE_REVERSED, now=now)


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
