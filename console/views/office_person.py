"""What the office's page of a person shows, gathered from the rooms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from accounts import cards, passwords, people
from accounts.ledger import chart
from accounts.ledger.transfer import AccountState
from accounts.people import Standing
from accounts.tables import Card, Person
from accounts.vocabulary import PasswordPurpose
from directory import look_alikes
from directory.tables import GatePerson
from enrollment import consent, photo_states
from enrollment.tables import PhotoState
from metering.rooms import registry, residents


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as the office sees them: no amounts, no passages, no picture."""

    person: Person
    standing: Standing
    cards: Sequence[Card]
    photo: PhotoState | None
    has_consented: bool
    balance: str
    """`some`, `none`, `suspended` or `closed`: whether there is money, not how much."""
    residence: tuple[str, str] | None
    """Building and number of the room."""
    needs: GatePerson | None
    look_alikes: int
    passwords_missing: frozenset[PasswordPurpose]
    merged_into: Person | None


def view_person(session: Session, person_id: UUID, *, zone: ZoneInfo, now: datetime) -> PersonView:
    """Gather what is shown of a person.

    Raises:
        NotFoundError: there is none.
    """
    person = people.get(session, person_id)
    residence = residents.find_residence(session, person_id, now.astimezone(zone).date())
    names = registry.find_names(session, [residence.room_id]) if residence is not None else {}
    return PersonView(
        person=person,
        standing=people.standing(person, now),
        cards=cards.of_person(session, person_id),
        photo=photo_states.find_states(session, [person_id]).get(person_id),
        has_consented=consent.find_current(session, person_id) is not None,
        balance=_say_balance(chart.account(session, person_id)),
        residence=next(iter(names.values()), None),
        needs=session.get(GatePerson, person_id),
        look_alikes=look_alikes.count_pairs(session, person_id),
        passwords_missing=frozenset(passwords.find_missing(session, person_id)),
        merged_into=session.get(Person, person.merged_into) if person.merged_into is not None else None,
    )


def _say_balance(wallet: chart.Account) -> str:
    if wallet.state is not AccountState.ACTIVE:
        return wallet.state.value
    return "some" if wallet.balance > 0 else "none"
