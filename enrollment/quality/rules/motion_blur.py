"""Motion blur: neither the camera nor the head moved."""

import math

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "拍摄时有晃动。请拿稳手机、保持不动，在光线充足处重拍。",
    "Something moved. Hold the phone and your head still, in good light, and take it again.",
)


class MotionBlur:
    """Value: how much blurrier the face is along one direction than across it, in log odds.

    Odds, because blur ends at 1: of a picture that is soft anyway, a shake leaves a smaller difference.
    """

    name = "motion_blur"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Compare the blur along each direction with the blur across it."""
        blur = {angle: _log_odds(value) for angle, value in evidence.blur.items()}
        value = max(abs(blur[0] - blur[90]), abs(blur[45] - blur[135]))
        limit = limits["difference"]
        return Finding(value, limit, value <= limit, None if value <= limit else _ADVICE)


def _log_odds(share: float) -> float:
    share = min(max(share, 0.01), 0.99)
    return math.log(share / (1 - share))
