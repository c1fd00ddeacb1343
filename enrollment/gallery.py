"""All templates of one model in memory, for the question whether a new face is known under another account."""

import threading
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from database import Sealer
from enrollment import templates
from enrollment.tables import TemplateRecord, TemplateState
from models.template import Template


@dataclass(frozen=True, slots=True)
class Likeness:
    """A person whose template is like the one asked about; `similarity` is the cosine."""

    person_id: UUID
    similarity: float


class Gallery:
    """Follows the database: a search opens only templates it has not seen. Safe to use from several threads."""

    def __init__(self, sealer: Sealer, model_id: str) -> None:
        """Begin empty; the first search opens everything."""
        self._sealer = sealer
        self._model_id = model_id
        self._lock = threading.Lock()
        self._rows: dict[UUID, tuple[UUID, Template]] = {}
        self._people: list[UUID] = []
        self._matrix = np.zeros((0, 0), np.float32)

    def search(
        self, session: Session, template: Template, *, besides: UUID, least: float, limit: int = 5
    ) -> list[Likeness]:
        """Return the people `besides` whose similarity is at least `least`, the most alike first.

        Raises:
            models.template.ModelMismatchError: the template is of another model.
        """
        with self._lock:
            self._follow(session)
            people, matrix = self._people, self._matrix
            first = next(iter(self._rows.values()), None)
        if first is None:
            return []
        first[1].similarity(template)  # Refuses another model's template.
        best: dict[UUID, float] = {}
        similarities = matrix @ template.vector
        for row in np.flatnonzero(similarities >= least):
            person = people[row]
            if person != besides:
                best[person] = max(best.get(person, -1.0), float(similarities[row]))
        ordered = sorted(best.items(), key=lambda found: -found[1])
        return [Likeness(person, similarity) for person, similarity in ordered[:limit]]

    def __len__(self) -> int:
        return len(self._rows)

    def _follow(self, session: Session) -> None:
        found = session.execute(
            select(TemplateRecord.id, TemplateRecord.person_id).where(
                TemplateRecord.model_id == self._model_id,
                TemplateRecord.state.in_((TemplateState.ACTIVE, TemplateState.CANDIDATE)),
            )
        )
        people = {row.id: row.person_id for row in found}
        gone, new = self._rows.keys() - people.keys(), people.keys() - self._rows.keys()
        if not gone and not new:
            return
        for template_id in gone:
            del self._rows[template_id]
        for template_id, template in templates.by_id(session, self._sealer, new).items():
            self._rows[template_id] = (people[template_id], template)
        self._people = [person for person, _ in self._rows.values()]
        vectors = [template.vector for _, template in self._rows.values()]
        self._matrix = np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)
