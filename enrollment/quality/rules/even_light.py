"""Even light: both cheeks are lit alike (ISO/IEC 29794-5, illumination uniformity)."""

import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.regions import LEFT_HALF_CHEEK, RIGHT_HALF_CHEEK
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "光线不均匀，半边脸偏暗。请正对光源，避免侧光。",
    "One side of the face is darker. Face the light; avoid light from the side.",
)


class EvenLight:
    """Value: brightness of the darker cheek as a share of the brighter one's, in linear light."""

    name = "even_light"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Compare the cheeks; the score compares their histograms."""
        right = evidence.level_grey[evidence.level_polygon(RIGHT_HALF_CHEEK)]
        left = evidence.level_grey[evidence.level_polygon(LEFT_HALF_CHEEK)]
        if not right.size or not left.size:
            return Finding(0, limits["share"], passed=False, advice=_ADVICE)
        light = sorted(float(np.median((cheek / 255.0) ** 2.2)) for cheek in (right, left))
        share = light[0] / max(light[1], 1e-4)
        common = np.minimum(_histogram(right), _histogram(left)).sum()
        limit = limits["share"]
        score = round(100 * float(common) ** 0.3)
        return Finding(share, limit, share >= limit, None if share >= limit else _ADVICE, score)


def _histogram(values: np.ndarray) -> np.ndarray:
    counts = np.bincount(values, minlength=256).astype(float)
    return np.asarray(counts / max(counts.sum(), 1.0))
