"""Fills the picture: head and shoulders take about two thirds of it, as the campus guide asks."""

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "头和肩膀应占画面的三分之二左右，请调整距离后重拍。",
    "Head and shoulders should fill about two thirds of the picture; change the distance and take it again.",
)


class FillsPicture:
    """Value: share of the picture that is person."""

    name = "fills_picture"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Compare the share of the person."""
        share, limit = evidence.person_share, limits["share"]
        return Finding(share, limit, share >= limit, None if share >= limit else _ADVICE)
