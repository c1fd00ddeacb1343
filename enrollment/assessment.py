"""One photo, assessed: opened, checked against the rules, its face made a template. No database, no clock.

Of a photo that the rules reject nothing biometric is made, unless its person brings it before a reviewer.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from enrollment.photo import Photo, UnreadablePhotoError, decode, encode_jpeg, encode_thumbnail
from enrollment.quality import Checker, QualityReport, Verdict, report_unreadable
from models.calibration import Purpose
from models.face import Face
from models.pixels import Image
from models.runtime import Tensor
from models.template import Template
from web.problems import ProblemError


class PhotoUnreadableError(ProblemError):
    """The file is no photo that can be opened; `rules` holds the advice."""

    code = "photo_unreadable"
    status = 422
    title = "The photo cannot be read"


class Engine(Protocol):
    """The part of `models.engine.FaceEngine` that enrolment needs."""

    @property
    def model_id(self) -> str:
        """The id that templates carry."""

    @property
    def dimension(self) -> int:
        """The length D of a template's vector."""

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
    templates: tuple[Template, ...] = ()
    """Templates of the largest face, taken thoroughly, the engine's first, then those for other models; empty without a
    face, and of a photo that the rules reject."""
    picture: bytes = b""
    """The opened photo as a JPEG without metadata, as it is kept; empty when the file cannot be read."""
    thumbnail: bytes = b""
    """The same, small."""


def assess(content: bytes, engine: Engine, checker: Checker, further: Sequence[Engine] = ()) -> Assessment:
    """Assess the file `content`; a photo that cannot be read is a result, not an error.

    `further` engines make templates for other models beside the one of `engine`, which does everything else.
    """
    digest = hashlib.sha256(content).hexdigest()
    try:
        photo = decode(content)
    except UnreadablePhotoError as error:
        return Assessment(digest, report_unreadable(error), None, ())
    faces = engine.detect(photo.image)
    report = checker.check_faces(photo, faces)
    return Assessment(
        digest,
        report,
        photo,
        tuple(faces),
        () if report.verdict is Verdict.REJECT else embed_all(photo, faces, (engine, *further)),
        picture=encode_jpeg(photo.image),
        thumbnail=encode_thumbnail(photo.image),
    )


def embed_all(photo: Photo, faces: list[Face], engines: Sequence[Engine]) -> tuple[Template, ...]:
    """Return the templates of the largest of `faces` for each engine's model; none without a face."""
    made = (embed(photo, faces, engine) for engine in engines)
    return tuple(template for template in made if template is not None)


def embed(photo: Photo, faces: list[Face], engine: Engine) -> Template | None:
    """Return the template of the largest of `faces`.

    More views of the face are taken in at enrolment, where they cost no time at a gate: the template is steadier.
    """
    if not faces:
        return None
    return Template(engine.model_id, engine.embed(photo.image, faces[:1], thorough=True)[0])
