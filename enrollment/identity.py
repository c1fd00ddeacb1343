"""Who is it? The same person as on the photos before, and nobody who is known under another account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from enrollment.gallery import Likeness
from enrollment.photo_pairs import Agreement
from models.template import Template


@dataclass(frozen=True, slots=True)
class IdentityFindings:
    """What the comparison found; anything unusual is for a reviewer, who sees both pictures. Twins are real."""

    own_similarity: float | None
    """With the most alike of the person's approved photos; None when there is none."""
    own_threshold: float
    duplicates: tuple[Likeness, ...]
    duplicate_threshold: float
    reference_similarity: float | None = None
    """With the photo of an identity document or of the admission; None when there is none."""
    agreements: tuple[Agreement, ...] = ()
    """With the person's photos in the other slot, as far as they can be compared."""
    reference_threshold: float | None = None
    """Its own, where it was found by another model than `own_similarity`."""

    @property
    def unusual(self) -> bool:
        """Whether a reviewer must look."""
        found = ((self.own_similarity, self.own_threshold), (self.reference_similarity, self.least_of_reference))
        return bool(self.duplicates) or any(one is not None and one < threshold for one, threshold in found)

    @property
    def least_of_reference(self) -> float:
        """The threshold of `reference_similarity`, also where it is that of the other one."""
        return self.own_threshold if self.reference_threshold is None else self.reference_threshold

    def completed_by(self, other: "IdentityFindings") -> "IdentityFindings":
        """Return the findings with what only another model found: its similarities keep their own thresholds.

        While a campus changes its model, earlier photos of some people are known by the old one only.
        """
        own = self if self.own_similarity is not None or other.own_similarity is None else other
        reference = self if self.reference_similarity is not None or other.reference_similarity is None else other
        is_of_another = reference is not own and reference.reference_similarity is not None
        named = {one.person_id for one in self.duplicates}
        further = (one for one in other.duplicates if one.person_id not in named)
        more = tuple(replace(one, threshold=other.duplicate_threshold) for one in further)
        return replace(
            self,
            own_similarity=own.own_similarity,
            own_threshold=own.own_threshold,
            reference_similarity=reference.reference_similarity,
            reference_threshold=reference.least_of_reference if is_of_another else reference.reference_threshold,
            duplicates=(*self.duplicates, *more),
        )

    def with_reference(self, similarity: float | None, *, threshold: float) -> "IdentityFindings":
        """Return the findings with another similarity with the reference, and its model's threshold."""
        return replace(self, reference_similarity=similarity, reference_threshold=threshold)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "IdentityFindings":
        """Read what `to_json` wrote."""
        return cls(
            found["own_similarity"],
            found["own_threshold"],
            tuple(
                Likeness(UUID(one["person_id"]), one["similarity"], one.get("threshold")) for one in found["duplicates"]
            ),
            found["duplicate_threshold"],
            found.get("reference_similarity"),
            tuple(Agreement.from_json(one) for one in found.get("agreements", ())),
            found.get("reference_threshold"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return {
            "unusual": self.unusual,
            "own_similarity": None if self.own_similarity is None else round(self.own_similarity, 4),
            "reference_similarity": (
                None if self.reference_similarity is None else round(self.reference_similarity, 4)
            ),
            "own_threshold": round(self.own_threshold, 4),
            "reference_threshold": None if self.reference_threshold is None else round(self.reference_threshold, 4),
            "duplicates": [_likeness_to_json(one) for one in self.duplicates],
            "duplicate_threshold": round(self.duplicate_threshold, 4),
            "agreements": [one.to_json() for one in self.agreements],
        }


def _likeness_to_json(one: Likeness) -> dict[str, Any]:
    told: dict[str, Any] = {"person_id": str(one.person_id), "similarity": round(one.similarity, 4)}
    return told if one.threshold is None else told | {"threshold": round(one.threshold, 4)}


def compare(
    template: Template,
    own: Sequence[Template],
    likenesses: Sequence[Likeness],
    *,
    references: Sequence[Template] = (),
    own_threshold: float,
    duplicate_threshold: float,
) -> IdentityFindings:
    """Compare a new template with the person's own ones and references, and take over who else is like it."""
    return IdentityFindings(
        max_similarity(template, own),
        own_threshold,
        tuple(likenesses),
        duplicate_threshold,
        reference_similarity=max_similarity(template, references),
    )


def max_similarity(template: Template, others: Sequence[Template]) -> float | None:
    """Return the largest similarity with any of `others`; None when there are none."""
    return max((template.similarity(other) for other in others), default=None)
