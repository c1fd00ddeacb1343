"""How often attacks are let in and people turned away (APCER and BPCER of ISO/IEC 30107-3), and how sure that is."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.liveness_sequences import Sequences
from edge.liveness import Cue, Evidence, Liveness, LivenessPolicy, LivenessVote

Scores = npt.NDArray[np.float64]
Judge = Callable[[Evidence], Evidence]

FUSED = "fused"
JUDGES: dict[str, Judge] = {
    Cue.TEXTURE.value: lambda seen: Evidence(score=seen.score),
    Cue.BORDER.value: lambda seen: Evidence(border=seen.border),
    Cue.MOIRE.value: lambda seen: Evidence(moire=seen.moire),
    Cue.PLANE.value: lambda seen: Evidence(flatness=seen.flatness),
    "cues_without_networks": lambda seen: replace(seen, score=None),
    FUSED: lambda seen: seen,
}
"""Each cue alone, the cues of a gate without the networks, and all together."""
_NORMAL_95 = 1.96
_OPERATING_POINTS = (0.01, 0.05)


def interval(hits: int, trials: int) -> list[float]:
    """Return the 95 % interval of a share (Wilson's score interval).

    Where nothing or everything was hit, the other end is that of the rule of three: 3 / trials.
    """
    if trials == 0:
        return [0.0, 1.0]
    if hits in {0, trials}:
        reach = min(1.0, 3 / trials)
        return [0.0, reach] if hits == 0 else [1.0 - reach, 1.0]
    share, z = hits / trials, _NORMAL_95
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return [middle - reach, middle + reach]


def long_enough(sequences: Sequences) -> Sequences:
    """Return the sequences in which the vote can be settled at all."""
    return [frames for frames in sequences if len(frames) >= LivenessPolicy().needed]


def standings_of(frames: Iterable[Evidence | None], judge: Judge) -> list[Liveness]:
    """Return what the vote says after each frame with a face. Its time counts as long as it needs to be."""
    vote = LivenessVote(replace(LivenessPolicy(), least_time=0.0, unseen_time=0.0))
    return [vote.cast(judge(seen)) for seen in frames if seen is not None]


def count_let_in(sequences: Sequences, judge: Judge) -> int:
    """Return in how many sequences the gate ever holds this for a living face."""
    return sum(Liveness.LIVE in standings_of(frames, judge) for frames in sequences)


def count_believed(sequences: Sequences, judge: Judge) -> int:
    """Return how many sequences end as a living face: for cues that need time to see anything."""
    return sum(standings_of(frames, judge)[-1:] == [Liveness.LIVE] for frames in sequences)


def summarise(sequences: Sequences, *, living: bool) -> dict[str, Any]:
    """Return the error of one kind of presentation: BPCER of people, APCER of an attack."""
    frames, voted = scores_of(sequences), long_enough(sequences)
    name = "bpcer" if living else "apcer"
    limit = LivenessPolicy().least_score

    def wrong(count: Callable[[Sequences, Judge], int], judge: str) -> int:
        granted = count(voted, JUDGES[judge])
        return len(voted) - granted if living else granted

    errors = {judge: wrong(count_let_in, judge) for judge in JUDGES}
    at_the_end = {judge: wrong(count_believed, judge) for judge in JUDGES}
    return {
        "frames": len(frames),
        "sequences": len(voted),
        "wrong": errors[FUSED],
        f"{name}_vote": errors[FUSED] / max(len(voted), 1),
        f"{name}_vote_95": interval(errors[FUSED], len(voted)),
        f"{name}_frame": float(np.mean((frames < limit) if living else (frames >= limit))),
        f"{name}_by_cue": {judge: count / max(len(voted), 1) for judge, count in errors.items()},
        ("doubted" if living else "believed") + "_at_the_end_by_cue": {
            judge: count / max(len(voted), 1) for judge, count in at_the_end.items()
        },
    }


def scores_of(sequences: Sequences) -> Scores:
    """Return the networks' score of every frame, -1 without a face."""
    return np.array([-1.0 if seen is None else seen.score for frames in sequences for seen in frames], np.float64)


def vote_scores_of(sequences: Sequences) -> Scores:
    """Return the best mean of the networks that a gate sees in each sequence, -1 where it never votes.

    It is let in from a threshold on that lies no higher.
    """
    policy = LivenessPolicy()
    best = []
    for frames in long_enough(sequences):
        vote, seen_so_far = LivenessVote(policy), [-1.0]
        for number, seen in enumerate((seen for seen in frames if seen is not None), start=1):
            vote.cast(Evidence(score=seen.score))
            if number >= policy.needed:
                seen_so_far.append(vote.score or 0.0)
        best.append(max(seen_so_far))
    return np.array(best, np.float64)


def operating_points(genuine: Scores, attacks: Scores) -> dict[str, float]:
    """Return the equal error rate, and APCER where BPCER is at most 1 and 5 per cent; high scores are alive."""
    genuine, attacks = np.sort(genuine), np.sort(attacks)
    limits = np.unique(np.concatenate([genuine, attacks, [max(attacks.max(), genuine.max()) + 1]]))
    bpcer = np.searchsorted(genuine, limits) / len(genuine)
    apcer = 1 - np.searchsorted(attacks, limits) / len(attacks)
    nearest = int(np.abs(bpcer - apcer).argmin())
    points = {"eer": float((bpcer[nearest] + apcer[nearest]) / 2)}
    for wanted in _OPERATING_POINTS:
        points[f"apcer_at_bpcer_{wanted:g}"] = float(apcer[bpcer <= wanted].min())
    return points


def compare(live: Sequences, attack: Sequences) -> dict[str, dict[str, float]]:
    """Return the operating points of the networks, frame by frame and over the vote, and of each cue of one frame."""

    def values(sequences: Sequences, name: str) -> Scores:
        found = [-(getattr(seen, name) or 0.0) for frames in sequences for seen in frames if seen is not None]
        return np.array(found, np.float64)

    points = {
        "networks_vote": operating_points(vote_scores_of(live), vote_scores_of(attack)),
        "networks_frame": operating_points(scores_of(live), scores_of(attack)),
    }
    for cue in (Cue.BORDER.value, Cue.MOIRE.value):
        points[f"{cue}_frame"] = operating_points(values(live, cue), values(attack, cue))
    return points
