"""Liveness: attacks let in (APCER) and people turned away (BPCER), by each cue alone and by the gate's vote over all.

    python -m benchmarks.liveness [--nuaa DIR] [--clips DIR] [--json]

`--nuaa` holds `live/` and `print/` with frames named SUBJECT-SUBJECT_…_NUMBER.jpg; `--clips` holds `live.mp4`,
`several-people.mp4` (living people) and `replay.mp4` (a screen). Without them `CAMPUSGATE_DATA` names their parent.
APCER and BPCER are those of ISO/IEC 30107-3; a face that is not found counts as turned away and as not let in.

One attack is made here and called so: frames of NUAA's living people, turned in space as a flat picture is in a hand.
Its picture has no edge in view and no texture of a print: only the cue of the plane can notice it.
"""

import argparse
import itertools
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np

from benchmarks.faces import load_engine
from benchmarks.report import Report, budget, present, progress
from campusgate.settings import Settings
from edge.camera import FileCamera
from edge.liveness import Cue, Evidence, Liveness, LivenessPolicy, LivenessVote
from edge.spoof_cues import TrackCues
from enrollment.photo import decode
from models.box import Box
from models.engine import FaceEngine
from models.liveness import LivenessModel
from models.pixels import Image
from models.store import ModelError, ModelStore

_EVERY = 3
"""Of a clip, every third frame: a gate sees about ten a second."""
_CLIP_STEP_S, _NUAA_STEP_S = 0.1, 0.5
_TURNED = 12
"""Living people of NUAA who are shown as a turned flat picture."""
_TURN_FRAMES, _MOST_TURN = 12, 20.0
_FOCAL = 600.0
_NOT_TESTED = (
    "masks and heads in three dimensions; cut-out or bent prints; other screens and distances than the one clip's; "
    "telephones and tablets in a hand; a video that fills the view (only the networks judge it); "
    "pictures fed in instead of the camera's, which no look at a picture can tell"
)

Sequences = list[list[Evidence | None]]
"""One list for each sequence of frames; None for a frame without a face."""


@dataclass(slots=True)
class Watch:
    """Engine, networks and cues together, and the time that each takes."""

    engine: FaceEngine
    networks: LivenessModel
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"networks": [], "cues": []})

    @classmethod
    def load(cls) -> "Watch":
        """Load the installed networks; ends the program when one is missing."""
        settings = Settings()
        engine = load_engine()
        try:
            return cls(engine, LivenessModel(ModelStore(settings.cache_dir, settings.model_mirror)))
        except ModelError as error:
            sys.exit(str(error))

    def see(self, frames: Iterable[Image], step: float) -> list[Evidence | None]:
        """Return what each frame of one sequence says of its largest face."""
        cues = TrackCues()
        found: list[Evidence | None] = []
        for number, image in enumerate(frames):
            faces = self.engine.detect(image)
            if not faces:
                found.append(None)
                continue
            begun = time.perf_counter()
            evidence = cues.read(image, faces[0], number * step)
            between = time.perf_counter()
            score = self.networks.score(image, faces[0])
            self.seconds["cues"].append(between - begun)
            self.seconds["networks"].append(time.perf_counter() - between)
            found.append(replace(evidence, score=score))
        return found


def sessions(folder: Path) -> list[list[Path]]:
    """Return the frames of each subject and session, in order."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.rglob("*.jpg"):
        name, _, number = path.stem.rpartition("_")
        if not re.fullmatch(r"\d+", number):
            sys.exit(f"{path} is not named SUBJECT_…_NUMBER.jpg")
        found.setdefault(name, []).append((int(number), path))
    return [[path for _, path in sorted(frames)] for _, frames in sorted(found.items())]


def photographs(watch: Watch, folder: Path, what: str) -> Sequences:
    """Look at a folder of frames."""
    return [
        watch.see((decode(path).image for path in group), _NUAA_STEP_S) for group in progress(sessions(folder), what)
    ]


def clip(watch: Watch, path: Path) -> Sequences:
    """Look at a clip, cut into stretches of the vote's length."""
    frames = itertools.islice(FileCamera(path, real_time=False).frames(Event()), 0, None, _EVERY)
    length = LivenessPolicy().window
    images = (frame.image for frame in progress(frames, path.stem))
    stretches = iter(lambda: list(itertools.islice(images, length)), [])
    return [watch.see(stretch, _CLIP_STEP_S) for stretch in stretches if len(stretch) == length]


