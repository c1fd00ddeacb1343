"""Closed eyes in portraits, by the network and by the mesh: `python -m benchmarks.closed_eyes --data DIR [--json]`.

`DIR` holds `portraits/original` and, where there are any, `lfw`. Which eyes are closed was decided by eye
(`quality_portraits.toml`). For both measures: how many open eyes have to be sent to a reviewer for all closed ones to
be seen. What the network says of press photos is counted, but nobody has looked at all of those.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import read_not_good
from benchmarks.report import Report, budget, present, progress
from campusgate.settings import Settings
from campusgate.wiring.photo_checker import load_checker
from enrollment.photo import decode
from enrollment.quality import Checker, load_limits
from enrollment.quality.rules.eyes_open import EyesOpen
from models.store import ModelError

_PRESS_PHOTOS = 300


def main() -> int:
    """Run the benchmark; 1 when a target is missed, 2 without data or models."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.closed_eyes", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CAMPUSGATE_DATA", "data")))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not any((arguments.data / "portraits" / "original").glob("*.jpg")):
        parser.error(f"{arguments.data} has no portraits/original: give --data, or set CAMPUSGATE_DATA")
    try:
        report = measure(arguments.data)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return present(report, as_json=arguments.json)


def measure(data: Path) -> Report:
    """Look at the eyes of all portraits."""
    _, checker = load_checker(Settings(), threads=1)
    closed_names = {name for name, why in read_not_good().items() if "eyes closed" in why}
    portraits = sorted((data / "portraits" / "original").glob("*.jpg"))
    found = {path.stem: both for path, both in _measured(checker, portraits)}
    closed = np.array([both for name, both in found.items() if name in closed_names])
    opened = np.array([both for name, both in found.items() if name not in closed_names])
    limit = load_limits()[EyesOpen.name]["open"]
    figures: dict[str, Any] = {
        "portraits": {"closed": len(closed), "open": len(opened)},
        "network": {
            "limit": limit,
            "closed_seen": int((closed[:, 0] < limit).sum()),
            "open_sent_to_review": int((opened[:, 0] < limit).sum()),
            "closed_at_most": float(closed[:, 0].max()),
            "open_at_least": float(opened[:, 0].min()),
        },
        "open_sent_to_review_when_all_closed_are_seen": {
            "network": float((opened[:, 0] <= closed[:, 0].max()).mean()),
            "mesh": float((opened[:, 1] <= closed[:, 1].max()).mean()),
        },
    }
    press = sorted((data / "lfw").glob("*/*_0001.jpg"))
    if press:
        said = np.array([both for _, both in _measured(checker, press[:: max(1, len(press) // _PRESS_PHOTOS)])])
        figures["press_photos"] = {"number": len(said), "called_closed": float((said[:, 0] < limit).mean())}
    network = figures["network"]
    return Report(
        "closed_eyes",
        figures,
        [
            budget("closed eyes seen", network["closed_seen"] / len(closed), "at least", 1.0),
            budget("open eyes sent to a reviewer", network["open_sent_to_review"] / len(opened), "at most", 0.01),
        ],
    )


def _measured(checker: Checker, paths: Sequence[Path]) -> Iterator[tuple[Path, tuple[float, float]]]:
    """Yield what the network and the mesh say of each photo with a face; low is closed."""
    for path in progress(paths, paths[0].parent.name):
        for result in checker.check(decode(path)).results:
            if result.rule == EyesOpen.name:
                yield path, (result.finding.value, result.finding.details["opening"])


if __name__ == "__main__":
    sys.exit(main())
