"""What one frame of a gate's camera takes, by its parts: `python -m benchmarks.frame [--clip FILE] [--json]`.

Frames of a film at 640 × 480 that show somebody, each looked at as the edge looks at one it votes on: faces found, the
nearest measured, its template made and searched among 3,000, the face checked for being alive. Processor time on one
thread, the median over the frames.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import cv2
import numpy as np

from benchmarks.faces import load_engine, open_store
from benchmarks.report import Report, present
from edge.matcher import Matcher
from edge.spoof_cues import TrackCues
from models.liveness import LivenessModel
from models.pixels import Image

_SIZE = 640, 480
_PEOPLE = 3_000
Result = TypeVar("Result")


def main() -> int:
    """Read the arguments, run, print."""
    clip = Path(os.environ.get("CAMPUSGATE_DATA", "data")) / "clips" / "live.mp4"
    parser = argparse.ArgumentParser(prog="benchmarks.frame", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clip", type=Path, default=clip, help="a film of one person before a camera")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    frames = read_frames(given.clip, given.frames)
    if not frames:
        parser.error(f"{given.clip} is no film that can be read: give one with --clip")
    return present(measure(frames), as_json=given.json)


def read_frames(clip: Path, count: int) -> list[Image]:
    """Return the first frames of a film, RGB, at the size of a gate's camera."""
    capture, frames = cv2.VideoCapture(str(clip)), list[Image]()
    while len(frames) < count:
        read, picture = capture.read()
        if not read:
            break
        frames.append(np.asarray(cv2.cvtColor(cv2.resize(picture, _SIZE), cv2.COLOR_BGR2RGB), np.uint8))
    capture.release()
    return frames


def measure(frames: list[Image]) -> Report:
    """Time each part of the work on each frame."""
    engine = load_engine(threads=1)
    liveness = LivenessModel.load(open_store(), threads=1)
    vectors = np.random.default_rng(0).standard_normal((_PEOPLE, engine.dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    matcher, cues = Matcher([UUID(int=number) for number in range(_PEOPLE)], vectors), TrackCues()
    taken: dict[str, list[float]] = {}

    def timed(part: str, work: Callable[[], Result]) -> Result:
        begun = time.process_time()
        result = work()
        taken.setdefault(part, []).append(1000 * (time.process_time() - begun))
        return result

    for number, frame in enumerate(frames):
        found = timed("finding_faces", lambda frame=frame: engine.find(frame))  # type: ignore[misc]
        if not found:
            continue
        face = timed("landmarks_pose_hints", lambda frame=frame, found=found: engine.describe(frame, found[:1]))[0]  # type: ignore[misc]
        probe = timed("template", lambda frame=frame, face=face: engine.embed(frame, [face]))  # type: ignore[misc]
        timed("search", lambda probe=probe: matcher.match(probe))  # type: ignore[misc]
        timed("cues", lambda frame=frame, face=face, at=number / 20: cues.read(frame, face, at))  # type: ignore[misc]
        timed("liveness_networks", lambda frame=frame, face=face: liveness.score(frame, face))  # type: ignore[misc]
    medians = {part: statistics.median(values) for part, values in taken.items()}
    total = sum(medians.values())
    figures: dict[str, Any] = {f"{part}_ms": value for part, value in medians.items()}
    shares = {part: f"{value / total:.0%}" for part, value in medians.items()}
    return Report("frame", {**figures, "frame_ms": total, "shares": shares}, [])


if __name__ == "__main__":
    sys.exit(main())
