"""All templates of one model in memory, for the question whether a new face is known under another account."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVarTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from database import Sealer
from enrollment import templates
from enrollment.tables import TemplateRecord, TemplateState
from models.template import ModelMismatchError, Template

Columns = TypeVarTuple("Columns")

_FIRST_CAPACITY = 1024


@dataclass(frozen=True, slots=True)
class Likeness:
    """A person whose template is like the one asked about; `similarity` is the cosine."""

    person_id: UUID
    similarity: float
    threshold: float | None = None
    """From which two are alike to the model that found it; None: the one of all findings."""


class Gallery:
    """Follows the database: a search opens only templates it has not seen. Safe to use from several threads."""

    def __init__(self, sealer: Sealer, model_id: str) -> None:
        """Begin empty; the first search opens everything."""
        self._sealer = sealer
        self._model_id = model_id
        self._lock = threading.Lock()
        self._clear()

    def search(
        self, session: Session, template: Template, *, besides: UUID, least: float, limit: int = 5
    ) -> list[Likeness]:
        """Return the people `besides` whose similarity is at least `least`, the most alike first.

        Raises:
            models.template.ModelMismatchError: the template is of another model.
        """
        if template.model_id != self._model_id:
            raise ModelMismatchError(self._model_id, template.model_id)
        with self._lock:
            self._synchronise(session)
            people = self._people
            similarities = self._matrix[: len(people)] @ template.vector if people else np.zeros(0, np.float32)
        best: dict[UUID, float] = {}
        for row in np.flatnonzero(similarities >= least):
            person = people[row]
            if person != besides:
                best[person] = max(best.get(person, -1.0), float(similarities[row]))
        ordered = sorted(best.items(), key=lambda found: -found[1])
        return [Likeness(person, similarity) for person, similarity in ordered[:limit]]

    def __len__(self) -> int:
        """The number of templates seen so far."""
        return len(self._people)

    def _clear(self) -> None:
        self._newest: UUID | None = None
        self._people: list[UUID] = []
        self._matrix: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def _synchronise(self, session: Session) -> None:
        """Take in new templates. When any has gone, or came out of order, everything is read again."""
        statement = self._where_searchable(select(TemplateRecord.id, TemplateRecord.person_id)).order_by(
            TemplateRecord.id
        )
        later = statement if self._newest is None else statement.where(TemplateRecord.id > self._newest)
        new = {row.id: row.person_id for row in session.execute(later)}
        count = session.scalar(self._where_searchable(select(func.count()).select_from(TemplateRecord))) or 0
        if count != len(self._people) + len(new):
            self._clear()
            new = {row.id: row.person_id for row in session.execute(statement)}
        if new:
            self._add(new, templates.load_by_id(session, self._sealer, new))

    def _where_searchable(self, statement: Select[*Columns]) -> Select[*Columns]:
        states = (TemplateState.ACTIVE, TemplateState.CANDIDATE)
        return statement.where(TemplateRecord.model_id == self._model_id, TemplateRecord.state.in_(states))

    def _add(self, people: Mapping[UUID, UUID], opened: Mapping[UUID, Template]) -> None:
        vectors = np.stack([opened[template_id].vector for template_id in people])
        filled, needed = len(self._people), len(self._people) + len(vectors)
        if needed > len(self._matrix):
            grown = np.zeros((max(needed, 2 * len(self._matrix), _FIRST_CAPACITY), vectors.shape[1]), np.float32)
            if filled:
                grown[:filled] = self._matrix[:filled]
            self._matrix = grown
        self._matrix[filled:needed] = vectors
        # Only ever longer: a search that has begun looks at the rows it has seen.
        self._people.extend(people.values())
        self._newest = list(people)[-1]
