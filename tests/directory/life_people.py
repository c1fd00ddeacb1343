"""Random acts on people, and what they must come to: who may pass where, kept without the directory."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts import cards, people
from accounts.cards.card_states import CardAction, CardTransitionError
from accounts.people import Particulars
from accounts.tables import Person
from accounts.vocabulary import PersonState
from directory import visitor_passes
from enrollment import templates
from tests.databases import CREDENTIAL_KEY
from tests.directory.conftest import Campus
from tests.directory.life_devices import GATES, NEW, OLD

GROUPS = ("students", "teachers", "athletes")


@dataclass
class Known:
    """Who may pass where, kept without the directory."""

    groups: frozenset[str]
    state: PersonState = PersonState.ACTIVE
    valid_until: datetime | None = None
    card: UUID | None = None
    card_state: str | None = None
    faces: set[str] = field(default_factory=set)
    passes: dict[UUID, tuple[frozenset[str], datetime]] = field(default_factory=dict)


class PeopleActs:
    """Each method is one act on somebody."""

    def __init__(self, campus: Campus, seed: int) -> None:
        self.campus, self.random = campus, random.Random(seed)
        self.people: dict[UUID, Known] = {}
        self.gone: set[str] = set()
        """Gates that were taken away."""
        self.faces = 0

    @property
    def now(self) -> datetime:
        return self.campus.clock.now

    def _some(self, *states: PersonState) -> UUID | None:
        able = [one for one, known in self.people.items() if known.state in (states or tuple(PersonState))]
        return self.random.choice(able) if able else None

    def person(self) -> None:
        groups = frozenset(self.random.sample(GROUPS, self.random.randint(0, 2)))
        number = len(self.people)
        until = self.now + timedelta(days=self.random.randint(1, 9)) if self.random.random() < 0.2 else None
        one = self.campus.person(*groups, card=f"04A31B{number:04X}0102", valid_until=until)
        with self.campus.database.read() as session:
            card = cards.of_person(session, one)[0].id
        self.people[one] = Known(groups, valid_until=until, card=card, card_state="active")
        for model in (OLD, NEW):
            if self.random.random() < 0.5:
                self._enrol(one, model)

    def _enrol(self, one: UUID, model: str) -> None:
        self.faces += 1
        with self.campus.database.begin() as session:
            self.campus.store_face(session, one, self.faces, model)
        self.people[one].faces.add(model)

    def enrol(self) -> None:
        if one := self._some():
            model = self.random.choice((OLD, NEW))
            if model not in self.people[one].faces:
                self._enrol(one, model)

    def withdraw(self) -> None:
        if one := self._some():
            with self.campus.database.begin() as session:
                templates.withdraw(session, one, at=self.now)
            self.people[one].faces.clear()

    def groups(self) -> None:
        if one := self._some():
            groups = frozenset(self.random.sample(GROUPS, self.random.randint(0, 2)))
            self._update(one, groups=groups)
            self.people[one].groups = groups

    def _update(self, one: UUID, **fields: Any) -> None:
        with self.campus.database.begin() as session:
            person = session.get_one(Person, one)
            given = {name: getattr(person, name) for name in Particulars.__dataclass_fields__}
            people.update(session, person, Particulars(**given | fields), by="system", now=self.now)

    def _state(self, one: UUID | None, state: PersonState) -> None:
        if one is not None:
            self.campus.set_state(one, state)
            self.people[one].state = state

    def suspend(self) -> None:
        self._state(self._some(PersonState.ACTIVE), PersonState.SUSPENDED)

    def activate(self) -> None:
        self._state(self._some(PersonState.SUSPENDED), PersonState.ACTIVE)

    def close(self) -> None:
        self._state(self._some(PersonState.SUSPENDED, PersonState.ACTIVE), PersonState.CLOSED)

    def expire(self) -> None:
        if one := self._some():
            until = self.now + timedelta(hours=self.random.choice((1, 5, 30)))
            self._update(one, valid_until=until)
            self.people[one].valid_until = until

    def extend(self) -> None:
        if one := self._some():
            self._update(one, valid_until=None)
            self.people[one].valid_until = None

    def _card(self, action: CardAction) -> None:
        one = self._some()
        if one is None:
            return
        try:
            with self.campus.database.begin() as session:
                card = cards.get(session, self.people[one].card, lock=True)
                cards.apply(session, card, action, by="system", now=self.now)
                state = card.state.value
        except CardTransitionError:
            return
        self.people[one].card_state = state

    def lose_card(self) -> None:
        self._card(self.random.choice((CardAction.REPORT_LOST, CardAction.SUSPEND)))

    def release_card(self) -> None:
        self._card(CardAction.RELEASE)

    def give_pass(self) -> None:
        one = self._some()
        there = sorted(GATES.keys() - self.gone)
        if one is None or not there:
            return
        at = frozenset(self.random.sample(there, self.random.randint(1, min(2, len(there)))))
        until = self.now + timedelta(hours=self.random.choice((2, 40, 400)))
        with self.campus.database.begin() as session:
            row, _ = visitor_passes.issue(
                session, person_id=one, gates=sorted(at), valid_from=self.now, valid_until=until, with_code=False,
                credential_key=CREDENTIAL_KEY, by="system", now=self.now,
            )  # fmt: skip
            self.people[one].passes[row.id] = (at, until)

    def end_pass(self) -> None:
        able = [(one, each) for one, known in self.people.items() for each in known.passes]
        if able:
            one, each = self.random.choice(able)
            with self.campus.database.begin() as session:
                visitor_passes.end(session, each, by="system", now=self.now)
            del self.people[one].passes[each]
