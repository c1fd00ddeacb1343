"""What can be wrong with a photo, done to a good one on purpose: each fault in one or more strengths.

All work on RGB uint8 (H, W, 3) and the mesh (468, 3) of the face in it, and give the same picture for the same input.
"""

from tests.doubles.degradations.faults import CHANGES_NOTHING, FAULTS, Fault
from tests.doubles.degradations.portrait import Portrait

__all__ = ["CHANGES_NOTHING", "FAULTS", "Fault", "Portrait"]
