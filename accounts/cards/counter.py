"""Cards at the counter, as API and pages both do it: issue, loss, suspension, return, with authority.

A reissue is `accounts.reissue`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.cards import loss, registry, virtual_cards
from accounts.cards.card_states import CardAction
from accounts.people import authority, notices
from accounts.people.authority import Acting
from accounts.people.notices import Notify
from accounts.tables import Card, LossReport


def issue(
    session: Session,
    acting: Acting,
    person_id: UUID,
    uid: str,
    *,
    key_number: int | None = None,
    notify: Notify,
    now: datetime,
) -> Card:
    """Hand a person their first physical card, free of charge; they are told. A later one is a reissue.

    Raises:
        NotFoundError, people.AccountNotUsableError: see there.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
        registry.InvalidUidError, registry.UidTakenError, registry.CardAlreadyIssuedError: see there.
    """
    person = authority.get_to_change(session, acting, person_id)
    people.require_usable(person, now)
    notify(session, person_id, notices.AccountNotice.CARD_ISSUED, now=now)
    return registry.issue(session, person, uid, key_number=key_number, by=_actor(acting), now=now)


def report_loss(session: Session, acting: Acting, person_id: UUID, *, now: datetime) -> LossReport:
    """Report a loss at the counter, after a look at the ID document.

    Raises:
        NotFoundError, loss.LossReportedError, loss.NoCardError: see there.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    person = authority.get_to_change(session, acting, person_id)
    return loss.report(session, person, through="counter", by=_actor(acting), now=now)


def release_loss(session: Session, acting: Acting, person_id: UUID, *, now: datetime) -> None:
    """The card was found: it and the virtual ones work again.

    Raises:
        NotFoundError, loss.NoLossError: see there.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    person = authority.get_to_change(session, acting, person_id)
    loss.release(session, person, by=_actor(acting), now=now)


def take_step(session: Session, acting: Acting, card_id: UUID, action: CardAction, *, note: str, now: datetime) -> Card:
    """Suspend a card, lift its suspension, or take it back for good; a virtual card that is returned is unbound.

    A loss is released for all cards together, not here.

    Raises:
        NotFoundError, card_states.CardTransitionError: see there.
        virtual_cards.LossOpenError: a suspension is to be lifted while a loss is open.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
    """
    card = registry.get(session, card_id, lock=True)
    authority.require(session, acting, card.person_id)
    if action is CardAction.RELEASE and loss.open_loss(session, card.person_id) is not None:
        raise virtual_cards.LossOpenError
    registry.apply(session, card, action, by=_actor(acting), now=now, note_text=note)
    return card


def _actor(acting: Acting) -> str:
    return audit.person_actor(acting.person_id)
