"""Exposure: the face is neither too dark nor washed out (ISO/IEC 29794-5, under- and over-exposure)."""

import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.report import Advice, Finding

_DARK = Advice("面部太暗。请面向光源重新拍摄。", "The face is too dark. Turn towards the light and take it again.")
_BRIGHT = Advice(
    "面部过曝发白。请避开强光或闪光灯后重新拍摄。",
    "The face is washed out. Avoid strong light and flash, and take it again.",
)


class Exposure:
    """Value: share of washed-out pixels in the face, or, of a face that is too dark, its highlights in grey levels.

    Highlights, not the mean: dark skin in good light has bright highlights, a face in the dark has none.
    """

    name = "exposure"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure highlights and shares of exposure extremes within the face."""
        pixels = evidence.level_grey[evidence.level_hull]
        highlights = float(np.percentile(pixels, 95))
        under, over = float((pixels <= 25).mean()), float((pixels >= 247).mean())
        details = {"highlights": highlights, "underexposed": under, "overexposed": over}
        score = min(sigmoid_score(under, x0=0.92, w=0.05, h=120, a=0.832, s=-1), 100, round(1 / (over + 0.01)))
        if highlights < limits["highlights"]:
            return Finding(highlights, limits["highlights"], passed=False, advice=_DARK, score=score, details=details)
        passed = over <= limits["overexposed"]
        return Finding(over, limits["overexposed"], passed, None if passed else _BRIGHT, score, details)
