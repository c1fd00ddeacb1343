"""Beautified: traces of beauty filters and picture editors. A hint for the reviewer, never a proof.

Smoothing takes the fine texture from the skin and leaves its shades, and the eyes, as they are. Strong smoothing is
found in most photos; half of it rarely, and changes of shape, such as larger eyes, cannot be seen at all.
"""

import itertools
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from enrollment.quality.evidence import Evidence, Mask
from enrollment.quality.limits import RuleLimits
from enrollment.quality.regions import (
    FOREHEAD,
    LEFT_CHEEK,
    LEFT_EYE_SOCKET,
    LEFT_HALF_CHEEK,
    LIPS,
    RIGHT_CHEEK,
    RIGHT_EYE_SOCKET,
    RIGHT_HALF_CHEEK,
)
from enrollment.quality.report import Advice, Finding

_SKIN = (RIGHT_CHEEK, LEFT_CHEEK, RIGHT_HALF_CHEEK, LEFT_HALF_CHEEK, FOREHEAD)
_FEATURES = (RIGHT_EYE_SOCKET, LEFT_EYE_SOCKET, LIPS)
_EDITED = Advice(
    "照片似乎用修图软件处理过。请上传未经美颜和滤镜处理的原图。",
    "The photo seems to have passed through an editor. Send the original, without beautifying or filters.",
)
_SMOOTH = Advice(
    "皮肤过于平滑，可能使用了美颜。请关闭美颜和滤镜后重拍。",
    "The skin is unusually smooth. Switch off beautifying and filters and take the photo again.",
)


class Beautified:
    """Value: fine texture of the skin against its coarser shades and the detail of eyes and lips; 0 for an edited file.

    How the parts are weighed is a logistic regression's on portraits and smoothed ones (`docs/photo-rules.md`).
    """

    name = "beautified"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure the texture, and ask the metadata for the name of an editor."""
        texture, limit = _texture(evidence), limits["texture"]
        details = {"texture": texture}
        if evidence.photo.file.editor is not None:
            return Finding(0, limit, passed=False, advice=_EDITED, details=details)
        passed = texture >= limit
        return Finding(texture, limit, passed, None if passed else _SMOOTH, details=details)


def _texture(evidence: Evidence) -> float:
    grey = evidence.level_grey.astype(np.float32)
    blurred = [cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (0.8, 1.5, 3.0)]
    fine, coarse = (np.abs(near - far) for near, far in itertools.pairwise(blurred))
    skin, features = _union(evidence, _SKIN), _union(evidence, _FEATURES)
    if skin.sum() < 50 or features.sum() < 50:
        return 0.0
    brightness = max(float(np.median(grey[skin])), 20.0) / 128
    # The constant stands for what rounding to whole grey levels leaves in the smoothest skin.
    skin_fine = float(np.median(fine[skin])) / brightness + 0.02
    skin_coarse = float(np.median(coarse[skin])) / brightness + 0.02
    detail_fine = float(np.percentile(fine[features], 80)) / brightness + 0.02
    detail_coarse = float(np.percentile(coarse[features], 80)) / brightness + 0.02
    return float(skin_fine * skin_coarse**-0.7 * detail_fine**-0.43 * detail_coarse**0.13)


def _union(evidence: Evidence, regions: Iterable[Sequence[int]]) -> Mask:
    return np.asarray(np.any([evidence.level_polygon(region) for region in regions], axis=0))
