"""Which pixels show a person: MediaPipe's selfie segmentation network."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.runtime import Network

_SIDE = 256


class PersonMask:
    """Runs the network. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Load the ONNX file at `path`; `models.store.ModelStore.path("selfie-segmenter")` gives it."""
        self._network = Network(path, threads=1)

    def probability(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return how likely each part of an RGB image (H, W, 3) shows a person.

        The answer is float32 (256, 256), 0…1, as the network gives it: a grid stretched over the whole image.
        """
        if image.shape[:2] != (_SIDE, _SIDE):
            image = np.asarray(cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        tensor = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        return self._network(tensor)[0].reshape(_SIDE, _SIDE)
