"""Which pixels show a person: the selfie segmentation network, run by OpenCV."""

import threading
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

_SIDE = 256


class PersonMask:
    """Runs the network. Safe to use from several threads: each gets its own copy."""

    def __init__(self, path: Path) -> None:
        """Load the TFLite file at `path`; `models.store.ModelStore.path("selfie-segmentation")` gives it."""
        self._content = np.frombuffer(path.read_bytes(), np.uint8)
        self._local = threading.local()
        self._network()

    def probability(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return how likely each part of an RGB image (H, W, 3) shows a person.

        The answer is float32 (256, 256), 0…1, as the network gives it: a grid stretched over the whole image.
        """
        small = image
        if image.shape[:2] != (_SIDE, _SIDE):
            small = np.asarray(cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        network = self._network()
        network.setInput(cv2.dnn.blobFromImage(small, 1 / 255))
        return np.array(network.forward(), np.float32).reshape(_SIDE, _SIDE)

    def _network(self) -> cv2.dnn.Net:
        network: cv2.dnn.Net | None = getattr(self._local, "network", None)
        if network is None:
            network = cv2.dnn.readNetFromTFLite(self._content)
            self._local.network = network
        return network
