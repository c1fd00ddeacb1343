"""Beautified: traces of beauty filters and picture editors. A hint for the reviewer, never a proof.

Smoothing takes the texture from the skin; strong smoothing is found more often than not, and changes of shape, such as
larger eyes, cannot be seen at all.
"""

import cv2
import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.regions import FOREHEAD, LEFT_CHEEK, RIGHT_CHEEK
from enrollment.quality.report import Advice, Finding

_EDITED = Advice(
    "照片似乎用修图软件处理过。请上传未经美颜和滤镜处理的原图。",
    "The photo seems to have passed through an editor. Send the original, without beautifying or filters.",
)
_SMOOTH = Advice(
    "皮肤过于平滑,可能使用了美颜。请关闭美颜和滤镜后重拍。",
    "The skin is unusually smooth. Switch off beautifying and filters and take the photo again.",
)


class Beautified:
    """Value: texture of the skin in grey levels, at the photo's own size; 0 when an editor left its name."""

    name = "beautified"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure what a small blur takes from cheeks and forehead, against the skin's brightness."""
        texture, limit = _texture(evidence), limits["texture"]
        details = {"texture": texture}
        if evidence.photo.file.editor is not None:
            return Finding(0, limit, passed=False, advice=_EDITED, details=details)
        passed = texture >= limit
        return Finding(texture, limit, passed, None if passed else _SMOOTH, details=details)


def _texture(evidence: Evidence) -> float:
    grey = evidence.level_grey.astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5))
    skin = np.zeros(grey.shape, bool)
    for region in (RIGHT_CHEEK, LEFT_CHEEK, FOREHEAD):
        skin |= evidence.level_polygon(region)
    if skin.sum() < 50:
        return 0.0
    return float(np.median(fine[skin]) / max(float(np.median(grey[skin])), 20.0) * 128)
