"""Photos, decisions and notices as JSON: the same at the API and on the pages."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from accounts.tables import Person
from accounts.vocabulary import PersonKind
from enrollment.review_context import EMPTY_CONTEXT, ReviewContext
from enrollment.tables import Notice, PhotoRecord, PhotoSlot, PhotoSource, PhotoState
from web.text import line

_NOTE = Annotated[str, line(500)]


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
    slot: PhotoSlot = Field(description="whether it is the person's first photo, or the second beside it")
    source: PhotoSource = Field(description="handed in by the person, or taken at a gate")
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
        return cls(**_common_fields(photo))


class ReviewPersonOut(BaseModel):
    """Who somebody is, for a reviewer."""

    person_id: UUID
    number: str
    name: str
    department: str
    kind: PersonKind

    @classmethod
    def of(cls, person: Person) -> "ReviewPersonOut":
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
    threshold: float | None = Field(default=None, description="of the face model that found it, where it is another")
    person: ReviewPersonOut | None = None
    picture: str | None = Field(default=None, description="address of a picture of this person; null when none is kept")


class IdentityFindingsOut(BaseModel):
    """Whether the face is the person's own and nobody else's."""

    unusual: bool
    own_similarity: float | None = Field(description="with the person's approved photo")
    reference_similarity: float | None = Field(default=None, description="with the identity or admission photo")
    own_threshold: float
    reference_threshold: float | None = Field(default=None, description="where another face model compared it")
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
    person: ReviewPersonOut | None
    identity: IdentityFindingsOut | None
    geometry: GeometryOut | None = Field(description="null for photos taken in before places were kept")
    claimed_by: UUID | None
    claimed_until: datetime | None

    @classmethod
    def for_reviewer(cls, photo: PhotoRecord, context: ReviewContext = EMPTY_CONTEXT) -> "ReviewOut":
        """Show `photo` to a reviewer, with what `enrollment.review_context.load_review_context` found."""
        geometry = (photo.report or {}).get("geometry")
        person = context.people.get(photo.person_id)
        return cls(
            **_common_fields(photo),
            department=person.department if person else "",
            person=ReviewPersonOut.of(person) if person else None,
            identity=_describe_identity(photo, context),
            geometry=GeometryOut(**geometry) if geometry else None,
            claimed_by=photo.claimed_by,
            claimed_until=photo.claimed_until,
        )


class Approval(BaseModel):
    """An approval, with a note for the person if one is needed."""

    model_config = ConfigDict(extra="forbid")

    note: _NOTE | None = None


class Rejection(BaseModel):
    """A rejection: reasons from the list, and a note in the reviewer's own words."""

    model_config = ConfigDict(extra="forbid")

    reasons: Annotated[list[Annotated[str, line(50)]], Field(min_length=1, max_length=20)]
    note: _NOTE | None = None


class Flawless(BaseModel):
    """Photos to approve at once; those that need a look are left."""

    model_config = ConfigDict(extra="forbid")

    photo_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]


class FlawlessOut(BaseModel):
    """What became of each photo: `approved`, `needs_a_look`, or the code of a problem."""

    outcomes: dict[UUID, str]


class Words(BaseModel):
    """A notice in one language."""

    title: str
    body: str


class NoticeOut(BaseModel):
    """A notice in Chinese and English."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    kind: str
    content: dict[str, Words]
    read_at: datetime | None

    @classmethod
    def of(cls, notice: Notice) -> "NoticeOut":
        """Show `notice`."""
        return cls.model_validate(notice)


def _describe_identity(photo: PhotoRecord, context: ReviewContext) -> IdentityFindingsOut | None:
    if photo.identity is None:
        return None
    found = IdentityFindingsOut(**photo.identity)
    if context.picture_of(photo, photo.person_id) is not None:
        found.own_picture = f"/api/v1/reviews/{photo.id}/before/picture"
    for one in found.duplicates:
        person = context.people.get(one.person_id)
        one.person = ReviewPersonOut.of(person) if person else None
        if context.picture_of(photo, one.person_id) is not None:
            one.picture = f"/api/v1/reviews/{photo.id}/duplicates/{one.person_id}/picture"
    return found


def _common_fields(photo: PhotoRecord) -> dict[str, Any]:
    return {
        "id": photo.id,
        "person_id": photo.person_id,
        "slot": PhotoSlot(photo.slot),
        "source": PhotoSource(photo.source),
        "state": PhotoState(photo.state),
        "verdict": photo.verdict,
        "uploaded_at": photo.uploaded_at,
        "decided_at": photo.decided_at,
        "reasons": photo.reasons or [],
        "note": photo.note,
        "reviewed": photo.decided_by is not None,
        "rules": [RuleOut(**rule) for rule in (photo.report or {}).get("rules", [])],
    }
