"""Liveness: attacks let in (APCER) and people turned away (BPCER), for one frame and for the gate's vote over frames.

    python -m benchmarks.liveness [--nuaa DIR] [--clips DIR] [--json]

`--nuaa` holds `live/` and `print/` with frames named SUBJECT-SUBJECT_…_NUMBER.jpg; `--clips` holds `live.mp4`,
`several-people.mp4` (living people) and `replay.mp4` (a screen). Without them `CAMPUSGATE_DATA` names their parent.
APCER and BPCER are those of ISO/IEC 30107-3; a face that is not found counts as turned away and as not let in.
"""

import argparse
import itertools
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from benchmarks.faces import load_engine
from benchmarks.report import Report, budget, present, progress
from campusgate.settings import Settings
from edge.camera import FileCamera
from edge.liveness import Liveness, LivenessPolicy, LivenessVote
from enrollment.photo import decode
from models.engine import FaceEngine
from models.liveness import LivenessModel
from models.pixels import Image
from models.store import ModelError, ModelStore

_EVERY = 3
"""Of a clip, every third frame: a gate sees about ten a second."""
_NOT_TESTED = (
    "masks and heads in three dimensions; cut-out or bent prints; other screens and distances than the one clip's; "
    "pictures fed in instead of the camera's, which no look at a picture can tell"
)

Sequences = list[list[float]]
"""One list of scores for each sequence of frames; a frame without a face scores -1."""


class Judge:
    """Engine and liveness model together."""

    def __init__(self) -> None:
        settings = Settings()
        self._engine: FaceEngine = load_engine()
        try:
            self._model = LivenessModel(ModelStore(settings.cache_dir, settings.model_mirror))
        except ModelError as error:
            sys.exit(str(error))

    def score(self, image: Image) -> float:
        """Return the score of the largest face, -1 without one."""
        faces = self._engine.detect(image)
        return self._model.score(image, faces[0]) if faces else -1.0


def sessions(folder: Path) -> list[list[Path]]:
    """Return the frames of each subject and session, in order."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.rglob("*.jpg"):
        name, _, number = path.stem.rpartition("_")
        if not re.fullmatch(r"\d+", number):
            sys.exit(f"{path} is not named SUBJECT_…_NUMBER.jpg")
        found.setdefault(name, []).append((int(number), path))
    return [[path for _, path in sorted(frames)] for _, frames in sorted(found.items())]


def photographs(judge: Judge, folder: Path, what: str) -> Sequences:
    """Score a folder of frames."""
    groups = sessions(folder)
    flat = iter([judge.score(decode(path).image) for path in progress(list(itertools.chain(*groups)), what)])
    return [list(itertools.islice(flat, len(group))) for group in groups]


def clip(judge: Judge, path: Path) -> Sequences:
    """Score a clip, cut into stretches of the vote's length."""
    frames = itertools.islice(FileCamera(path, real_time=False).frames(Event()), 0, None, _EVERY)
    scores = [judge.score(frame.image) for frame in progress(frames, path.stem)]
    length = LivenessPolicy().window
    return [scores[start : start + length] for start in range(0, len(scores) - length + 1, length)]


def long_enough(sequences: Sequences) -> Sequences:
    """Return the sequences in which the vote can be settled at all."""
    return [scores for scores in sequences if len(scores) >= LivenessPolicy().needed]


def let_in(sequences: Sequences) -> Iterator[bool]:
    """Yield, for each sequence long enough to vote, whether the gate ever holds this for a living face."""
    policy = LivenessPolicy()
    for scores in long_enough(sequences):
        vote = LivenessVote(policy)
        standings = [vote.cast(score) for score in scores if score >= 0]
        yield Liveness.LIVE in standings


def turned_away(sequences: Sequences) -> Iterator[bool]:
    """Yield, for each sequence, whether the vote never says so."""
    return (not inside for inside in let_in(sequences))


def share(values: Iterable[bool]) -> float:
    """Return the share of True."""
    return float(np.mean(list(values)))


def operating_points(live: Sequences, attack: Sequences) -> dict[str, float]:
    """Return single-frame figures: equal error rate, and APCER where BPCER is 1 and 5 per cent."""
    genuine, attacks = np.sort(np.concatenate([*live])), np.sort(np.concatenate([*attack]))
    limits = np.unique(np.concatenate([genuine, attacks, [1.0 + 1e-6]]))
    bpcer = np.searchsorted(genuine, limits) / len(genuine)
    apcer = 1 - np.searchsorted(attacks, limits) / len(attacks)
    nearest = int(np.abs(bpcer - apcer).argmin())
    points = {"eer": float((bpcer[nearest] + apcer[nearest]) / 2)}
    for wanted in (0.01, 0.05):
        points[f"apcer_at_bpcer_{wanted:g}"] = float(apcer[bpcer <= wanted].min())
    return points


def summary(kind: str, sequences: Sequences) -> dict[str, float]:
    """Return the error of one kind of presentation; `kind` is live or an attack."""
    limit = LivenessPolicy().least_score
    frames = np.concatenate([*sequences])
    if kind == "live":
        return {
            "frames": len(frames),
            "bpcer_frame": share(frames < limit),
            "sequences": len(long_enough(sequences)),
            "bpcer_vote": share(turned_away(sequences)),
        }
    return {
        "frames": len(frames),
        "apcer_frame": share(frames >= limit),
        "sequences": len(long_enough(sequences)),
        "apcer_vote": share(let_in(sequences)),
    }


def run(nuaa: Path, clips: Path) -> Report:
    """Score everything and judge it as the gate would."""
    judge = Judge()
    live, print_ = photographs(judge, nuaa / "live", "live"), photographs(judge, nuaa / "print", "prints")
    webcam, scene = clip(judge, clips / "live.mp4"), clip(judge, clips / "several-people.mp4")
    screen = clip(judge, clips / "replay.mp4")
    figures: dict[str, Any] = {
        "least_score": LivenessPolicy().least_score,
        "live_nuaa": summary("live", live),
        "live_clip": summary("live", webcam),
        "live_scene": summary("live", scene),
        "print": summary("print", print_),
        "screen": summary("screen", screen),
        "print_frames": operating_points(live, print_),
        "not_tested": _NOT_TESTED,
    }
    return Report(
        "liveness",
        figures,
        [
            budget("prints let in by the vote, APCER,", figures["print"]["apcer_vote"], "at most", 0.02),
            budget("screens let in by the vote, APCER,", figures["screen"]["apcer_vote"], "at most", 0.02),
            budget("people turned away by the vote, BPCER,", figures["live_nuaa"]["bpcer_vote"], "at most", 0.05),
        ],
    )


def main() -> int:
    """Read the arguments, run, print."""
    data = Path(os.environ.get("CAMPUSGATE_DATA", "."))
    parser = argparse.ArgumentParser(prog="benchmarks.liveness", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nuaa", type=Path, default=data / "nuaa")
    parser.add_argument("--clips", type=Path, default=data / "clips")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for folder in (arguments.nuaa / "live", arguments.nuaa / "print", arguments.clips):
        if not folder.is_dir():
            parser.error(f"{folder} is not there: give --nuaa and --clips, or their parent in CAMPUSGATE_DATA")
    return present(run(arguments.nuaa, arguments.clips), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
