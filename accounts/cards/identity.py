"""Identity for others: library desks, computer rooms, gates. A credential in; a person's standing out.

Each role of a device sees what its work needs and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import people
from accounts.cards import registry, virtual_cards
from accounts.people import Standing
from accounts.tables import Card, Person
from accounts.vocabulary import CardState, DeviceRole, PersonKind


class Trust(StrEnum):
    """How much the credential proves. A UID can be copied; a key or a one-time code cannot."""

    UID_ONLY = "uid_only"
    KEYED = "keyed"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as a reader reports it: a card's UID (with the issuer key it proved, if any), or a code.

    Who reports over a broker gives `uid_digest` in place of the UID.
    """

    uid: str | None = None
    proved_key: int | None = None
    code: str | None = None
    uid_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose credential it is."""

    person: Person
    card: Card
    trust: Trust


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device may know. Fields its role may not see are None."""

    person_id: UUID
    standing: Standing
    card_state: CardState
    trust: Trust
    key_expected: bool
    name: str | None = None
    number: str | None = None
    kind: PersonKind | None = None
    department: str | None = None


VISIBLE: dict[DeviceRole, frozenset[str]] = {
    DeviceRole.TERMINAL: frozenset({"name"}),
    DeviceRole.KIOSK: frozenset({"name"}),
    DeviceRole.DESK: frozenset({"name", "number", "kind", "department"}),
    DeviceRole.EDGE: frozenset(),
    DeviceRole.CONTROLLER: frozenset(),
    DeviceRole.METER: frozenset(),
    DeviceRole.RADIUS: frozenset(),
}
"""What each role sees beside id, standing and trust; a role that is not here asks for nobody."""


def find(session: Session, presented: Presented, code_key: bytes, *, now: datetime) -> Holder:
    """Return whose credential it is, whatever its state; a code is used up by this.

    Raises:
        registry.UnknownCardError, registry.InvalidUidError: no card in use has this UID.
        virtual_code.InvalidCodeError, virtual_cards.CodeUsedError: the code is not good.
    """
    if presented.code is not None:
        card = virtual_cards.redeem(session, presented.code, code_key, now=now)
        trust = Trust.CODE
    else:
        card = registry.by_uid(session, presented.uid or "")
        keyed = card.key_number is not None and card.key_number == presented.proved_key
        trust = Trust.KEYED if keyed else Trust.UID_ONLY
    return Holder(people.get(session, card.person_id), card, trust)


def shown_to(role: DeviceRole, holder: Holder, *, now: datetime) -> Identity:
    """Return what a device with `role` may know about a holder."""
    person = holder.person
    visible = {name: getattr(person, name) for name in VISIBLE[role]}
    return Identity(
        person_id=person.id,
        standing=people.standing(person, now),
        card_state=holder.card.state,
        trust=holder.trust,
        key_expected=holder.card.key_number is not None,
        **visible,
    )
