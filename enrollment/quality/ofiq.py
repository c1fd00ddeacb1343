"""Component scores on the scale of OFIQ, the reference implementation of ISO/IEC 29794-5."""

import math


def sigmoid_score(x: float, *, x0: float, w: float, h: float = 100.0, a: float = 0.0, s: float = 1.0) -> int:
    """Return h·(a + s / (1 + e^((x0-x)/w))), rounded and kept within 0…100 (ISO/IEC 29794-5, quality mapping)."""
    exponent = min(max((x0 - x) / w, -500.0), 500.0)
    return round(min(max(h * (a + s / (1 + math.exp(exponent))), 0.0), 100.0))
