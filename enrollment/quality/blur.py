"""Blur without a reference: how much a further blurring changes the picture (Crété et al., 2007)."""

import cv2
import numpy as np
import numpy.typing as npt

_WINDOW = (slice(56, 240), slice(40, 216))
"""The face within the level face."""
_LENGTH = 9


def measure_blur(level_grey: npt.NDArray[np.uint8]) -> dict[int, float]:
    """Return the blur of the level face along 0°, 45°, 90° and 135°, each 0 (sharp) … 1.

    A picture that is sharp along a direction loses much of its variation when it is blurred along it; a blurred one
    has little left to lose.
    """
    turn = cv2.getRotationMatrix2D((128.0, 148.0), 45, 1.0)
    turned = cv2.warpAffine(level_grey, turn, (256, 256), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    straight, slanted = level_grey.astype(np.float32), np.asarray(turned, np.float32)
    return {
        0: _measure_along_rows(straight[_WINDOW]),
        45: _measure_along_rows(slanted[_WINDOW]),
        90: _measure_along_rows(straight[_WINDOW].T),
        135: _measure_along_rows(slanted[_WINDOW].T),
    }


def _measure_along_rows(grey: np.ndarray) -> float:
    grey = np.ascontiguousarray(grey)
    before, after = (_differences(one) for one in (grey, cv2.blur(grey, (_LENGTH, 1))))
    _, lost = cv2.threshold(cv2.subtract(before, after), 0, 0, cv2.THRESH_TOZERO)
    return 1 - cv2.sumElems(lost)[0] / max(cv2.sumElems(before)[0], 1e-6)


def _differences(grey: np.ndarray) -> np.ndarray:
    return cv2.absdiff(grey[:, 1:], grey[:, :-1])
