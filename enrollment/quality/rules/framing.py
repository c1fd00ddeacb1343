"""Framing: the head is neither lost in the picture nor fills it beyond its edges (ISO/IEC 29794-5, head size)."""

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.report import Advice, Finding

_SMALL = Advice(
    "头部在照片中太小。请靠近镜头，让头和肩膀占画面的三分之二。",
    "The head is too small in the picture. Come closer: head and shoulders fill two thirds of it.",
)
_LARGE = Advice(
    "离镜头太近。请后退一些，让头和肩膀都在画面内。",
    "The camera is too close. Step back until head and shoulders are in the picture.",
)


class Framing:
    """Value: distance from the eyes to the chin as a share of the picture's height."""

    name = "framing"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Compare the size of the head with that of the picture."""
        share = evidence.head_height / evidence.image.shape[0]
        score = sigmoid_score(abs(share - 0.45), x0=0, w=0.05, h=200, a=1, s=-1)
        if share > limits["largest"]:
            return Finding(share, limits["largest"], passed=False, advice=_LARGE, score=score)
        # A small head is left to the reviewer where a body goes with it.
        limit = limits["smallest"] if evidence.person_share >= limits["person"] else limits["smallest_alone"]
        return Finding(share, limit, share >= limit, None if share >= limit else _SMALL, score)
