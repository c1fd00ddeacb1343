"""Fills the picture: head and shoulders take about two thirds of it, as the campus guide asks."""

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "头和肩膀应占画面的三分之二左右,请调整距离后重拍。",
    "Head and shoulders should fill about two thirds of the picture; change the distance and take it again.",
)


class FillsPicture:
    """Value: share of the picture that is person; without a person mask, guessed from the size of the head."""

    name = "fills_picture"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Count the pixels of the person."""
        if evidence.person is None:
            height, width = evidence.image.shape[:2]
            # Head and shoulders cover about 6 T wide and 4 T high, less the corners.
            share = min(1.0, 14 * evidence.head_height**2 / (height * width))
        else:
            share = float((evidence.person > 0.5).mean())
        limit = limits["share"]
        return Finding(share, limit, share >= limit, None if share >= limit else _ADVICE)
