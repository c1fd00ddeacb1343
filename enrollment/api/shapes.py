"""Photos as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from enrollment.tables import PhotoRecord, PhotoState


class AdviceOut(BaseModel):
    """What to do, in two languages."""

    zh: str
    en: str


class RuleOut(BaseModel):
    """What one rule found."""

    rule: str
    level: str
    value: float
    limit: float
    passed: bool
    advice: AdviceOut | None
    score: int | None = Field(description="component score of ISO/IEC 29794-5, 0 to 100, where it defines one")
    details: dict[str, float] = {}


class PhotoOut(BaseModel):
    """A photo as its person sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    person_id: UUID
    state: PhotoState
    verdict: str | None
    uploaded_at: datetime
    decided_at: datetime | None
    reasons: list[str]
    note: str | None
    rules: list[RuleOut]

    @classmethod
    def of(cls, photo: PhotoRecord) -> "PhotoOut":
        """Show `photo`."""
        return cls(**_fields(photo))


class DuplicateOut(BaseModel):
    """A person whose face is like this one."""

    person_id: UUID
    similarity: float


class IdentityOut(BaseModel):
    """Whether the face is the person's own and nobody else's."""

    unusual: bool
    own_similarity: float | None
    own_threshold: float
    duplicates: list[DuplicateOut]
    duplicate_threshold: float


class GeometryOut(BaseModel):
    """Where the rules looked, in pixels of the picture: faces as left, top, width, height; others as points."""

    width: int
    height: int
    faces: list[tuple[int, int, int, int]]
    right_eye: list[tuple[int, int]]
    left_eye: list[tuple[int, int]]
    nose: list[tuple[int, int]]
    mouth: list[tuple[int, int]]
    face: list[tuple[int, int]]
    chin: tuple[int, int] | None
    person: list[list[tuple[int, int]]]


class ReviewOut(PhotoOut):
    """A photo as its reviewer sees it."""

    department: str = ""
    identity: IdentityOut | None
    geometry: GeometryOut | None = Field(description="null for photos taken in before places were kept")
    claimed_by: UUID | None
    claimed_until: datetime | None

    @classmethod
    def seen(cls, photo: PhotoRecord, department: str = "") -> "ReviewOut":
        """Show `photo` to a reviewer."""
        geometry = (photo.report or {}).get("geometry")
        return cls(
            **_fields(photo),
            geometry=GeometryOut(**geometry) if geometry else None,
            department=department,
            identity=IdentityOut(**photo.identity) if photo.identity else None,
            claimed_by=photo.claimed_by,
            claimed_until=photo.claimed_until,
        )


def _fields(photo: PhotoRecord) -> dict[str, Any]:
    return {
        "id": photo.id,
        "person_id": photo.person_id,
        "state": PhotoState(photo.state),
        "verdict": photo.verdict,
        "uploaded_at": photo.uploaded_at,
        "decided_at": photo.decided_at,
        "reasons": photo.reasons or [],
        "note": photo.note,
        "rules": [RuleOut(**rule) for rule in (photo.report or {}).get("rules", [])],
    }
