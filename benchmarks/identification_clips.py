"""1:N at a gate: single frames against the vote over a track, on clips, among people enrolled from photographs.

Somebody is enrolled from the first frame of `live.mp4`; the rest of the clip are their passages, each of 1.2 seconds.
The people of `several-people.mp4`, and the one of `live.mp4` while not enrolled, are strangers. They are few: what is
measured is the difference between a frame and a vote. Frames in which the gate would not let a face vote are left out.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from edge.camera import FileCamera, Frame
from edge.gallery import same_person_for
from edge.matcher import Matcher
from edge.recognition import Recogniser
from edge.search import Search
from edge.vote import IdentificationOutcome
from models.engine import FaceEngine

_EVERY, _STEP_S, _PASSAGE_FRAMES = 3, 0.1, 12
_ENROLLED = UUID(int=2**100)


@dataclass(frozen=True, slots=True)
class Passage:
    """Whom each frame alone would let in (None: nobody), and whom the vote."""

    frames: tuple[UUID | None, ...]
    voted: UUID | None


def stretches(path: Path, *, skip: int = 0) -> Iterator[list[Frame]]:
    """Yield a clip in passages, at ten frames a second."""
    frames = itertools.islice(FileCamera(path, real_time=False).frames(Event()), skip, None, _EVERY)
    numbered = (replace(frame, arrived=number * _STEP_S) for number, frame in enumerate(frames))
    parts = iter(lambda: list(itertools.islice(numbered, _PASSAGE_FRAMES)), [])
    return (part for part in parts if len(part) == _PASSAGE_FRAMES)


def watch(engine: FaceEngine, search: Search, parts: Iterator[list[Frame]]) -> list[Passage]:
    """Look at each passage frame by frame, and as a gate does."""
    seen = []
    for part in parts:
        recogniser = Recogniser(engine, same_person=same_person_for)
        sightings = [recogniser.recognise(frame, search) for frame in part]
        identified = [one.identification for one in sightings if one.identification is not None]
        people = [one.person_id for one in identified if one.outcome is IdentificationOutcome.PERSON]
        voted = people[0] if people else None
        alone = [
            _alone(engine, search, frame)
            for frame, sighting in zip(part, sightings, strict=True)
            if sighting.face is not None and sighting.obstacle is None
        ]
        if alone:
            seen.append(Passage(tuple(alone), voted))
    return seen


def _alone(engine: FaceEngine, search: Search, frame: Frame) -> UUID | None:
    face = engine.detect(frame.image)[:1]
    match, threshold = search.match(search.embed(frame.image, face[0]))
    return match.person_id if match.score >= threshold else None


def on_clips(
    engine: FaceEngine, people: Sequence[UUID], gallery: npt.NDArray[np.float32], clips: Path, threshold: float
) -> dict[str, Any]:
    """Return the error rates of single frames and of votes at the gate's threshold."""
    first = next(FileCamera(clips / "live.mp4", real_time=False).frames(Event())).image
    template = engine.embed(first, engine.detect(first)[:1], thorough=True)
    known = Search.of_one_model(engine, Matcher([*people, _ENROLLED], np.vstack([gallery, template])), threshold)
    unknown = Search.of_one_model(engine, Matcher(people, gallery), threshold)
    mated = watch(engine, known, stretches(clips / "live.mp4", skip=15))
    strangers = [
        *watch(engine, unknown, stretches(clips / "live.mp4", skip=15)),
        *watch(engine, unknown, stretches(clips / "several-people.mp4")),
    ]
    return {
        "people": len(people) + 1,
        "threshold": threshold,
        "mated_frames": sum(len(passage.frames) for passage in mated),
        "mated_passages": len(mated),
        "fnir_frame": _share(one != _ENROLLED for passage in mated for one in passage.frames),
        "fnir_vote": _share(passage.voted != _ENROLLED for passage in mated),
        "stranger_frames": sum(len(passage.frames) for passage in strangers),
        "stranger_passages": len(strangers),
        "fpir_frame": _share(one is not None for passage in strangers for one in passage.frames),
        "fpir_vote": _share(passage.voted is not None for passage in strangers),
    }


def _share(values: Iterator[bool]) -> float:
    return float(np.mean(list(values)))
