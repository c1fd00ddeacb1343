"""A signed-in person's own cards: a virtual one claimed where they are signed in, a loss reported and released."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.cards import loss, virtual_cards
from accounts.cards.virtual_cards import ChannelUser
from accounts.own_passwords import require_own_password
from accounts.people.notices import AccountNotice
from accounts.principals import Principal
from accounts.services import AccountsServices
from accounts.tables import Card, LossReport
from accounts.vocabulary import CardKind, Channel, PasswordPurpose
from web.problems import NotFoundError


def claim_virtual_card(services: AccountsServices, me: Principal, query_password: str, *, now: datetime) -> Card:
    """Give the signed-in person the virtual card of the server's own pages; they are told.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError, PasswordChangeRequiredError: the query one.
        AlreadyBoundError: they have one.
        LossOpenError: a loss is reported.
        AccountNotUsableError: see there.
    """
    require_own_password(services, me, PasswordPurpose.QUERY, query_password, now=now)
    with services.database.begin() as session:
        person = people.get(session, me.person_id, lock=True)
        people.require_usable(person, now)
        services.notify(session, person.id, AccountNotice.VIRTUAL_CARD_BOUND, now=now)
        user = ChannelUser(str(person.id), None)
        return virtual_cards.bind(session, person, Channel.WEB, user, by=me.actor, now=now)


def find_virtual_card(session: Session, me: Principal, card_id: UUID) -> Card:
    """Return a virtual card of the signed-in person's, locked.

    Raises:
        NotFoundError: they have none with this id.
    """
    card = cards.get(session, card_id, lock=True)
    if card.person_id != me.person_id or card.kind is not CardKind.VIRTUAL:
        raise NotFoundError("you have no virtual card with this id")
    return card


def find_usable_virtual_card(session: Session, me: Principal, card_id: UUID, *, now: datetime) -> Card:
    """Return a virtual card of the signed-in person's, whose account may be used, locked.

    Raises:
        NotFoundError: they have none with this id.
        AccountNotUsableError: see there.
    """
    card = find_virtual_card(session, me, card_id)
    people.require_usable(people.get(session, me.person_id), now)
    return card


def report_loss(services: AccountsServices, me: Principal, *, now: datetime) -> LossReport:
    """Report the physical card of the signed-in person lost; nothing is asked for, so that nothing holds them up.

    Raises:
        LossReportedError, NoCardError: see there.
    """
    with services.database.begin() as session:
        person = people.get(session, me.person_id, lock=True)
        return loss.report(session, person, through="app", by=me.actor, now=now)


def release_loss(services: AccountsServices, me: Principal, query_password: str, *, now: datetime) -> None:
    """Let the found card and the virtual ones of the signed-in person work again.

    Raises:
        PasswordWrongError, PasswordLockedError, PasswordNotSetError, PasswordChangeRequiredError: the query one.
        NoLossError: no loss is reported.
    """
    require_own_password(services, me, PasswordPurpose.QUERY, query_password, now=now)
    with services.database.begin() as session:
        loss.release(session, people.get(session, me.person_id, lock=True), by=me.actor, now=now)
