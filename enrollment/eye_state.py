"""Are the eyes closed? A small network that looks at the pixels of each eye."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from enrollment.quality.regions import LEFT_EYE_CORNERS, LEFT_EYE_LIDS, RIGHT_EYE_CORNERS, RIGHT_EYE_LIDS
from models.runtime import Network

_SIDE = 24
_WIDTHS = 1.6
"""The square around an eye, in widths of it from corner to corner: as the network was trained."""
_CLOSED = 0
"""The class "closed" of the network's two."""


class EyeState:
    """Runs the network. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Load the ONNX file at `path`; `models.store.ModelStore.path("fr-eye")` gives it."""
        self._network = Network(path, threads=1)

    def closed(self, image: npt.NDArray[np.uint8], mesh: npt.NDArray[np.float32]) -> tuple[float, float]:
        """Return how likely the right and the left eye are closed, 0…1.

        `image` is RGB (H, W, 3), `mesh` (468, 3) the face's points in its pixels.
        """
        eyes = ((RIGHT_EYE_CORNERS, RIGHT_EYE_LIDS), (LEFT_EYE_CORNERS, LEFT_EYE_LIDS))
        crops = np.stack([_crop(image, mesh[:, :2], corners, lids) for corners, lids in eyes])
        batch = crops[:, np.newaxis].astype(np.float32) / np.float32(255)
        right, left = self._network(batch)[0][:, _CLOSED]
        return float(right), float(left)


def _crop(
    image: npt.NDArray[np.uint8], points: npt.NDArray[np.float32], corners: tuple[int, int], lids: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    """Return the eye in shades of grey, uint8 (24, 24)."""
    x, y = points[list(lids)].mean(axis=0)
    outer, inner = points[list(corners)]
    reach = max(_WIDTHS * float(np.linalg.norm(outer - inner)) / 2, 1.0)
    left, top, right, bottom = (round(float(edge)) for edge in (x - reach, y - reach, x + reach, y + reach))
    height, width = image.shape[:2]
    part = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    if part.size == 0:
        return np.zeros((_SIDE, _SIDE), np.uint8)
    outside = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    whole = cv2.copyMakeBorder(part, *outside, cv2.BORDER_REPLICATE)
    small = cv2.resize(whole, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
