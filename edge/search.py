"""Whose face is it at a gate whose people have templates of one model, or of two while it moves to another. Pure.

Nobody stands in two galleries. A similarity says something only beside the threshold of its own model: which person
counts is decided by who exceeds a threshold, never by whose score is higher.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from edge.engines import Embedder
from edge.matcher import Match, Matcher
from models.face import Face


@dataclass(frozen=True, slots=True)
class SearchedGallery:
    """The people with templates of one model, and the score from which one of them counts as found."""

    engine: Embedder
    matcher: Matcher
    threshold: float

    @property
    def model_id(self) -> str:
        """The model of its templates."""
        return self.engine.model_id


@dataclass(frozen=True, slots=True)
class Search:
    """Everybody at this gate. `galleries` (one or more) have people in them, unless nobody has a face here."""

    galleries: tuple[SearchedGallery, ...]

    @classmethod
    def of_one_model(cls, engine: Embedder, matcher: Matcher, threshold: float) -> Self:
        """Return the search of a gate whose people all have templates of the engine's model."""
        return cls((SearchedGallery(engine, matcher, threshold),))

    @property
    def people(self) -> int:
        """How many people can be found."""
        return sum(gallery.matcher.people for gallery in self.galleries)

    def embed(self, image: npt.NDArray[np.uint8], face: Face) -> dict[str, npt.NDArray[np.float32]]:
        """Return the face's unit vector (D,) by each model that anybody here has a template of."""
        return {gallery.model_id: gallery.engine.embed(image, [face])[0] for gallery in self.galleries}

    def match(self, vectors: Mapping[str, npt.NDArray[np.float32]]) -> tuple[Match, float]:
        """Return the best person for one probe, and the threshold of that person's gallery.

        Where people of two galleries fit, the match is contested: it counts for neither. Where nobody fits, it is the
        match of the gallery with the most people.
        """
        found = [(self._match_in(gallery, vectors[gallery.model_id]), gallery) for gallery in self.galleries]
        fitting = [(match, gallery) for match, gallery in found if match.score >= gallery.threshold]
        if fitting:
            match, gallery = fitting[0]
            return replace(match, is_contested=len(fitting) > 1), gallery.threshold
        match, gallery = max(found, key=lambda one: one[1].matcher.people)
        return match, gallery.threshold

    @staticmethod
    def _match_in(gallery: SearchedGallery, vector: npt.NDArray[np.float32]) -> Match:
        return replace(gallery.matcher.match(vector[np.newaxis])[0], model_id=gallery.model_id)
