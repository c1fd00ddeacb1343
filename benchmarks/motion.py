"""Is anybody found later because pictures in which nothing moves are not looked at?

    python -m benchmarks.motion [--clips DIR] [--films N] [--json]

The detector looks at every frame of clips (`clips` in `CAMPUSGATE_DATA`), of the demonstration's walks, and of a face
that grows slowly, each also in flickering light and in the dark; noted is which of them `edge.motion` would have let it
pass over. While somebody is followed, for 0.8 s after the last face, every frame is looked at, as at a gate.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event

import numpy as np

from benchmarks.faces import load_engine
from benchmarks.gate import photographs
from benchmarks.report import Report, budget, present
from campusgate.demo.scenes import FRAMES_PER_SECOND, HEIGHT, Image, Walk, Walker, corridor, hold_up, walk_up
from edge.camera import FileCamera
from edge.motion import MotionWatch
from edge.tracker import TrackPolicy
from models.engine import FaceEngine

_STILL_FRAMES = 30
_SLOWLY = Walk(from_width=12, to_width=150, approach_s=10)
_PATIENCE_S = TrackPolicy().patience


def watch(engine: FaceEngine, frames: Iterable[Image]) -> tuple[int, int, int]:
    """Return how many frames there are, how many of them are looked at, and in how many a face would be missed."""
    motion, seen_at = MotionWatch(), float("-inf")
    count = looked = missed = 0
    for count, image in enumerate(frames, start=1):
        at = count / FRAMES_PER_SECOND
        followed = at - seen_at <= _PATIENCE_S
        is_passed_over = not followed and motion.is_still(image, at)
        found = engine.find(image)
        looked += not is_passed_over
        missed += is_passed_over and bool(found)
        if found and not is_passed_over:
            seen_at = at
        elif not followed and not is_passed_over:
            motion.remember_empty(at)
    return count, looked, missed


def film(walker: Walker) -> Iterator[Image]:
    """Yield an empty corridor, a walk, somebody who comes slowly, and a telephone that is held up."""
    for number, scene in enumerate((walk_up(walker), walk_up(walker, _SLOWLY), hold_up(walker))):
        yield from (corridor(100 * number + seed) for seed in range(_STILL_FRAMES))
        yield from scene


def in_bands(frames: Iterable[Image]) -> Iterator[Image]:
    """Yield frames as a rolling shutter sees them by a lamp on alternating current."""
    rows = np.arange(HEIGHT) / 170
    for number, frame in enumerate(frames):
        light = 1 + 0.12 * np.sin(2 * np.pi * (rows + 0.37 * number))
        yield np.clip(frame * light[:, None, None], 0, 255).astype(np.uint8)


def at_night(frames: Iterable[Image]) -> Iterator[Image]:
    """Yield frames in an eighth of the light, with the noise of a sensor that is turned up."""
    noise = np.random.default_rng(5)
    for frame in frames:
        yield np.clip(frame * 0.12 + 8 + noise.normal(0, 7, frame.shape), 0, 255).astype(np.uint8)


def measure(clips: Path | None, films: int) -> Report:
    """Watch everything."""
    engine, shown = load_engine(), dict[str, Iterable[Image]]()
    for path in sorted(clips.glob("*.mp4")) if clips is not None else ():
        shown[path.stem] = (frame.image for frame in FileCamera(path, real_time=False).frames(Event()))
    for name, photograph in list(photographs().items())[:films]:
        box = engine.detect(photograph)[0].box
        walker = Walker(photograph, (box.left, box.top, box.width, box.height))
        shown |= {
            f"film of {name}": film(walker),
            f"film of {name}, flickering": in_bands(film(walker)),
            f"film of {name}, at night": at_night(film(walker)),
        }
    found = {name: watch(engine, frames) for name, frames in shown.items()}
    figures = {
        name: {"frames": count, "looked_at": looked, "missed": missed}
        for name, (count, looked, missed) in found.items()
    }
    missed = sum(one[2] for one in found.values())
    return Report("motion", figures, [budget("frames in which a face is missed", missed, "at most", 0)])


def main() -> int:
    """Read the arguments, run, print."""
    clips = Path(os.environ.get("CAMPUSGATE_DATA", "")) / "clips"
    parser = argparse.ArgumentParser(prog="benchmarks.motion", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=Path, default=clips if clips.is_dir() else None)
    parser.add_argument("--films", type=int, default=2, help="how many people of the demonstration walk")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return present(measure(arguments.clips, arguments.films), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
