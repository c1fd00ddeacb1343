"""The face engine: one RGB frame in; faces with box, landmarks, pose, hints of quality and embedding out."""

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np

from models import calibration
from models.box import Box
from models.calibration import Purpose
from models.detector import FULL_RANGE, SHORT_RANGE, Detection, Detector
from models.embedders.port import Embedder
from models.embedders.registry import DEFAULT_EMBEDDER, make_embedder
from models.face import AnalysedFace, Face
from models.hints import hints_of
from models.landmarks import LandmarkModel, Mesh
from models.pixels import Image, check_image
from models.pose import pose_of
from models.runtime import ModelFiles, Tensor, thread_count
from models.template import Template

_SURE_PRESENCE = 0.95
_MINIMUM_SIDE = 8.0
"""Pixels; a smaller box holds nothing to be recognised."""
_LEVEL_KEYPOINTS = np.array([[270, 210], [370, 210], [320, 250], [320, 300], [230, 230], [410, 230]], np.float32)


class FaceEngine:
    """Runs detector, landmarks and embedder in order. Safe to use from several threads at once."""

    def __init__(self, store: ModelFiles, *, embedder: str = DEFAULT_EMBEDDER, threads: int = 0) -> None:
        """Load the models; `threads` is the number used for one image, 0 meaning one for each core."""
        # These networks are small: half of the threads gain as much as all of them, and the others stay free.
        few = max(thread_count(threads) // 2, 1)
        self._full_range = Detector(store.path("blazeface-full-range"), FULL_RANGE, threads=few)
        self._short_range = Detector(store.path("blazeface-short-range"), SHORT_RANGE, threads=few)
        self._landmarks = LandmarkModel(store.path("face-mesh"), threads=few)
        self._embedder = make_embedder(store, embedder, threads=threads)

    def with_embedder(self, embedder: Embedder) -> Self:
        """Return an engine that makes other templates of the faces that this one finds, with the same detectors."""
        other = copy.copy(self)
        other._embedder = embedder  # noqa: SLF001 - a copy of this very class
        return other

    @property
    def model_id(self) -> str:
        """The id that the engine's templates carry."""
        return self._embedder.model_id

    @property
    def dimension(self) -> int:
        """The length D of an embedding."""
        return self._embedder.dimension

    def threshold(self, purpose: Purpose, gallery_size: int = 1) -> float:
        """Return the least similarity that counts as one person; see `models.calibration`."""
        return calibration.threshold(self.model_id, purpose, gallery_size)

    def warm_up(self) -> None:
        """Run every network once, so that the first frame takes no longer than the next ones."""
        grey = np.full((480, 640, 3), 127, np.uint8)
        detection = Detection(Box(220, 140, 200, 200), 1.0, _LEVEL_KEYPOINTS)
        self._full_range.detect(grey)
        self._short_range.detect(grey)
        mesh, _ = self._landmarks.find(grey, [detection])[0]
        self._embedder.embed(grey, [mesh], thorough=False)

    def detect(self, image: Image) -> list[Face]:
        """Return the faces of `image`, uint8 RGB (H, W, 3), the largest first.

        Raises:
            ValueError: it is no such image.
        """
        return self.describe(image, self.find(image))

    def find(self, image: Image) -> list[Detection]:
        """Return where the faces of `image` are, the largest first, without a look at any of them.

        Raises:
            ValueError: it is no uint8 RGB image (H, W, 3).
        """
        image = check_image(image)
        found = self._full_range.detect(image) or self._short_range.detect(image)
        found = [detection for detection in found if min(detection.box.width, detection.box.height) >= _MINIMUM_SIDE]
        return sorted(found, key=lambda detection: -detection.box.area)

    def describe(self, image: Image, detections: Sequence[Detection]) -> list[Face]:
        """Return the faces at `detections` of `image`, in their order: landmarks, pose, hints of quality.

        Raises:
            ValueError: it is no uint8 RGB image (H, W, 3).
        """
        image = check_image(image)
        return [
            _face(image, detection, mesh, presence)
            for detection, (mesh, presence) in zip(detections, self._meshes(image, detections), strict=True)
        ]

    def _meshes(self, image: Image, detections: Sequence[Detection]) -> list[tuple[Mesh, float]]:
        """Return mesh and presence of each detection, looking twice where the first look was unsure."""
        meshes = self._landmarks.find(image, detections)
        unsure = [index for index, (_, presence) in enumerate(meshes) if presence < _SURE_PRESENCE]
        again = self._landmarks.refine(image, [meshes[index][0] for index in unsure])
        for index, refined in zip(unsure, again, strict=True):
            meshes[index] = max(meshes[index], refined, key=lambda mesh: mesh[1])
        return meshes

    def embed(self, image: Image, faces: Sequence[Face], *, thorough: bool = False) -> Tensor:
        """Return one unit vector for each of `faces`, float32 (N, D), in one batch.

        Enrolment and the comparison of two photographs are `thorough`: they find the landmarks once more and take in
        more views. A gate, which sees many frames, is not.

        Raises:
            ValueError: `image` is no image, or a face has no landmarks.
        """
        image = check_image(image)
        meshes = [_mesh_of(face) for face in faces]
        if thorough:
            meshes = [mesh for mesh, _ in self._landmarks.refine(image, meshes)]
        return self._embedder.embed(image, meshes, thorough=thorough)

    def analyse(self, image: Image, *, thorough: bool = False) -> list[AnalysedFace]:
        """Return the faces of `image` with their templates, the largest first."""
        faces = self.detect(image)
        vectors = self.embed(image, faces, thorough=thorough)
        return [
            AnalysedFace(face, Template(self.model_id, vector)) for face, vector in zip(faces, vectors, strict=True)
        ]


def _mesh_of(face: Face) -> Mesh:
    if face.landmarks is None:
        raise ValueError("a face without landmarks cannot be embedded: detect it with the engine")
    return face.landmarks


def _face(image: Image, detection: Detection, mesh: Mesh, presence: float) -> Face:
    hints = hints_of(image, mesh)
    return Face(
        box=detection.box,
        score=detection.score,
        keypoints=detection.keypoints,
        landmarks=mesh,
        presence=presence,
        pose=pose_of(mesh),
        inter_eye_distance=hints.inter_eye_distance,
        sharpness=hints.sharpness,
        brightness=hints.brightness,
        underexposed=hints.underexposed,
        overexposed=hints.overexposed,
    )
