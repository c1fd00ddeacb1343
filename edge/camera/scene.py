"""Whether the camera still looks at what it always looked at: the edges of the background, learnt slowly. Pure.

Light changes how bright edges are and hardly where they are; people cover some of them for a while, and bring edges of
their own before a bare wall. Another camera, another picture fed into its line, or a camera that was turned, changes
them everywhere and for good.
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

_STEADY = 0.5
"""Share of the looks in which a block must have shown what is learnt of it to be background: people come and go."""
_DIM = 0.5
"""Share of the usual brightness below which edges that are gone may only be in the dark."""

Edges = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SceneLimits:
    """When a view counts as another one."""

    least_alike: float = 0.4
    """Share of the blocks with edges that must show what was learnt."""
    least_blocks: int = 8
    """With fewer blocks that have edges, now and before, nothing is said: a bare wall looks like any."""
    learn_for: int = 20
    """Looks before anything is said."""
    memory: int = 120
    """Looks over which the background is averaged, so that people leave no trace."""
    accepted_after: float = 1800.0
    """Seconds after which another view is taken for the new one."""


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
        self._learnt: _Background | None = None
        self._other: tuple[float, _Background] | None = None

    def is_other(self, edges: Edges, brightness: float, at: float) -> bool | None:
        """Return whether the look of the monotonic second `at` shows another scene than the one learnt.

        `brightness` is the mean of the grey picture, 0–255. None: there is nothing in this look, or nothing was ever
        learnt, by which it could be told.
        """
        limits, learnt = self._limits, self._learnt
        if learnt is None or learnt.looks < limits.learn_for or learnt.known().sum() < limits.least_blocks:
            self._learn(edges, brightness)
            return None if learnt is not None and learnt.looks >= limits.learn_for else False
        share = learnt.share_alike(edges, limits.least_blocks)
        if share is None:
            # Nothing of it is to be seen, in the light: what was learnt had come and gone.
            self._other = None
            if brightness >= _DIM * learnt.brightness:
                self._learn(edges, brightness)
            return None
        if share >= limits.least_alike:
            self._other = None
            self._learn(edges, brightness)
            return False
        return not self._accept(edges, brightness, at)

    def _learn(self, edges: Edges, brightness: float) -> None:
        before = self._learnt or _Background.nothing(edges)
        self._learnt = before.after(edges, brightness, self._limits.memory)

    def _accept(self, edges: Edges, brightness: float, at: float) -> bool:
        """Learn the other scene beside; once it has lasted, it is the new one."""
        since, other = self._other or (at, _Background.nothing(edges))
        share = other.share_alike(edges, self._limits.least_blocks) if other.looks else None
        if share is not None and share < self._limits.least_alike:
            since, other = at, _Background.nothing(edges)
        other = other.after(edges, brightness, self._limits.memory)
        self._other = since, other
        if at - since < self._limits.accepted_after:
            return False
        self._learnt, self._other = other, None
        return True


@dataclass(frozen=True, slots=True, eq=False)
class _Background:
    """What a camera has looked at: the mean of its looks."""

    edges: Edges
    """As `edges_of` returns them."""
    steady: Edges
    """(blocks,), in which share of the looks each block showed what was known of it."""
    brightness: float
    """0–255."""
    looks: int
    """How many there were."""

    @classmethod
    def nothing(cls, like: Edges) -> "_Background":
        return cls(np.zeros_like(like), np.zeros(len(like), np.float32), 0.0, 0)

    def after(self, edges: Edges, brightness: float, memory: int) -> "_Background":
        """Return this with one look more; the last `memory` of them count."""
        looks = self.looks + 1
        weight = np.float32(1 / min(looks, memory))
        mean = self.edges + (edges - self.edges) * weight
        same = (_cosine(edges, mean) > _ALIKE) & (_strength(edges) > _FAINTEST)
        steady = self.steady + (same.astype(np.float32) - self.steady) * weight
        return _Background(mean, steady, self.brightness + (brightness - self.brightness) * float(weight), looks)

    def known(self) -> npt.NDArray[np.bool_]:
        """Return which blocks (blocks,) have edges that stay."""
        return (_strength(self.edges) > _FAINTEST) & (self.steady > _STEADY)

    def share_alike(self, edges: Edges, least_blocks: int) -> float | None:
        """Return in which share of the known blocks that have edges now they are the same; None if nothing is seen."""
        known, strength = self.known(), _strength(edges)
        if known.sum() < least_blocks:
            return None
        seen = known & (strength > _FAINTEST)
        if seen.sum() < least_blocks:
            # Nothing of it is to be seen: dark or covered is for others to say, a bare wall is another scene.
            return 0.0 if strength.max() > _FAINTEST else None
        return float((_cosine(edges, self.edges)[seen] > _ALIKE).mean())


def _strength(edges: Edges) -> Edges:
    return np.asarray(np.sqrt((edges**2).mean(axis=1) * 2), np.float32)


def _cosine(one: Edges, other: Edges) -> Edges:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(lengths, 1e-6), np.float32)
