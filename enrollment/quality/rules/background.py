"""Background: one colour, without a pattern or things in it (ISO/IEC 29794-5, background uniformity)."""

import cv2
import numpy as np

from enrollment.quality.evidence import Evidence, take_median, to_lab
from enrollment.quality.limits import RuleLimits
from enrollment.quality.ofiq import sigmoid_score
from enrollment.quality.report import Advice, Finding

_ADVICE = Advice(
    "背景不是单一颜色。请站在纯色墙前拍摄，身后不要有杂物。",
    "The background is not of one colour. Stand before a plain wall with nothing behind you.",
)
_LEAST_SHARE = 0.02
"""With less background than this to be seen there is nothing to judge."""


class Background:
    """Value: spread of colour over the background, in CIELAB units; its mean gradient is in the details."""

    name = "background"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Look at what is surely not the person, away from the person's edge."""
        limit = limits["spread"]
        if evidence.person is None:
            return Finding(0, limit, passed=True)
        small = evidence.thumbnail
        person = cv2.resize(evidence.person, small.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        outside = cv2.erode((person < 0.1).astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=1).astype(bool)
        if outside.mean() < _LEAST_SHARE:
            return Finding(0, limit, passed=True)
        lab = to_lab(small[outside][:, np.newaxis])[:, 0]
        spread = float(np.sqrt(((lab - take_median(lab)) ** 2).sum(axis=1).mean()))
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
        gradient = float(cv2.magnitude(across, down)[outside].mean())
        score = sigmoid_score(gradient, x0=10, w=100, h=190, a=1, s=-1)
        passed = spread <= limit and gradient <= limits["gradient"]
        details = {"gradient": gradient, "gradient_limit": limits["gradient"], "share": float(outside.mean())}
        return Finding(spread, limit, passed, None if passed else _ADVICE, score, details)
