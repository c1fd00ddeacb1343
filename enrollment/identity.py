"""Who is it? The same person as on the photos before, and nobody who is known under another account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from enrollment.gallery import Likeness
from models.template import Template


@dataclass(frozen=True, slots=True)
class IdentityFindings:
    """What the comparison found; anything unusual is for a reviewer, who sees both pictures. Twins are real."""

    own_similarity: float | None
    """With the most alike of the person's own earlier photos or reference; None when there is none."""
    own_threshold: float
    duplicates: tuple[Likeness, ...]
    duplicate_threshold: float

    @property
    def unusual(self) -> bool:
        """Whether a reviewer must look."""
        return bool(self.duplicates) or (self.own_similarity is not None and self.own_similarity < self.own_threshold)

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return {
            "unusual": self.unusual,
            "own_similarity": None if self.own_similarity is None else round(self.own_similarity, 4),
            "own_threshold": round(self.own_threshold, 4),
            "duplicates": [
                {"person_id": str(one.person_id), "similarity": round(one.similarity, 4)} for one in self.duplicates
            ],
            "duplicate_threshold": round(self.duplicate_threshold, 4),
        }


def compare(
    template: Template,
    own: Sequence[Template],
    likenesses: Sequence[Likeness],
    *,
    own_threshold: float,
    duplicate_threshold: float,
) -> IdentityFindings:
    """Compare a new template with the person's own ones, and take over who else is like it."""
    own_similarity = max((template.similarity(before) for before in own), default=None)
    return IdentityFindings(own_similarity, own_threshold, tuple(likenesses), duplicate_threshold)
