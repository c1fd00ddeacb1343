"""Whose face is it: one matrix product over the people of this gate. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Match:
    """The best person for one probe, whether or not it is good enough; `runner_up` is the best *other* person's score.

    Scores are cosines, -1…1. `person_id` is None only when the gallery is empty; both scores are -1 then.
    """

    person_id: UUID | None
    score: float
    runner_up: float
    model_id: str = ""
    """The model whose gallery was searched; scores of two models are never compared."""
    is_contested: bool = False
    """Whether the gallery of another model holds somebody who fits as well."""

    @property
    def margin(self) -> float:
        """By how much the best person leads every other."""
        return self.score - self.runner_up


class Matcher:
    """A gallery laid out for search: the rows of each person stand together, a person scores their best template."""

    def __init__(self, person_ids: Sequence[UUID], matrix: npt.NDArray[np.float32]) -> None:
        """Take one person id for each row of `matrix`, float32 (N, D) of unit rows; a person may have several rows."""
        if matrix.ndim != 2 or len(person_ids) != matrix.shape[0]:
            raise ValueError(f"{len(person_ids)} person ids do not go with a gallery of shape {matrix.shape}")
        rows_of: dict[UUID, list[int]] = {}
        for row, person_id in enumerate(person_ids):
            rows_of.setdefault(person_id, []).append(row)
        self._people = tuple(rows_of)
        order = [row for rows in rows_of.values() for row in rows]
        in_order = order == list(range(len(order)))
        self._matrix = np.ascontiguousarray(matrix if in_order else matrix[order], dtype=np.float32)
        starts = np.cumsum([0, *(len(rows) for rows in rows_of.values())])[:-1]
        self._starts = None if len(self._people) == len(order) else starts

    @property
    def people(self) -> int:
        """How many people can be found; the size that the threshold depends on."""
        return len(self._people)

    @property
    def dimension(self) -> int:
        """Numbers in a template."""
        return int(self._matrix.shape[1])

    def match(self, probes: npt.NDArray[np.float32]) -> list[Match]:
        """Return the best person for each row of `probes`, float32 (M, D) of unit rows."""
        if not self._people:
            return [Match(None, -1.0, -1.0) for _ in probes]
        return [self._best(self._matrix @ probe) for probe in probes]

    def _best(self, scores: npt.NDArray[np.float32]) -> Match:
        if self._starts is not None:
            scores = np.maximum.reduceat(scores, self._starts)
        best = int(scores.argmax())
        score = float(scores[best])
        if len(self._people) == 1:
            return Match(self._people[best], score, -1.0)
        scores[best] = -np.inf
        return Match(self._people[best], score, float(scores.max()))
