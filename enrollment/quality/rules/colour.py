"""Colour: the photo shows natural colours.

A greyscale picture gets the best score of "natural colour" in ISO/IEC 29794-5, and a toned one a good one, so
colour is measured by itself: in a real photo of a face the colours of skin, lips, eyes and hair differ by more than
their lightness explains; in a grey, sepia or otherwise toned one they do not.
"""

import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "照片不是自然的彩色照片。请上传未加滤镜的彩色照片,不要用黑白或怀旧色调。",
    "The photo has no natural colours. Send a colour photo without any filter, not black and white or sepia.",
)


class Colour:
    """Value: spread of colour in the face, in CIELAB units, that lightness does not explain."""

    name = "colour"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Fit a and b as curves of L over the face, and measure what is left."""
        pixels = evidence.level_lab[evidence.level_hull][::4]
        lightness = pixels[:, 0] / 50 - 1
        curve = np.stack([np.ones_like(lightness), lightness, lightness**2, lightness**3], axis=1)
        fitted, *_ = np.linalg.lstsq(curve, pixels[:, 1:], rcond=None)
        spread = float(np.sqrt(((pixels[:, 1:] - curve @ fitted) ** 2).sum(axis=1).mean()))
        limit = limits["spread"]
        passed = spread >= limit
        chroma = float(np.hypot(pixels[:, 1], pixels[:, 2]).mean())
        return Finding(spread, limit, passed, None if passed else _ADVICE, details={"chroma": chroma})
