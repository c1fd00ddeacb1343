"""Two photos of one person: whether they agree, so that the mean of their templates is one face's.

They are compared when the later of the two is handed in, and what was found stays with that photo. A pair that was
never compared does not agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from database import Sealer
from enrollment import templates
from enrollment.tables import PhotoRecord, PhotoSlot, PhotoState, TemplateRecord, TemplateState
from models.calibration import Purpose
from models.template import Template
from web.problems import ProblemError

SAME_PICTURE: Mapping[str, float] = {
    "mobilefacenet-1+sface-int8-1": 0.97,
    "mobilefacenet-1+dlib-resnet-1": 0.99,
    "sface-int8-1": 0.97,
    "mobilefacenet-1": 0.98,
    "dlib-resnet-1": 0.997,
}
"""The similarity from which two photos are one picture, by model.

Above what 2,718 pairs of different photographs of one person in Labeled Faces in the Wild come to: with the default
embedder 0.963, seconds apart at one press conference. Of 128 copies of 16 portraits – saved again as JPEG 90 and 60,
half as large, cropped, turned by three degrees, mirrored, brighter, warmer – it notices 127, the others 123 and more;
of copies without colour a few.
"""
STANDING = (PhotoState.APPROVED, PhotoState.IN_REVIEW)


class PhotosDisagreeError(ProblemError):
    """The second photo is not like the first one, or cannot be compared with it; it is not kept."""

    code = "photo_unlike_first"
    status = 409
    title = "This photo is not like your first one, and is not used: replace the first one instead, or take another"


class FirstPhotoMissingError(ProblemError):
    """A second photo stands beside a first one that was approved."""

    code = "first_photo_missing"
    status = 409
    title = "Hand in a first photo, and wait until it is approved"


class SamePhotoError(ProblemError):
    """A second photo that is the first one again adds nothing."""

    code = "photo_same_as_first"
    status = 409
    title = "This is your first photo again: take another one, on another day or in other light"


class CalibratedModel(Protocol):
    """What is asked of a face engine to compare two photos; `models.engine.FaceEngine` is one."""

    @property
    def model_id(self) -> str:
        """The id that its templates carry."""

    def threshold(self, purpose: Purpose, gallery_size: int = 1) -> float:
        """Return the least similarity that counts as one person."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a photo compares with the one in the other slot; `similarity` is the cosine of the engine's model."""

    photo_id: UUID
    similarity: float
    agrees: bool
    """Whether it reaches the threshold `agreement` of every model that both photos have a template of."""
    same_picture: bool = False
    """Whether it reaches `SAME_PICTURE` of any of those models."""

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Agreement":
        """Read what `to_json` wrote."""
        same_picture = found.get("same_picture", False)
        return cls(UUID(found["photo_id"]), found["similarity"], found["agrees"], same_picture)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "photo_id": str(self.photo_id),
            "similarity": round(self.similarity, 4),
            "agrees": self.agrees,
            "same_picture": self.same_picture,
        }


def find_agreements(
    session: Session,
    sealer: Sealer,
    person_id: UUID,
    made: Sequence[Template],
    *,
    slot: PhotoSlot,
    engines: Sequence[CalibratedModel],
) -> tuple[Agreement, ...]:
    """Compare a new photo's templates `made` with the person's standing photos in the other slot.

    A photo without a template of any model in common cannot be compared, and is missing from the answer.
    """
    rows = session.execute(
        select(PhotoRecord.id, TemplateRecord.id)
        .join(TemplateRecord, TemplateRecord.photo_id == PhotoRecord.id)
        .where(
            PhotoRecord.person_id == person_id,
            PhotoRecord.slot != slot,
            PhotoRecord.state.in_(STANDING),
            TemplateRecord.state.in_((TemplateState.ACTIVE, TemplateState.CANDIDATE)),
        )
        .order_by(PhotoRecord.id)
    ).all()
    opened = templates.load_by_id(session, sealer, [template_id for _, template_id in rows])
    kept: dict[UUID, list[Template]] = {}
    for photo_id, template_id in rows:
        kept.setdefault(photo_id, []).append(opened[template_id])
    found = (compare_pair(photo_id, made, own, engines) for photo_id, own in kept.items())
    return tuple(agreement for agreement in found if agreement is not None)


def compare_pair(
    photo_id: UUID, made: Sequence[Template], kept: Sequence[Template], engines: Sequence[CalibratedModel]
) -> Agreement | None:
    """Return how templates `made` compare with those `kept` of a photo; None when no engine's model is on both sides.

    Templates of different models never meet. The similarity is that of the first of `engines` that both know.
    """
    similarities: list[float] = []
    agrees, same_picture = True, False
    for engine in engines:
        mine, theirs = _of_model(made, engine.model_id), _of_model(kept, engine.model_id)
        if mine is not None and theirs is not None:
            similarities.append(similarity := mine.similarity(theirs))
            agrees = agrees and similarity >= engine.threshold("agreement")
            same_picture = same_picture or similarity >= SAME_PICTURE.get(engine.model_id, 1.0)
    return Agreement(photo_id, similarities[0], agrees, same_picture) if similarities else None


def find_first(session: Session, person_id: UUID) -> PhotoRecord | None:
    """Return the person's approved first photo."""
    return _find_approved(session, person_id, PhotoSlot.FIRST)


def find_second(session: Session, person_id: UUID) -> PhotoRecord | None:
    """Return the person's approved second photo."""
    return _find_approved(session, person_id, PhotoSlot.SECOND)


def require_first(session: Session, person_id: UUID) -> PhotoRecord:
    """Return the person's approved first photo.

    Raises:
        FirstPhotoMissingError: there is none.
    """
    first = find_first(session, person_id)
    if first is None:
        raise FirstPhotoMissingError
    return first


def agree(one: PhotoRecord, other: PhotoRecord) -> bool:
    """Say whether two photos of a person were compared, and agreed."""
    return any(_agreed(later, earlier.id) for later, earlier in ((one, other), (other, one)))


def require_agreement(second: PhotoRecord, first: PhotoRecord) -> None:
    """Say no to a second photo that does not agree with the first, or is a copy of it.

    Raises:
        PhotosDisagreeError: it does not, or nobody could compare them.
        SamePhotoError: it is the same picture.
    """
    if not agree(second, first):
        raise PhotosDisagreeError
    if any(one.photo_id == first.id and one.same_picture for one in _agreements(second)):
        raise SamePhotoError


def _agreed(photo: PhotoRecord, other_id: UUID) -> bool:
    return any(one.photo_id == other_id and one.agrees for one in _agreements(photo))


def _agreements(photo: PhotoRecord) -> list[Agreement]:
    return [Agreement.from_json(one) for one in (photo.identity or {}).get("agreements", ())]


def _find_approved(session: Session, person_id: UUID, slot: PhotoSlot) -> PhotoRecord | None:
    return session.scalars(
        select(PhotoRecord)
        .where(PhotoRecord.person_id == person_id, PhotoRecord.slot == slot, PhotoRecord.state == PhotoState.APPROVED)
        .order_by(PhotoRecord.id.desc())
        .limit(1)
    ).first()


def _of_model(found: Sequence[Template], model_id: str) -> Template | None:
    return next((one for one in found if one.model_id == model_id), None)
