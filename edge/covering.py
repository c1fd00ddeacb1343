"""What covers a face that nobody is recognised in: then the person is asked to take it off. Pure."""

from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from models.face import Face


class Covering(StrEnum):
    """What the person can take off; the values are reasons of `face_refused`."""

    MASK = "mask_worn"
    GLASSES = "dark_glasses_worn"


CoveringMeasure = Callable[[npt.NDArray[np.uint8], Face], Covering | None]
"""What covers a face in an RGB picture, None when nothing does."""

_WINDOW, _AGREEING = 5, 3


class CoveringVote:
    """The findings of one track: three of the last five looks must agree."""

    def __init__(self) -> None:
        self._found: deque[Covering | None] = deque(maxlen=_WINDOW)

    def cast(self, found: Covering | None) -> None:
        """Count one look."""
        self._found.append(found)

    @property
    def standing(self) -> Covering | None:
        """What the looks agree on."""
        counts = Counter(one for one in self._found if one is not None)
        return next((one for one, count in counts.most_common(1) if count >= _AGREEING), None)
