"""Noise: the picture is not grainy."""

import cv2
import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "照片噪点太多。请在光线更好的地方重新拍摄。", "The photo is grainy. Take it again where there is more light."
)
_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


class Noise:
    """Value: standard deviation of the noise in grey levels of 255, estimated after Immerkær (1996)."""

    name = "noise"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Filter out what is smooth or an edge; the median of what is left is noise."""
        left = np.abs(cv2.filter2D(evidence.level_grey.astype(np.float32), -1, _KERNEL))
        # 1.4826 turns a median of absolute values into a standard deviation; the kernel's own gain is 6.
        noise = float(np.median(left[evidence.level_hull])) * 1.4826 / 6
        limit = limits["deviation"]
        return Finding(noise, limit, noise <= limit, None if noise <= limit else _ADVICE)