def turned_pictures(watch: Watch, folder: Path) -> Sequences:
    """Look at frames of living people that are turned in space as flat pictures."""
    chosen = [group[0] for group in sessions(folder)]
    chosen = chosen[:: max(1, len(chosen) // _TURNED)][:_TURNED]
    sequences: Sequences = []
    for seed, path in enumerate(progress(chosen, "turned pictures")):
        image = decode(path).image
        faces = watch.engine.detect(image)
        if faces:
            sequences.append(watch.see(turned(image, faces[0].box, seed), _CLIP_STEP_S))
    return sequences


def turned(image: Image, box: Box, seed: int) -> Iterator[Image]:
    """Yield the picture as a hand turns it: slowly, up to 20 degrees each way, with a sensor's noise."""
    noise = np.random.default_rng(seed)
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    away = _FOCAL / 140
    phases = noise.uniform(0, 2 * np.pi, 2)
    for step in range(_TURN_FRAMES):
        yaw, pitch = np.radians(_MOST_TURN) * np.sin(2 * np.pi * step / _TURN_FRAMES + phases)
        turn = cv2.Rodrigues(np.array([0, yaw, 0]))[0] @ cv2.Rodrigues(np.array([pitch, 0, 0]))[0]
        flat = np.column_stack([(corners - np.array(box.centre)) / box.width, np.zeros(4)])
        space = flat @ turn.T + np.array([0, 0, away])
        seen = (space[:, :2] / space[:, 2:] * _FOCAL + np.array([320, 220])).astype(np.float32)
        frame = cv2.warpPerspective(
            image, cv2.getPerspectiveTransform(corners, seen), (640, 480), borderMode=cv2.BORDER_REPLICATE
        )
        yield np.clip(frame + noise.normal(0, 2, frame.shape), 0, 255).astype(np.uint8)


Filter = Callable[[Evidence], Evidence]

JUDGES: dict[str, Filter] = {
    Cue.TEXTURE.value: lambda seen: Evidence(score=seen.score),
    Cue.BORDER.value: lambda seen: Evidence(border=seen.border),
    Cue.MOIRE.value: lambda seen: Evidence(moire=seen.moire),
    Cue.PLANE.value: lambda seen: Evidence(flatness=seen.flatness),
    "cues_without_networks": lambda seen: replace(seen, score=None),
    "fused": lambda seen: seen,
}
"""Each cue alone, the cues of a gate without the networks' weights, and all together."""


def long_enough(sequences: Sequences) -> Sequences:
    """Return the sequences in which the vote can be settled at all."""
    return [frames for frames in sequences if len(frames) >= LivenessPolicy().needed]


def standings_of(frames: list[Evidence | None], judge: Filter) -> list[Liveness]:
    """Return what the vote says after each frame with a face. Its time counts as long as it needs to be."""
    vote = LivenessVote(replace(LivenessPolicy(), least_time=0.0, unseen_time=0.0))
    return [vote.cast(judge(seen)) for seen in frames if seen is not None]


def let_in(sequences: Sequences, judge: Filter = JUDGES["fused"]) -> Iterator[bool]:
    """Yield, for each sequence long enough to vote, whether the gate ever holds this for a living face."""
    for frames in long_enough(sequences):
        yield Liveness.LIVE in standings_of(frames, judge)


def believed(sequences: Sequences, judge: Filter) -> Iterator[bool]:
    """Yield whether a sequence ends as a living face: for cues that need time to see anything."""
    for frames in long_enough(sequences):
        standings = standings_of(frames, judge)
        yield bool(standings) and standings[-1] is Liveness.LIVE


def share(values: Iterable[bool]) -> float:
    """Return the share of True."""
    return float(np.mean(list(values)))


def scores_of(sequences: Sequences) -> np.ndarray:
    """Return the networks' score of every frame, -1 without a face."""
    return np.array([-1.0 if seen is None else seen.score for frames in sequences for seen in frames], float)


def operating_points(genuine: np.ndarray, attacks: np.ndarray) -> dict[str, float]:
    """Return single-frame figures of a score that is high for the living.

    Equal error rate, and APCER where BPCER is 1 and 5 per cent.
    """
    genuine, attacks = np.sort(genuine), np.sort(attacks)
    limits = np.unique(np.concatenate([genuine, attacks, [attacks.max() + 1, genuine.max() + 1]]))
    bpcer = np.searchsorted(genuine, limits) / len(genuine)
    apcer = 1 - np.searchsorted(attacks, limits) / len(attacks)
    nearest = int(np.abs(bpcer - apcer).argmin())
    points = {"eer": float((bpcer[nearest] + apcer[nearest]) / 2)}
    for wanted in (0.01, 0.05):
        points[f"apcer_at_bpcer_{wanted:g}"] = float(apcer[bpcer <= wanted].min())
    return points


def frame_points(live: Sequences, attack: Sequences) -> dict[str, dict[str, float]]:
    """Return the single-frame figures of the networks and of each cue that judges one frame."""

    def values(sequences: Sequences, name: str) -> np.ndarray:
        return np.array([-(getattr(seen, name) or 0.0) for frames in sequences for seen in frames if seen is not None])

    points = {Cue.TEXTURE.value: operating_points(scores_of(live), scores_of(attack))}
    for cue in (Cue.BORDER.value, Cue.MOIRE.value):
        points[cue] = operating_points(values(live, cue), values(attack, cue))
    return points


def summary(kind: str, sequences: Sequences) -> dict[str, Any]:
    """Return the error of one kind of presentation; `kind` is live or an attack."""
    frames = scores_of(sequences)
    counts = {"frames": len(frames), "sequences": len(long_enough(sequences))}
    limit = LivenessPolicy().least_score
    if kind == "live":
        by_cue = {name: 1 - share(let_in(sequences, judge)) for name, judge in JUDGES.items()}
        turned_away = {name: 1 - share(believed(sequences, judge)) for name, judge in JUDGES.items()}
        return counts | {
            "bpcer_frame": share(frames < limit),
            "bpcer_vote": by_cue["fused"],
            "bpcer_by_cue": by_cue,
            "doubted_at_the_end_by_cue": turned_away,
        }
    by_cue = {name: share(let_in(sequences, judge)) for name, judge in JUDGES.items()}
    at_the_end = {name: share(believed(sequences, judge)) for name, judge in JUDGES.items()}
    return counts | {
        "apcer_frame": share(frames >= limit),
        "apcer_vote": by_cue["fused"],
        "apcer_by_cue": by_cue,
        "believed_at_the_end_by_cue": at_the_end,
    }


def run(nuaa: Path, clips: Path) -> Report:
    """Look at everything and judge it as the gate would."""
    watch = Watch.load()
    live, print_ = photographs(watch, nuaa / "live", "live"), photographs(watch, nuaa / "print", "prints")
    webcam, scene = clip(watch, clips / "live.mp4"), clip(watch, clips / "several-people.mp4")
    screen = clip(watch, clips / "replay.mp4")
    figures: dict[str, Any] = {
        "least_score": LivenessPolicy().least_score,
        "live_nuaa": summary("live", live),
        "live_clip": summary("live", webcam),
        "live_scene": summary("live", scene),
        "print": summary("print", print_),
        "screen": summary("screen", screen),
        "turned_picture_made_here": summary("turned", turned_pictures(watch, nuaa / "live")),
        "print_frames": frame_points(live, print_),
        "screen_frames": frame_points([*live, *webcam], screen),
        "milliseconds": {what: 1000 * float(np.median(taken)) for what, taken in watch.seconds.items()},
        "not_tested": _NOT_TESTED,
    }
    with_cues, without = figures["live_nuaa"]["bpcer_by_cue"]["fused"], figures["live_nuaa"]["bpcer_by_cue"]["texture"]
    return Report(
        "liveness",
        figures,
        [
            budget("prints let in by the vote, APCER,", figures["print"]["apcer_vote"], "at most", 0.02),
            budget("screens let in by the vote, APCER,", figures["screen"]["apcer_vote"], "at most", 0.02),
            budget("people turned away by the vote, BPCER,", figures["live_nuaa"]["bpcer_vote"], "at most", 0.05),
            budget("people whom the cues add to those, BPCER,", with_cues - without, "at most", 0.01),
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
