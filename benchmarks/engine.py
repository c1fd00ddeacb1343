"""The face engine against `face_recognition`, on the same frame in turn: where is the face, and who is it?

    python -m benchmarks.engine [--image FILE] [--threads N] [--json]

Ours is detection, landmarks, hints of quality and embedding; theirs `face_locations` (HOG, as is its default) and
`face_encodings`. Each is run as it stands, alternating, and the ratio is the median of the rounds': what else the
machine does for a while meets both. The default frame is the demonstration's: one person at the gate, 640 × 480.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.faces import load_engine
from benchmarks.report import Report, budget, present, progress
from campusgate.demo.photographs import fetch_photographs
from campusgate.settings import Settings
from enrollment.photo import decode
from models.engine import FaceEngine
from models.pixels import Image

_WIDTH, _HEIGHT = 640, 480
_ROUNDS = 40
_WARM_UP = 3


def frame_of(photo: Path) -> Image:
    """Return the photograph as a camera at the gate would show it: filling a frame of 640 × 480, black beside it."""
    image = decode(photo).image
    height, width = image.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height)
    small = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    frame = np.zeros((_HEIGHT, _WIDTH, 3), np.uint8)
    top, left = (_HEIGHT - small.shape[0]) // 2, (_WIDTH - small.shape[1]) // 2
    frame[top : top + small.shape[0], left : left + small.shape[1]] = small
    return frame


def face_recognition() -> Any:
    """Import the package, which still asks for `pkg_resources`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)
        import face_recognition as package
    return package


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return milliseconds and the result."""
    start = time.perf_counter()
    result = call()
    return 1e3 * (time.perf_counter() - start), result


def stages(engine: FaceEngine, frame: Image) -> tuple[float, float, int]:
    """Return the milliseconds of finding and of embedding the faces, and how many there are."""
    finding, faces = timed(lambda: engine.detect(frame))
    embedding, _ = timed(lambda: engine.embed(frame, faces))
    return finding, embedding, len(faces)


def run(photo: Path | None, threads: int) -> Report:
    """Time both engines in turn."""
    if photo is None:
        settings = Settings()
        folder = settings.cache_dir / "photographs"
        folder.mkdir(parents=True, exist_ok=True)
        photo = fetch_photographs(folder, mirror=settings.model_mirror)["wang"]
    frame = frame_of(photo)
    engine, peer = load_engine(threads=threads), face_recognition()
    finding, embedding, theirs = [], [], []
    for round_ in progress(range(_WARM_UP + _ROUNDS), "frames"):
        find_ms, embed_ms, count = stages(engine, frame)
        peer_ms, encodings = timed(lambda: peer.face_encodings(frame, peer.face_locations(frame)))
        if count == 0 or len(encodings) == 0:
            sys.exit(
                f"{photo}: {'our engine' if count == 0 else 'face_recognition'} finds no face; give another --image"
            )
        if round_ >= _WARM_UP:
            finding.append(find_ms)
            embedding.append(embed_ms)
            theirs.append(peer_ms)
    ours = np.add(finding, embedding)
    ours_ms, peer_ms = float(np.median(ours)), float(np.median(theirs))
    ratio = float(np.median(np.divide(theirs, ours)))
    return Report(
        "engine",
        {
            "frame_ms": ours_ms,
            "frame_ms_p95": float(np.quantile(ours, 0.95)),
            "detect_and_landmarks_ms": float(np.median(finding)),
            "embed_ms": float(np.median(embedding)),
            "faces": count,
            "model": engine.model_id,
            "threads": threads,
        },
        budgets=[budget("face_recognition's time / ours", ratio, "at least", 12.0)],
        peers={"face_recognition": {"frame_ms": peer_ms, "faces": len(encodings)}},
        ratios={"face_recognition": ratio},
    )


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.engine", description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, help="a photograph with one face instead of the demonstration's")
    parser.add_argument("--threads", type=int, default=0, help="threads of our engine; 0 = one for each core")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return present(run(arguments.image, arguments.threads), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
