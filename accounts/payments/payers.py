"""Whose card or code it is, if it may pay: of one payment, or of all payments of a group in one query."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.cards import identity
from accounts.cards.identity import Presented, Trust
from accounts.payments import limits
from accounts.payments.limits import Limits
from accounts.payments.services import MoneyServices
from accounts.payments.tables import SpendingLimit
from accounts.tables import Card, Person
from accounts.vocabulary import CardState, PersonState
from database import table_of

_CARDS, _PEOPLE, _LIMITS = table_of(Card), table_of(Person), table_of(SpendingLimit)
_HOLDERS = (
    select(
        _CARDS.c.uid_digest,
        _CARDS.c.id,
        _CARDS.c.state,
        _CARDS.c.key_number,
        _PEOPLE.c.id,
        _PEOPLE.c.name,
        _PEOPLE.c.state,
        _PEOPLE.c.valid_from,
        _PEOPLE.c.valid_until,
        _LIMITS.c.meal,
        _LIMITS.c.day,
    )
    .select_from(_CARDS.join(_PEOPLE, _PEOPLE.c.id == _CARDS.c.person_id))
    .outerjoin(_LIMITS, _LIMITS.c.person_id == _PEOPLE.c.id)
    .where(_CARDS.c.uid_digest.in_(bindparam("digests", expanding=True)), cards.IN_USE)
)


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose credential it is, as far as a payment needs to know."""

    person_id: UUID
    card_id: UUID
    trust: Trust
    limits: Limits
    name: str


@dataclass(frozen=True, slots=True)
class _CardFacts:
    id: UUID
    state: CardState
    key_number: int | None


@dataclass(frozen=True, slots=True)
class _PersonFacts:
    id: UUID
    name: str
    state: PersonState
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class CardHolder:
    """A card in use and its holder, as they are at this moment; whether they may pay is not judged yet."""

    card: _CardFacts
    person: _PersonFacts
    own_limits: Limits | None

    def require_payer(self, presented: Presented, default: Limits, now: datetime) -> Payer:
        """Return who pays.

        Raises:
            CardNotUsableError, CardKeyRequiredError, AccountNotUsableError: see there.
        """
        cards.require_usable(self.card)
        cards.require_key(self.card, presented.proved_key)
        people.require_usable(self.person, now)
        trust = Trust.UID_ONLY if self.card.key_number is None else Trust.KEYED
        return Payer(self.person.id, self.card.id, trust, self.own_limits or default, self.person.name)


def find_holders(session: Session, digests: Collection[str]) -> Mapping[str, CardHolder]:
    """Return the cards in use that have these digests of their UIDs, by digest. One query."""
    if not digests:
        return {}
    rows = session.connection().execute(_HOLDERS, {"digests": list(digests)})
    return {
        digest: CardHolder(
            _CardFacts(card_id, card_state, key_number),
            _PersonFacts(person_id, name, person_state, valid_from, valid_until),
            None if meal is None else Limits(meal, day),
        )
        for (
            digest, card_id, card_state, key_number, person_id, name, person_state, valid_from, valid_until, meal, day
        ) in rows
    }  # fmt: skip


def payer_by_card(session: Session, services: MoneyServices, presented: Presented, now: datetime) -> Payer:
    """Return whose card it is, if it may pay.

    Raises:
        ProblemError: of the credential or the account.
    """
    digest = presented.uid_digest or cards.uid_digest(session, presented.uid or "")
    holder = find_holders(session, [digest]).get(digest)
    if holder is None:
        raise cards.UnknownCardError
    return holder.require_payer(presented, services.default_limits, now)


def payer_by_code(session: Session, services: MoneyServices, presented: Presented, now: datetime) -> Payer:
    """Return whose code it is, if it may pay; the code is used up in the caller's transaction.

    Raises:
        ProblemError: of the credential or the account.
    """
    holder = identity.find(session, presented, services.accounts.code_key, now=now)
    cards.require_usable(holder.card)
    people.require_usable(holder.person, now)
    own = limits.of_person(session, holder.person.id, services.default_limits)
    return Payer(holder.person.id, holder.card.id, holder.trust, own, holder.person.name)


def payer_by_code_unused(services: MoneyServices, presented: Presented, now: datetime) -> Payer:
    """Return whose code it is without using it up: the transaction that would is rolled back."""
    with services.database.begin() as session:
        payer = payer_by_code(session, services, presented, now)
        session.rollback()
        return payer
