"""Eyes open (ISO/IEC 29794-5)."""

import numpy as np

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.regions import LEFT_LIDS, RIGHT_LIDS
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice("请睁开双眼。", "Open both eyes.")


class EyesOpen:
    """Value: how likely an eye is open, 0…1. Without the network: the smaller opening between the lids, in T."""

    name = "eyes_open"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Ask the network; the mesh draws open lids on closed eyes."""
        opening = min(_opening(evidence, RIGHT_LIDS), _opening(evidence, LEFT_LIDS)) / max(evidence.head_height, 1.0)
        closed = evidence.closed_eyes
        value, limit = (opening, limits["opening"]) if closed is None else (1 - min(closed), limits["open"])
        score = sigmoid_score(opening, x0=0.02, w=0.01)
        details = {"opening": opening}
        return Finding(value, limit, value >= limit, None if value >= limit else _ADVICE, score, details)


def _opening(evidence: Evidence, lids: tuple[int, int]) -> float:
    """Return the distance between the lids of the mesh in pixels."""
    upper, lower = lids
    return float(np.linalg.norm(evidence.mesh[upper, :2] - evidence.mesh[lower, :2]))
