"""Frontal: the head faces the camera, upright (ISO/IEC 29794-5, head pose).

Two rules measure the same angles: `frontal` refuses a head that is plainly turned away, `straight` points a reviewer to
one that is not as straight as a document photo asks.
"""

import math

from enrollment.quality.evidence import Evidence
from enrollment.quality.limits import RuleLimits
from enrollment.quality.report import Advice, Finding

_ADVICE = {
    "yaw": Advice("请不要侧脸，把脸转正对着镜头。", "The head is turned sideways. Face the camera."),
    "pitch": Advice(
        "请不要抬头或低头，让镜头与眼睛同高。",
        "The head is raised or lowered. Hold the camera at the height of your eyes.",
    ),
    "roll": Advice("请不要歪头，保持双眼水平。", "The head is tilted. Keep both eyes level."),
}


class Frontal:
    """Value: the angle, in degrees, that is worst against its own limit; all three are in the details."""

    name: str = "frontal"
    needs_face = True

    def examine(self, evidence: Evidence, limits: RuleLimits) -> Finding:
        """Compare yaw, pitch and roll with their limits."""
        pose = evidence.face.pose
        angles = {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
        allowed = {
            "yaw": limits["yaw"],
            "pitch": limits["pitch_up"] if pose.pitch >= 0 else limits["pitch_down"],
            "roll": limits["roll"],
        }
        worst = max(angles, key=lambda name: abs(angles[name]) / allowed[name])
        passed = abs(angles[worst]) <= allowed[worst]
        # 100·max(0, cos)² of ISO/IEC 29794-5, of the worst of the three.
        score = min(round(100 * max(0.0, math.cos(math.radians(angle))) ** 2) for angle in angles.values())
        advice = None if passed else _ADVICE[worst]
        return Finding(abs(angles[worst]), allowed[worst], passed, advice, score, details=angles)
