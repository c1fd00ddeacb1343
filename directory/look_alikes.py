"""People whom a gate could take for each other: found when their photos are approved, and asked for the card as well.

Follows the change feed beside the publisher, which is never kept waiting: a new photo opens gates at once, and whoever
turns out to look like somebody else needs the card a moment later, as does the other. A pair ends when one of the two
leaves, or gives a photo that is less alike.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import structlog
from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from accounts import audit
from accounts.people import changes
from accounts.tables import Person
from accounts.vocabulary import PersonState
from database import Database, DatabaseBusyError, Sealer, SealingError
from directory.tables import LookAlikePair, LookAlikeState
from enrollment import templates

_log = structlog.get_logger()

POLL_S = 1.0
RETRY_S = 5.0
_AT_ONCE = 250
"""People looked at in one transaction."""

Threshold = Callable[[int], float]
"""From the number of people searched to the similarity from which two are taken for each other."""

Vector = npt.NDArray[np.float32]
"""Of one person, (D,): what gates search."""


def count_pairs(session: Session, person_id: UUID) -> int:
    """Return how many people this person could be taken for."""
    mine = or_(LookAlikePair.one_id == person_id, LookAlikePair.other_id == person_id)
    return session.scalar(select(func.count()).select_from(LookAlikePair).where(mine)) or 0


class LookAlikes:
    """Keeps the pairs current. Not safe for threads; several processes may work on one database."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        *,
        models: Mapping[str, Threshold],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`models` are those that gates match with, each with the threshold from which a reviewer is shown a likeness.

        What they approve all the same, counts. Two are alike if they are to any of the models: while a campus moves
        from one to another, one of the two may be known by their old template only.
        """
        self._database = database
        self._sealer = sealer
        self._models = dict(models)
        self._clock = clock
        self._faces: dict[str, dict[UUID, Vector]] = {model_id: {} for model_id in models}
        self._seen: int | None = None
        self._everybody: list[UUID] | None = None
        """Who is still to be looked at, when a database or a model is new."""

    def follow(self) -> int:
        """Look at everybody who changed; return how many pairs were found or ended."""
        done = 0
        while (some := self._follow_some()) is not None:
            done += some
        return done

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""
        while not stop.is_set():
            try:
                self.follow()
                pause = POLL_S
            except (SQLAlchemyError, DatabaseBusyError, SealingError) as error:
                _log.error("look_alikes_not_followed", error=str(error))
                pause = RETRY_S
            stop.wait(pause)

    def _follow_some(self) -> int | None:
        """Return the number of changed pairs, None when nobody waits."""
        with self._database.read() as session:
            state = session.get(LookAlikeState, 1)
            if state is not None and state.models == self._searched and changes.latest(session) <= state.seq:
                return None
        with self._database.begin() as session:
            state = self._state(session)
            self._refresh(session)
            if state.models != self._searched:
                return self._begin_anew(session, state)
            waiting = changes.since(session, state.seq, limit=_AT_ONCE)
            if not waiting:
                return None
            changed = self._compare(session, {change.person_id for change in waiting})
            state.seq = waiting[-1].seq
            return changed

    def _state(self, session: Session) -> LookAlikeState:
        """Return the one row, locked."""
        state = session.scalar(select(LookAlikeState).where(LookAlikeState.id == 1).with_for_update())
        if state is None:
            state = LookAlikeState(id=1, seq=changes.latest(session), models=None)
            session.add(state)
        return state

    def _begin_anew(self, session: Session, state: LookAlikeState) -> int:
        """Look at some of everybody who has a face or a pair: a new model, or a database that never looked.

        The models are noted when all are done, so that work that was cut off begins again.
        """
        if self._everybody is None:
            paired = {person for pair in session.scalars(select(LookAlikePair)) for person in pair.people}
            self._everybody = list(paired.union(*self._faces.values()))
        some, self._everybody = self._everybody[:_AT_ONCE], self._everybody[_AT_ONCE:]
        changed = self._compare(session, set(some))
        if not self._everybody:
            self._everybody = None
            state.models = self._searched
        return changed

    def _refresh(self, session: Session) -> None:
        """Bring the faces in memory up to date, whoever worked on the database before."""
        if self._seen is None:
            self._seen = changes.latest(session)
            self._faces = self._read(session, None)
            return
        while waiting := changes.since(session, self._seen, limit=_AT_ONCE):
            people = {change.person_id for change in waiting}
            for model_id, found in self._read(session, people).items():
                faces = self._faces[model_id]
                for person in people:
                    faces.pop(person, None)
                faces.update(found)
            self._seen = waiting[-1].seq

    @property
    def _searched(self) -> list[str]:
        return sorted(self._models)

    def _read(self, session: Session, people: Collection[UUID] | None) -> dict[str, dict[UUID, Vector]]:
        gone = select(Person.id).where(Person.state == PersonState.CLOSED)
        closed = set(session.scalars(gone if people is None else gone.where(Person.id.in_(people))))
        return {
            model_id: {
                person: template.vector
                for person, template in templates.load_means(session, self._sealer, model_id, people).items()
                if person not in closed
            }
            for model_id in self._models
        }

    def _compare(self, session: Session, people: set[UUID]) -> int:
        alike: dict[tuple[UUID, UUID], float] = {}
        for model_id in self._models:
            # Similarities of two models are not compared: the first that takes two for each other names theirs.
            alike = self._alike(model_id, people) | alike
        rows = session.scalars(
            select(LookAlikePair).where(or_(LookAlikePair.one_id.in_(people), LookAlikePair.other_id.in_(people)))
        )
        before = {pair.people for pair in rows}
        ended, found = before - alike.keys(), alike.keys() - before
        for one, other in ended:
            session.execute(delete(LookAlikePair).where(LookAlikePair.one_id == one, LookAlikePair.other_id == other))
        now = self._clock()
        for one, other in sorted(found):
            session.add(LookAlikePair(one_id=one, other_id=other, similarity=alike[one, other], found_at=now))
        session.flush()
        for action, pairs in (("look_alike.found", found), ("look_alike.ended", ended)):
            for pair in sorted(pairs):
                changes.record(session, *pair)
                for person, beside in (pair, pair[::-1]):
                    details: dict[str, Any] = {"other": str(beside)}
                    audit.record(
                        session, actor=audit.SYSTEM, action=action, subject=f"person:{person}", now=now, details=details
                    )
        return len(found) + len(ended)

    def _alike(self, model_id: str, people: set[UUID]) -> dict[tuple[UUID, UUID], float]:
        """Return the pairs that `people` make with anybody by a model, the smaller id first, with their similarity."""
        faces = self._faces[model_id]
        asked, everybody = [person for person in people if person in faces], list(faces)
        if not asked or len(faces) < 2:
            return {}
        least = self._models[model_id](len(everybody))
        scores = np.stack([faces[person] for person in asked]) @ np.stack(list(faces.values())).T
        pairs: dict[tuple[UUID, UUID], float] = {}
        for row, place in np.argwhere(scores >= least).tolist():
            person, other = asked[row], everybody[place]
            if other != person:
                pair = min(person, other), max(person, other)
                pairs[pair] = max(pairs.get(pair, -1.0), round(float(scores[row, place]), 4))
        return pairs
