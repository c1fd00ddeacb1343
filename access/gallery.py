"""The faces one gate knows, as one matrix for each model; kept in step with the replica change by change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

import numpy as np
import numpy.typing as npt

from access.templates import Halves, lengths_of

Vectors = npt.NDArray[np.float32]
ChangedFaces = dict[UUID, tuple[str, Halves] | None]
"""The model and the templates (k, D), as they travelled, of people whose entries changed; None: no face any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """`matrix` is float32 (N, D), read-only, unit rows; row i is a template of `person_ids[i]`.

    A person with several templates has several rows. `revision` is the directory's that it stands for.
    """

    person_ids: tuple[UUID, ...] = ()
    matrix: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))
    revision: int = 0

    def after(self, changed: Mapping[UUID, Halves | None], revision: int) -> Self:
        """Return the gallery with the rows of the `changed` people replaced, or gone where there are none."""
        if not changed:
            return type(self)(self.person_ids, self.matrix, revision)
        kept = np.fromiter((person not in changed for person in self.person_ids), bool, len(self.person_ids))
        added = [(person, rows) for person, rows in changed.items() if rows is not None and rows.size]
        people = [person for person in self.person_ids if person not in changed]
        before = len(people)
        people += [person for person, rows in added for _ in rows]
        if not people:
            return type(self)(revision=revision)
        width = added[0][1].shape[1] if added else self.matrix.shape[1]
        # Written in place: of a large directory a second copy would be hundreds of megabytes.
        matrix = np.empty((len(people), width), np.float32)
        if before:
            np.compress(kept, self.matrix, axis=0, out=matrix[:before])
        if added:
            np.concatenate([rows for _, rows in added], out=matrix[before:])
            matrix[before:] /= lengths_of(matrix[before:])[:, np.newaxis]
        matrix.setflags(write=False)
        return type(self)(tuple(people), matrix, revision)


@dataclass(frozen=True, slots=True, eq=False)
class Galleries:
    """The gallery of each model that anybody has templates of, at one revision. Nobody stands in two of them."""

    by_model: Mapping[str, Gallery] = field(default_factory=dict)
    revision: int = 0

    def after(self, changed: ChangedFaces, revision: int) -> Self:
        """Return them with the templates of the `changed` people replaced, or gone where there are none."""
        named = {found[0] for found in changed.values() if found is not None}
        galleries = {}
        for model_id in sorted(named | self.by_model.keys()):
            own = {
                person: found[1] if found is not None and found[0] == model_id else None
                for person, found in changed.items()
            }
            gallery = self.by_model.get(model_id, Gallery()).after(own, revision)
            if gallery.person_ids:
                galleries[model_id] = gallery
        return type(self)(galleries, revision)
