"""Whether the camera still looks at what it always looked at: the edges of the background, learnt slowly. Pure.

Light changes how bright edges are and hardly where they are; people cover some of them for a while. Another camera,
another picture fed into its line, or a camera that was turned, changes them everywhere and for good.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_SIZE = (160, 120)
_BLOCK = 20
_SOFTEN = 1.5
_FAINTEST = 3.0
"""Root mean square of a block's edges, in grey levels for each pixel; less is the sensor's noise."""
_ALIKE = 0.3
"""Cosine of a block's edges with the learnt ones above which it shows the same."""

Edges = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SceneLimits:
    """When a view counts as another one.

    Attributes:
        least_alike: share of the blocks with edges that must show what was learnt.
        least_blocks: with fewer blocks that have edges, now and before, nothing is said: a bare wall looks like any.
        learn_for: looks before anything is said.
        memory: looks over which the background is averaged, so that people leave no trace.
        accepted_after: seconds after which another view is taken for the new one.
    """

    least_alike: float = 0.4
    least_blocks: int = 8
    learn_for: int = 20
    memory: int = 120
    accepted_after: float = 1800.0


def edges_of(image: npt.NDArray[np.uint8]) -> Edges:
    """Return the edges of an RGB picture, float32 (blocks, pixels × 2): their strength across and down."""
    small = cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), _SOFTEN)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.25)
    rows, columns = _SIZE[1] // _BLOCK, _SIZE[0] // _BLOCK
    both = np.stack([across, down], axis=-1).reshape(rows, _BLOCK, columns, _BLOCK, 2)
    return np.asarray(both.swapaxes(1, 2).reshape(rows * columns, -1), np.float32)


class SceneWatch:
    """Learns the background of one camera and compares each look with it."""

    def __init__(self, limits: SceneLimits | None = None) -> None:
        self._limits = limits or SceneLimits()
        self._learnt: Edges | None = None
        self._looks = 0
        self._other: tuple[float, Edges, int] | None = None

    def is_other(self, edges: Edges, at: float) -> bool:
        """Return whether the look of the monotonic second `at` shows another scene than the one learnt."""
        if self._learnt is None or self._looks < self._limits.learn_for:
            self._learn(edges)
            return False
        share = self._share_alike(self._learnt, edges)
        if share is None:
            return self._other is not None
        if share >= self._limits.least_alike:
            self._other = None
            self._learn(edges)
            return False
        return not self._accept(edges, at)

    def _learn(self, edges: Edges) -> None:
        self._looks += 1
        weight = np.float32(1 / min(self._looks, self._limits.memory))
        self._learnt = edges.copy() if self._learnt is None else self._learnt + (edges - self._learnt) * weight

    def _accept(self, edges: Edges, at: float) -> bool:
        """Learn the other scene beside; once it has lasted, it is the new one."""
        since, learnt, looks = self._other or (at, edges.copy(), 0)
        share = self._share_alike(learnt, edges)
        if share is not None and share < self._limits.least_alike:
            since, learnt, looks = at, edges.copy(), 0
        looks += 1
        learnt = learnt + (edges - learnt) * np.float32(1 / min(looks, self._limits.memory))
        self._other = since, learnt, looks
        if at - since < self._limits.accepted_after:
            return False
        self._learnt, self._looks, self._other = learnt, looks, None
        return True

    def _share_alike(self, learnt: Edges, edges: Edges) -> float | None:
        strength, before = (np.sqrt((one**2).mean(axis=1) * 2) for one in (edges, learnt))
        known = before > _FAINTEST
        seen = known & (strength > _FAINTEST)
        if known.sum() < self._limits.least_blocks:
            return None
        products = (edges * learnt).sum(axis=1)
        cosine = products / np.maximum(np.linalg.norm(edges, axis=1) * np.linalg.norm(learnt, axis=1), 1e-6)
        if seen.sum() < self._limits.least_blocks:
            # Nothing of it is to be seen: dark or covered is for others to say, a bare wall is another scene.
            return 0.0 if strength.max() > _FAINTEST else None
        return float((cosine[seen] > _ALIKE).mean())
