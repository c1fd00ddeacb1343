"""Photos as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from accounts.tables import Person
from accounts.vocabulary import PersonKind
from enrollment.comparison import NOTHING_BESIDE, Beside
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
    reviewed: bool = Field(description="whether a reviewer decided; a rejection by the rules alone can be appealed")
    rules: list[RuleOut]

    @classmethod
    def of(cls, photo: PhotoRecord) -> "PhotoOut":
        """Show `photo`."""
        return cls(**_fields(photo))


class PersonOut(BaseModel):
    """Who somebody is, for a reviewer."""

    person_id: UUID
    number: str
    name: str
    department: str
    kind: PersonKind

    @classmethod
    def of(cls, person: Person) -> "PersonOut":
        """Show `person`."""
        return cls(
            person_id=person.id,
            number=person.number,
            name=person.name,
            department=person.department,
            kind=person.kind,
        )


class DuplicateOut(BaseModel):
    """A person whose face is like this one."""

    person_id: UUID
    similarity: float
    person: PersonOut | None = None
    picture: str | None = Field(default=None, description="address of a picture of this person; null when none is kept")


class IdentityOut(BaseModel):
    """Whether the face is the person's own and nobody else's."""

    unusual: bool
    own_similarity: float | None = Field(description="with the person's approved photo")
    reference_similarity: float | None = Field(default=None, description="with the identity or admission photo")
    own_threshold: float
    own_picture: str | None = Field(default=None, description="address of the person's picture as approved before")
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
    person: PersonOut | None
    identity: IdentityOut | None
    geometry: GeometryOut | None = Field(description="null for photos taken in before places were kept")
    claimed_by: UUID | None
    claimed_until: datetime | None

    @classmethod
    def seen(cls, photo: PhotoRecord, beside: Beside = NOTHING_BESIDE) -> "ReviewOut":
        """Show `photo` to a reviewer, with what `enrollment.comparison.beside` found."""
        geometry = (photo.report or {}).get("geometry")
        person = beside.people.get(photo.person_id)
        return cls(
            **_fields(photo),
            department=person.department if person else "",
            person=PersonOut.of(person) if person else None,
            identity=_identity(photo, beside),
            geometry=GeometryOut(**geometry) if geometry else None,
            claimed_by=photo.claimed_by,
            claimed_until=photo.claimed_until,
        )


def _identity(photo: PhotoRecord, beside: Beside) -> IdentityOut | None:
    if photo.identity is None:
        return None
    found = IdentityOut(**photo.identity)
    if beside.shown(photo, photo.person_id) is not None:
        found.own_picture = f"/api/v1/reviews/{photo.id}/before/picture"
    for one in found.duplicates:
        person = beside.people.get(one.person_id)
        one.person = PersonOut.of(person) if person else None
        if beside.shown(photo, one.person_id) is not None:
            one.picture = f"/api/v1/reviews/{photo.id}/duplicates/{one.person_id}/picture"
    return found


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
        "reviewed": photo.decided_by is not None,
        "rules": [RuleOut(**rule) for rule in (photo.report or {}).get("rules", [])],
    }
