"""The sequences of frames that `benchmarks.liveness` looks at, and what a gate sees in each frame.

A set is a folder with `live/` and one folder for each kind of attack, named after it. Each holds frames named
SESSION_NUMBER.jpg, or clips, which are cut into stretches of the vote's length.
"""

import itertools
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import cv2
import numpy as np

from benchmarks.faces import load_engine
from benchmarks.report import progress
from campusgate.settings import Settings
from edge.camera import FileCamera
from edge.liveness import Evidence, LivenessPolicy
from edge.spoof_cues import TrackCues
from enrollment.photo import decode
from models.box import Box
from models.engine import FaceEngine
from models.liveness import LivenessModel
from models.pixels import Image
from models.store import ModelError, ModelStore

CLIPS = {".avi", ".mkv", ".mov", ".mp4", ".webm"}
PICTURES = {".jpg", ".jpeg", ".png"}
LIVE = "live"
"""The folder of living people in a set."""
_EVERY = 3
"""Of a clip, every third frame: a gate sees about ten a second."""
_CLIP_STEP_S, _PICTURE_STEP_S = 0.1, 0.5
_TURNED = 12
"""Living people of a set who are shown as a turned flat picture."""
_TURN_FRAMES, _MOST_TURN = 12, 20.0
_FOCAL = 600.0

Sequences = list[list[Evidence | None]]
"""One list for each sequence of frames; None for a frame without a face."""


@dataclass(slots=True)
class Watch:
    """Engine, networks and cues together, and the time that each takes."""

    engine: FaceEngine
    networks: LivenessModel
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"networks": [], "cues": []})

    @classmethod
    def load(cls, *, second_opinions: bool = True) -> "Watch":
        """Load the installed networks, or the default one alone; ends the program when that is missing."""
        settings = Settings()
        engine = load_engine()
        try:
            store = ModelStore(settings.cache_dir, settings.model_mirror)
            return cls(engine, LivenessModel.load(store, second_opinions=second_opinions))
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


def look_at_set(watch: Watch, folder: Path) -> dict[str, Sequences]:
    """Return the sequences of each kind of presentation in a set, by the names of its folders."""
    kinds = sorted(one for one in folder.iterdir() if one.is_dir())
    found = {one.name: look_at_folder(watch, one) for one in kinds}
    return {name: sequences for name, sequences in found.items() if sequences}


def look_at_folder(watch: Watch, folder: Path) -> Sequences:
    """Look at the frames and the clips of one kind of presentation."""
    groups = sessions(folder)
    sequences = [
        watch.see((decode(path).image for path in group), _PICTURE_STEP_S) for group in progress(groups, folder.name)
    ]
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in CLIPS:
            sequences += look_at_clip(watch, path)
    return sequences


def look_at_clip(watch: Watch, path: Path) -> Sequences:
    """Look at a clip, cut into stretches of the vote's length."""
    frames = itertools.islice(FileCamera(path, real_time=False).frames(Event()), 0, None, _EVERY)
    length = LivenessPolicy().window
    images = (frame.image for frame in progress(frames, path.stem))
    stretches = iter(lambda: list(itertools.islice(images, length)), [])
    return [watch.see(stretch, _CLIP_STEP_S) for stretch in stretches if len(stretch) == length]


def sessions(folder: Path) -> list[list[Path]]:
    """Return the frames of each session, in order.

    Frames in a folder of their own with names that are numbers are one session as well.
    """
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.rglob("*"):
        if path.suffix.lower() not in PICTURES:
            continue
        match = re.fullmatch(r"(?:(.*)[_-])?(\d+)", path.stem)
        if match is None:
            sys.exit(f"{path} is not named SESSION_NUMBER.jpg")
        session = f"{path.parent.relative_to(folder)}/{match[1] or ''}"
        found.setdefault(session, []).append((int(match[2]), path))
    return [[path for _, path in sorted(frames)] for _, frames in sorted(found.items())]


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
