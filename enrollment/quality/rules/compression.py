"""Compression: the picture was not squeezed until its detail was gone."""

import cv2
import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "照片压缩过度。请上传相机原图，不要用聊天软件转发的图片。",
    "The photo was compressed too much. Send the camera's own file, not one forwarded by a messenger.",
)
_LARGEST_STEP = 12


class Compression:
    """Value: quality of the JPEG file, 1…100; of a file whose pixels show older, worse blocks, 100 less their strength.

    A picture that was once saved badly and then saved well carries a good quality setting and the old blocks.
    """

    name = "compression"
    needs_face = False

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Take the file's setting, and look for steps at the borders of 8×8 blocks."""
        quality = float(evidence.photo.file.jpeg_quality or 100)
        blocks = _block_steps(evidence.image) if evidence.original_scale == 1 else 1.0
        details = {"blocks": blocks, "jpeg_quality": quality}
        if blocks > limits["blocks"]:
            return Finding(blocks, limits["blocks"], passed=False, advice=_ADVICE, details=details)
        passed = quality >= limits["jpeg_quality"]
        return Finding(quality, limits["jpeg_quality"], passed, None if passed else _ADVICE, details=details)


def _block_steps(image: np.ndarray) -> float:
    """Return how much larger the steps at multiples of 8 pixels are than those between, in flat parts; 1 is none."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    ratios = []
    for plane in (grey, cv2.transpose(grey)):
        # Edges of the scene say nothing: only small steps are looked at.
        steps = np.minimum(cv2.absdiff(plane[:, 1:], plane[:, :-1]), _LARGEST_STEP).astype(np.uint8, copy=False)
        sums = cv2.reduce(steps, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0] / len(steps)
        at_border = sums[7::8].mean()
        between = np.delete(sums, np.s_[7::8]).mean()
        ratios.append((at_border + 0.1) / (between + 0.1))
    return float(np.mean(ratios))
