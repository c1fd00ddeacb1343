"""Liveness: attacks let in (APCER) and people turned away (BPCER), by each cue alone and by the gate's vote over all.

    python -m benchmarks.liveness [--set DIR …] [--clips DIR] [--default-network] [--degraded] [--json]

A set is a folder with `live/` and one folder for each kind of attack, named after it (`print`, `replay`, `mask`, …);
each holds frames named SESSION_NUMBER.jpg, or clips. `--clips` holds `live.mp4`, `several-people.mp4` (living people)
and `replay.mp4` (a screen). Without them `CAMPUSGATE_DATA` names the parent of the set `nuaa` and of `clips`.
APCER and BPCER are those of ISO/IEC 30107-3; a face that is not found counts as turned away and as not let in. Every
rate has its 95 % interval beside it; sessions are what is counted, for the frames of one resemble each other.

The networks that are installed are asked, as at a gate; `--default-network` asks the one alone that every installation
has, as on a machine that has the package registries and nothing else.

One attack is made here and called so: frames of living people, turned in space as a flat picture is in a hand. Its
picture has no edge in view and no texture of a print: only the cue of the plane can notice it.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.liveness_degradations import measure_degraded
from benchmarks.liveness_rates import FUSED, compare, summarise
from benchmarks.liveness_sequences import LIVE, Sequences, Watch, look_at_clip, look_at_set, turned_pictures
from benchmarks.report import Budget, Report, budget, present
from edge.liveness import Cue, LivenessPolicy

_CLIPS = {"live": LIVE, "several-people": LIVE, "replay": "replay"}
"""The clips by name, and what they show."""
_MOST_APCER, _MOST_BPCER, _MOST_BPCER_OF_CUES = 0.01, 0.05, 0.01
_NOT_TESTED = (
    "attacks that no given set holds: masks and heads in three dimensions, cut-out or bent prints, telephones and "
    "tablets in a hand; other cameras than those of the sets; pictures fed in instead of the camera's, which no look "
    "at a picture can tell"
)

Presentations = dict[str, dict[str, Sequences]]
"""Sequences by kind (`live`, or that of the attack) and by the name of the set or clip."""


def look(watch: Watch, sets: Sequence[Path], clips: Path | None) -> Presentations:
    """Look at all sets and clips."""
    found: Presentations = {}
    for folder in sets:
        for kind, sequences in look_at_set(watch, folder).items():
            found.setdefault(kind, {})[folder.name] = sequences
    if clips is None:
        return found
    for name, kind in _CLIPS.items():
        if (path := clips / f"{name}.mp4").is_file():
            found.setdefault(kind, {})[f"{name} (clip)"] = look_at_clip(watch, path)
    return found


def joined(parts: Mapping[str, Sequences]) -> Sequences:
    """Return the sequences of all sets."""
    return [frames for sequences in parts.values() for frames in sequences]


def run(sets: Sequence[Path], clips: Path | None, *, degraded: bool, second_opinions: bool = True) -> Report:
    """Look at everything and judge it as the gate would."""
    watch = Watch.load(second_opinions=second_opinions)
    found = look(watch, sets, clips)
    live, attacks = found.get(LIVE, {}), {kind: parts for kind, parts in found.items() if kind != LIVE}
    if not live or not attacks:
        sys.exit("there is nothing to tell apart: a set has a folder live/ and one for each kind of attack")
    people = {name: summarise(sequences, living=True) for name, sequences in live.items()}
    refused = {kind: summarise(joined(parts), living=False) for kind, parts in attacks.items()}
    figures: dict[str, Any] = {
        "networks": list(watch.networks.names),
        "least_score": LivenessPolicy().least_score,
        "live": people,
        "live_all": summarise(joined(live), living=True),
        "attacks": refused,
        "told_apart": {kind: compare(joined(live), joined(parts)) for kind, parts in attacks.items()},
        "turned_picture_made_here": summarise(
            [frames for folder in sets if (folder / LIVE).is_dir() for frames in turned_pictures(watch, folder / LIVE)],
            living=False,
        ),
        "milliseconds": {what: 1000 * float(np.median(taken)) for what, taken in watch.seconds.items()},
        "not_tested": _NOT_TESTED,
    }
    if degraded:
        figures["degraded"] = measure_degraded(watch, sets)
    return Report("liveness", figures, _budgets(figures))


def _budgets(figures: Mapping[str, Any]) -> list[Budget]:
    budgets = []
    for kind, found in figures["attacks"].items():
        budgets.append(budget(f"{kind} let in by the vote, APCER,", found["apcer_vote"], "at most", _MOST_APCER))
        at = figures["told_apart"][kind]["networks_vote"]["apcer_at_bpcer_0.05"]
        budgets.append(budget(f"{kind} let in by the networks where BPCER is 5 %, APCER,", at, "at most", _MOST_APCER))
    everybody = figures["live_all"]
    budgets.append(budget("people turned away by the vote, BPCER,", everybody["bpcer_vote"], "at most", _MOST_BPCER))
    by_cue = everybody["bpcer_by_cue"]
    added = by_cue[FUSED] - by_cue[Cue.TEXTURE.value]
    budgets.append(budget("people whom the cues add to those, BPCER,", added, "at most", _MOST_BPCER_OF_CUES))
    return budgets


def main() -> int:
    """Read the arguments, run, print."""
    data = Path(os.environ.get("CAMPUSGATE_DATA", "."))
    parser = argparse.ArgumentParser(prog="benchmarks.liveness", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", type=Path, action="append", dest="sets", help="may be given more than once")
    parser.add_argument("--nuaa", type=Path, action="append", dest="sets", help=argparse.SUPPRESS)
    parser.add_argument("--clips", type=Path)
    parser.add_argument(
        "--default-network", action="store_true", help="ask that network alone, whatever else is installed"
    )
    parser.add_argument("--degraded", action="store_true", help="also spoil the frames: blur, JPEG, dim light, …")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    sets = arguments.sets or [data / "nuaa"]
    clips = arguments.clips or (data / "clips" if arguments.sets is None else None)
    for folder in (*sets, *([] if clips is None else [clips])):
        if not folder.is_dir():
            parser.error(f"{folder} is not there: give --set and --clips, or their parent in CAMPUSGATE_DATA")
    report = run(sets, clips, degraded=arguments.degraded, second_opinions=not arguments.default_network)
    return present(report, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
