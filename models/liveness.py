"""Is this a living face, or a print or screen that shows one? The networks that are installed, and their mean.

They judge the texture and the surroundings of one frame (MiniFASNet: Minivision, Silent-Face-Anti-Spoofing). That stops
pictures held before the camera; it cannot stop a picture fed in digitally instead of the camera's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from models.box import Box
from models.face import Face
from models.pixels import Image, check_image
from models.runtime import ModelFiles, Network, Tensor
from models.store import ModelMissingError


@dataclass(frozen=True, slots=True)
class LivenessContract:
    """How one network of the catalogue is fed and read: BGR, 0–255; it gives class probabilities."""

    name: str
    size: int
    """Pixels of the square it takes."""
    boxes: float
    """How many face boxes that square is wide and high."""
    live: int
    """The class "living face"."""
    weight: float = 1.0
    """In the mean."""
    interpolation: int = cv2.INTER_LINEAR
    """Of OpenCV, where the square is made smaller."""


DEFAULT = LivenessContract("fr-liveness", 128, 2.7, live=0, interpolation=cv2.INTER_AREA)
"""Pixels are averaged: OpenCV's default picks single ones and leaves in the noise of a sensor, which looks alive to it.
So a third of the light lets 11 % of single frames of prints in instead of 59 (`docs/models.md`)."""
SECOND_OPINIONS = (
    LivenessContract("minifasnet-v2", 80, 2.7, live=1, weight=0.5),
    LivenessContract("minifasnet-v1se", 80, 4.0, live=1, weight=0.5),
)
"""Asked too where they are installed. They learnt from the same pictures, so both together count as one opinion."""


class LivenessModel:
    """The weighted mean of the networks. Safe to use from several threads at once."""

    def __init__(self, networks: Sequence[tuple[LivenessContract, Network]]) -> None:
        """Take at least one network, loaded."""
        self._networks = tuple(networks)

    @classmethod
    def load(cls, store: ModelFiles, *, threads: int = 0, second_opinions: bool = True) -> Self:
        """Load the default network, and if wanted the `second_opinions` that are installed.

        Raises:
            ModelMissingError: the default network is not installed.
            ModelCorruptedError: the file of an installed network is not what was installed.
        """
        networks = [(DEFAULT, Network(store.path(DEFAULT.name), threads=threads))]
        for contract in SECOND_OPINIONS if second_opinions else ():
            try:
                path = store.path(contract.name)
            except ModelMissingError:
                continue
            networks.append((contract, Network(path, threads=threads)))
        return cls(networks)

    @property
    def names(self) -> tuple[str, ...]:
        """The networks that are asked, by their names in the catalogue."""
        return tuple(contract.name for contract, _ in self._networks)

    def score(self, image: Image, face: Face) -> float:
        """Return 0 (a print or a screen) … 1 (a living face) for a face of the RGB `image`.

        Raises:
            ValueError: `image` is no RGB image of bytes.
        """
        weights = [contract.weight for contract, _ in self._networks]
        return float(np.average(list(self.scores(image, face).values()), weights=weights))

    def scores(self, image: Image, face: Face) -> dict[str, float]:
        """Return what each network says, by its name; see `score`."""
        image = check_image(image)
        return {contract.name: _ask(network, contract, image, face.box) for contract, network in self._networks}


def surroundings(image: Image, box: Box, boxes: float) -> Image:
    """Return the part of `image` around `box`, `boxes` times as wide and high, shifted or shrunk to lie inside it."""
    height, width = image.shape[:2]
    boxes = min(boxes, (width - 1) / max(box.width, 1), (height - 1) / max(box.height, 1))
    crop_width, crop_height = max(boxes * box.width, 1.0), max(boxes * box.height, 1.0)
    x, y = box.centre
    left = int(np.clip(x - crop_width / 2, 0, max(width - crop_width, 0)))
    top = int(np.clip(y - crop_height / 2, 0, max(height - crop_height, 0)))
    return image[top : top + int(crop_height) + 1, left : left + int(crop_width) + 1]


def _ask(network: Network, contract: LivenessContract, image: Image, box: Box) -> float:
    crop = surroundings(image, box, contract.boxes)
    return float(network(_tensor(crop, contract))[0][0, contract.live])


def _tensor(crop: Image, contract: LivenessContract) -> Tensor:
    enlarged = min(crop.shape[:2]) < contract.size
    interpolation = cv2.INTER_LINEAR if enlarged else contract.interpolation
    small = cv2.resize(crop, (contract.size, contract.size), interpolation=interpolation)
    # The networks were trained on OpenCV's order of channels.
    return np.ascontiguousarray(small[..., ::-1].transpose(2, 0, 1)[np.newaxis], np.float32)
