"""One photo, assessed: opened, checked against the rules, its face made a template. No database, no clock."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from enrollment.photo import Photo, UnreadablePhotoError, decode
from enrollment.quality import Checker, QualityReport, refused
from models.calibration import Purpose
from models.face import Face
from models.pixels import Image
from models.runtime import Tensor
from models.template import Template


class Engine(Protocol):
    """The part of `models.engine.FaceEngine` that enrolment needs."""

    @property
    def model_id(self) -> str:
        """The id that templates carry."""

    def detect(self, image: Image) -> list[Face]:
        """Return the faces of an RGB image, the largest first."""

    def threshold(self, purpose: Purpose, gallery_size: int = 1) -> float:
        """Return the least similarity that counts as one person."""

    def embed(self, image: Image, faces: list[Face], *, thorough: bool = False) -> Tensor:
        """Return unit vectors (N, D) of the faces."""


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """What is known of a photo before anyone decides about it."""

    digest: str
    """SHA-256 of the file, in hexadecimal."""
    report: QualityReport
    photo: Photo | None
    """None when the file cannot be read."""
    faces: tuple[Face, ...]
    template: Template | None
    """Template of the largest face, taken thoroughly; None without a face."""


def assess(content: bytes, engine: Engine, checker: Checker) -> Assessment:
    """Assess the file `content`; a photo that cannot be read is a result, not an error."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        photo = decode(content)
    except UnreadablePhotoError as error:
        return Assessment(digest, refused(error), None, (), None)
    faces = engine.detect(photo.image)
    report = checker.check_faces(photo, faces)
    return Assessment(digest, report, photo, tuple(faces), embed(photo, faces, engine))


def embed(photo: Photo, faces: list[Face], engine: Engine) -> Template | None:
    """Return the template of the largest of `faces`.

    More views of the face are taken in at enrolment, where they cost no time at a gate: the template is steadier.
    """
    if not faces:
        return None
    return Template(engine.model_id, engine.embed(photo.image, faces[:1], thorough=True)[0])
