"""What is wrong with a camera's view: covered, frozen, out of focus, or another one. Pure; time is an argument."""

import zlib
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from edge.camera.scene import Edges, SceneLimits, SceneWatch, edges_of

_STEP = 4
_HEIGHT = 240
_BLOCKS = (6, 8)
_NOISY = 0.5
"""Share of the blocks that change between any two looks at a sensor's noise; the others may be burnt out or black."""


class Condition(StrEnum):
    """How the view is."""

    GOOD = "good"
    COVERED = "covered"
    FROZEN = "frozen"
    OUT_OF_FOCUS = "out_of_focus"
    MOVED_OR_REPLACED = "moved_or_replaced"
    UPSIDE_DOWN = "upside_down"
    SIDEWAYS = "sideways"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A frame's measures."""

    digests: tuple[int, ...]
    """Of every fourth pixel as it came, one for each block of the picture."""
    brightness: float
    """Mean of the grey picture, 0–255."""
    contrast: float
    """Its standard deviation."""
    detail: float
    """Variance of its Laplacian over its own variance, so that light and contrast cancel out."""
    edges: Edges
    """As in `edge.camera.scene`."""


def measure_view(image: npt.NDArray[np.uint8]) -> View:
    """Measure one RGB picture; one to two milliseconds at 640 × 480."""
    scale = _HEIGHT / image.shape[0]
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    variance = float(grey.var())
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).var()) / (variance + 1.0)
    return View(_digests(image), float(grey.mean()), variance**0.5, detail, edges_of(np.asarray(small, np.uint8)))


def _digests(image: npt.NDArray[np.uint8]) -> tuple[int, ...]:
    rows = np.array_split(image[::_STEP, ::_STEP], _BLOCKS[0])
    blocks = [block for row in rows for block in np.array_split(row, _BLOCKS[1], axis=1)]
    return tuple(zlib.crc32(block.tobytes()) for block in blocks)


@dataclass(frozen=True, slots=True)
class ConditionLimits:
    """When a view counts as bad, and how long it must have been.

    A covered lens is dark or without structure. Focus is judged against the camera's own best view, because the
    detail of a sharp picture depends on the scene: `least_detail` is a share of it, and what was best is forgotten
    by half every `memory` seconds. The same pixels prove nothing by themselves: a compressed stream repeats what does
    not move. They are a fault of a picture that was all noise for `noisy_for` seconds just before; `frozen_after` is
    longer than the usual distance of two key frames.
    """

    least_brightness: float = 8.0
    least_contrast: float = 6.0
    least_detail: float = 0.2
    covered_after: float = 2.0
    frozen_after: float = 15.0
    noisy_for: float = 60.0
    unfocused_after: float = 10.0
    moved_after: float = 20.0
    scene: SceneLimits = field(default_factory=SceneLimits)
    memory: float = 6 * 3600.0


class ConditionWatch:
    """Follows the views of one camera."""

    def __init__(self, limits: ConditionLimits | None = None) -> None:
        self._limits = limits or ConditionLimits()
        self._digests: tuple[int, ...] = ()
        self._noisy_since: float | None = None
        self._last_changed = 0.0
        self._best_detail = 0.0
        self._last_at: float | None = None
        self._since: dict[Condition, float] = {}
        self._scene = SceneWatch(self._limits.scene)
        self._moved = False

    def observe(self, view: View, at: float) -> Condition:
        """Return the condition after seeing `view` at the monotonic second `at`."""
        limits = self._limits
        covered = view.brightness < limits.least_brightness or view.contrast < limits.least_contrast
        unfocused = not covered and view.detail < limits.least_detail * self._remember(view.detail, at, covered=covered)
        self._mark(Condition.FROZEN, self._is_stuck(view.digests, at), at)
        self._mark(Condition.COVERED, covered, at)
        self._mark(Condition.OUT_OF_FOCUS, unfocused, at)
        self._mark_scene(None if covered or unfocused else self._scene.is_other(view.edges, view.brightness, at), at)
        for condition, after in (
            (Condition.COVERED, limits.covered_after),
            (Condition.FROZEN, limits.frozen_after),
            (Condition.OUT_OF_FOCUS, limits.unfocused_after),
            (Condition.MOVED_OR_REPLACED, limits.moved_after),
        ):
            since = self._since.get(condition)
            if since is not None and at - since >= after:
                return condition
        return Condition.GOOD

    def _remember(self, detail: float, at: float, *, covered: bool) -> float:
        passed = 0.0 if self._last_at is None else max(0.0, at - self._last_at)
        self._last_at = at
        self._best_detail *= 0.5 ** (passed / self._limits.memory)
        if not covered:
            self._best_detail = max(self._best_detail, detail)
        return self._best_detail

    def _is_stuck(self, digests: tuple[int, ...], at: float) -> bool:
        """Return whether a picture that was all noise does not change any more."""
        before, self._digests = self._digests, digests
        if digests == before:
            noisy = self._noisy_since is not None and self._last_changed - self._noisy_since >= self._limits.noisy_for
            self._noisy_since = self._noisy_since if noisy else None
            return noisy
        changed = sum(old != new for old, new in zip(before, digests, strict=False))
        if Condition.FROZEN in self._since or changed < _NOISY * len(digests):
            self._noisy_since = None
        elif self._noisy_since is None:
            self._noisy_since = at
        self._last_changed = at
        return False

    def _mark_scene(self, other: bool | None, at: float) -> None:
        """Mark another scene. While it cannot be told, what was said stays said, and nothing is added to it."""
        self._mark(Condition.MOVED_OR_REPLACED, self._moved if other is None else other, at)
        self._moved = at - self._since.get(Condition.MOVED_OR_REPLACED, at) >= self._limits.moved_after

    def _mark(self, condition: Condition, holds: bool, at: float) -> None:
        if holds:
            self._since.setdefault(condition, at)
        else:
            self._since.pop(condition, None)
