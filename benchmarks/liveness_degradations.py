"""How the liveness networks bear what cameras and detectors do to a face: single frames, spoiled one way at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.liveness_rates import operating_points
from benchmarks.liveness_sequences import LIVE, Watch, sessions
from benchmarks.report import progress
from edge.liveness import LivenessPolicy
from enrollment.photo import decode
from models.box import Box
from models.face import Face
from models.pixels import Image

_MOST_FRAMES = 120
"""Of each kind; enough for steps of 1 %."""

Degradation = Callable[[Image, Box], tuple[Image, Box]]


def _boxed(scale: float = 1.0, right: float = 0.0, down: float = 0.0) -> Degradation:
    """Let the detector err: by a factor, and by shares of the box."""

    def change(image: Image, box: Box) -> tuple[Image, Box]:
        x, y = box.centre
        width, height = box.width * scale, box.height * scale
        left, top = x + right * box.width - width / 2, y + down * box.height - height / 2
        return image, Box(left, top, width, height)

    return change


def _pixels(spoil: Callable[[Image], np.ndarray]) -> Degradation:
    def change(image: Image, box: Box) -> tuple[Image, Box]:
        return np.clip(spoil(image), 0, 255).astype(np.uint8), box

    return change


def _blur(sigma: float) -> Degradation:
    return _pixels(lambda image: cv2.GaussianBlur(image, (0, 0), sigma))


def _jpeg(quality: int) -> Degradation:
    def spoil(image: Image) -> np.ndarray:
        coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))

    return _pixels(spoil)


def _light(share: float, noise: float) -> Degradation:
    """Multiply the light, and add the noise with which a sensor answers."""
    return _pixels(lambda image: image * share + np.random.default_rng(1).normal(0, noise, image.shape))


def _smaller(factor: float) -> Degradation:
    """Let the person stand further away, or the camera have fewer pixels."""

    def change(image: Image, box: Box) -> tuple[Image, Box]:
        small = cv2.resize(image, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8), Box(*(side / factor for side in (box.left, box.top, box.width, box.height)))

    return change


DEGRADATIONS: Mapping[str, Degradation] = {
    "as it is": _boxed(),
    "box 15 % smaller": _boxed(0.85),
    "box 15 % larger": _boxed(1.15),
    "box 12 % to the side": _boxed(right=0.12),
    "box 12 % lower": _boxed(down=0.12),
    "blur, 1 pixel": _blur(1),
    "blur, 2 pixels": _blur(2),
    "blur, 3 pixels": _blur(3),
    "JPEG, quality 50": _jpeg(50),
    "JPEG, quality 25": _jpeg(25),
    "JPEG, quality 12": _jpeg(12),
    "half the light": _light(0.5, 3),
    "a third of the light": _light(0.3, 5),
    "a seventh of the light": _light(0.15, 6),
    "twice the light": _pixels(lambda image: 255 * np.sqrt(image / 255)),
    "noise": _light(1, 8),
    "yellow light": _pixels(lambda image: image * np.array([1.15, 1.0, 0.8])),
    "blue light": _pixels(lambda image: image * np.array([0.85, 1.0, 1.15])),
    "without colour": _pixels(lambda image: np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)),
    "half as large": _smaller(2),
    "a third as large": _smaller(3),
}


def measure_degraded(watch: Watch, sets: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return, for each degradation, the share of frames on the wrong side of the limit, and the equal error rate."""
    faces: dict[str, list[tuple[Image, Face]]] = {}
    for folder in sets:
        for part in sorted(one for one in folder.iterdir() if one.is_dir()):
            faces.setdefault(part.name, []).extend(_faces(watch, part))
    limit = LivenessPolicy().least_score
    figures: dict[str, dict[str, Any]] = {}
    for name, change in progress(DEGRADATIONS.items(), "degradations", len(DEGRADATIONS)):
        scores = {kind: np.array(list(_scores(watch, shown, change))) for kind, shown in faces.items()}
        live = scores.pop(LIVE)
        figures[name] = {"bpcer_frame": float((live < limit).mean())}
        for kind, found in scores.items():
            figures[name][kind] = {
                "apcer_frame": float((found >= limit).mean()),
                "eer": operating_points(live, found)["eer"],
            }
    return figures


def _faces(watch: Watch, folder: Path) -> Iterator[tuple[Image, Face]]:
    paths = [path for group in sessions(folder) for path in group]
    for path in progress(paths[:: max(1, -(-len(paths) // _MOST_FRAMES))], folder.name):
        image = decode(path).image
        for face in watch.engine.detect(image)[:1]:
            yield image, face


def _scores(watch: Watch, shown: Iterable[tuple[Image, Face]], change: Degradation) -> Iterator[float]:
    for image, face in shown:
        spoiled, box = change(image, face.box)
        yield watch.networks.score(spoiled, replace(face, box=box))
