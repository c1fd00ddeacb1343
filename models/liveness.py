"""Is this a living face, or a print or screen that shows one? Two MiniFASNets, which look from two distances.

They judge the texture and the surroundings of one frame (Minivision, Silent-Face-Anti-Spoofing). That stops pictures
held before the camera; it cannot stop a picture fed in digitally instead of the camera's.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from models.box import Box
from models.face import Face
from models.pixels import Image, check_image
from models.runtime import ModelFiles, Network, Tensor

_SIZE = 80
_LIVE = 1
"""The class "live" among the network's three."""


@dataclass(frozen=True, slots=True)
class _View:
    """A network and how many face boxes its crop is wide and high."""

    network: Network
    boxes: float


class LivenessModel:
    """The mean of both networks. Safe to use from several threads at once."""

    NAMES = ("minifasnet-v2", "minifasnet-v1se")
    """The models of the catalogue that it needs."""

    def __init__(self, store: ModelFiles, *, threads: int = 0) -> None:
        """Load the networks; `store.path` raises when one is missing."""
        self._views = []
        for name, boxes in zip(self.NAMES, (2.7, 4.0), strict=True):
            self._views.append(_View(Network(store.path(name), threads=threads), boxes))

    def score(self, image: Image, face: Face) -> float:
        """Return 0 (a print or a screen) … 1 (a living face) for a face of the RGB `image`.

        Raises:
            ValueError: `image` is no RGB image of bytes.
        """
        image = check_image(image)
        scores = [view.network(_tensor(surroundings(image, face.box, view.boxes)))[0][0, _LIVE] for view in self._views]
        return float(np.mean(scores))


def surroundings(image: Image, box: Box, boxes: float) -> Image:
    """Return the part of `image` around `box`, `boxes` times as wide and high, shifted or shrunk to lie inside it."""
    height, width = image.shape[:2]
    boxes = min(boxes, (width - 1) / max(box.width, 1), (height - 1) / max(box.height, 1))
    crop_width, crop_height = max(boxes * box.width, 1.0), max(boxes * box.height, 1.0)
    x, y = box.centre
    left = int(np.clip(x - crop_width / 2, 0, max(width - crop_width, 0)))
    top = int(np.clip(y - crop_height / 2, 0, max(height - crop_height, 0)))
    return image[top : top + int(crop_height) + 1, left : left + int(crop_width) + 1]


def _tensor(crop: Image) -> Tensor:
    small = cv2.resize(crop, (_SIZE, _SIZE), interpolation=cv2.INTER_LINEAR)
    # The networks were trained on OpenCV's order of channels.
    return np.ascontiguousarray(small[..., ::-1].transpose(2, 0, 1)[np.newaxis], np.float32)
