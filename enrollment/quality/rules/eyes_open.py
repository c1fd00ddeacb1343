"""Eyes open (ISO/IEC 29794-5)."""

import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.regions import LEFT_LIDS, RIGHT_LIDS
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice("请睁开双眼。", "Open both eyes.")


class EyesOpen:
    """Value: the smaller opening between the lids, as a share of T (eyes to chin)."""

    name = "eyes_open"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Measure between the lids of the mesh, which follows them only roughly."""
        value = min(_opening(evidence, RIGHT_LIDS), _opening(evidence, LEFT_LIDS)) / max(evidence.head_height, 1.0)
        limit = limits["opening"]
        score = sigmoid_score(value, x0=0.02, w=0.01)
        return Finding(value, limit, value >= limit, None if value >= limit else _ADVICE, score)


def _opening(evidence: Evidence, lids: tuple[int, int]) -> float:
    """Return the distance between the lids in pixels."""
    upper, lower = lids
    return float(np.linalg.norm(evidence.mesh[upper, :2] - evidence.mesh[lower, :2]))
