"""How well the photo rules tell good photos from bad ones: `python -m benchmarks.quality --data DIR [--json]`.

`DIR` holds `portraits/original` (people in everyday surroundings) and, where there are any, `portraits/photoshopped`,
`lfw` (press photos), `occlusion/with_mask`, `occlusion/without_mask` and `nuaa/live` (webcams). Every rule is run on
them, and on good portraits with each fault of `tests.doubles.degradations` done to them. Printed are, for each rule,
the share of good photos it fails wrongly and the share of each fault it catches; whatever misses its target is in the
budgets, with the exit code. `python -m benchmarks.quality_page` brings the JSON into `docs/photo-rules.md`.

Which portraits are good was decided by eye against the campus guide before any rule was run on them; the list of the
others, with the reason, is `quality_portraits.toml` beside this file. With `--all` the list is left aside, and every
portrait counts as good: so it is done for pictures that nobody has looked at.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.report import Budget, Report, budget, present, progress
from campusgate.settings import Settings
from enrollment.eye_state import EyeState
from enrollment.person_mask import PersonMask
from enrollment.photo import Photo, UnreadablePhotoError, decode, encode_jpeg
from enrollment.quality import Checker, Level, QualityReport, Verdict, load_limits
from models.engine import FaceEngine
from models.store import ModelError, ModelStore
from tests.doubles.degradations import CHANGES_NOTHING, FAULTS, Fault, Portrait

GOOD_PASS, FAULTS_CAUGHT = 0.85, 0.95
GOOD, MASKED = "portraits, good", "with mask"

Item = TypeVar("Item")
Result = TypeVar("Result")


def main() -> int:
    """Run the benchmark; 1 when a target is missed, 2 without data or models."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CAMPUSGATE_DATA", "data")))
    parser.add_argument("--portraits", type=int, default=40, help="good portraits that faults are done to")
    parser.add_argument("--lfw", type=int, default=300, help="press photos")
    parser.add_argument("--all", action="store_true", help="count every portrait as good")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.data / "portraits" / "original").is_dir():
        sys.stderr.write(f"{arguments.data} holds no portraits/original: give the folder with --data\n")
        return 2
    try:
        report = measure(arguments.data, arguments.portraits, arguments.lfw, whole=arguments.all)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return present(report, as_json=arguments.json)


def measure(data: Path, portraits: int, press_photos: int, *, whole: bool) -> Report:
    """Check all photos and faults."""
    settings = Settings()
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    bench = _Bench(
        FaceEngine(store, threads=1), PersonMask(store.path("selfie-segmenter")), EyeState(store.path("fr-eye"))
    )
    sets = _sets(data, press_photos, {} if whole else read_not_good())
    paths = _distinct(sets.values())
    checked = dict(zip(paths, _parallel(bench.check, paths, "photos"), strict=True))
    found = {name: [report for path in paths if (report := checked[path]) is not None] for name, paths in sets.items()}
    found = {name: reports for name, reports in found.items() if reports}
    caught = _faults(bench, _spread(sets[GOOD], portraits))
    failed = {name: _failure_shares(reports) for name, reports in found.items()}
    figures: dict[str, Any] = {
        "photos": {name: len(reports) for name, reports in found.items()},
        "verdicts": {name: _verdicts(reports) for name, reports in found.items()},
        "passing all required": {name: _passing(reports) for name, reports in found.items()},
        "failed on photos": failed,
        "faults caught": {name: shares for name, (_, shares) in caught.items()},
    }
    return Report("quality", figures, _budgets(figures, caught))


def _sets(data: Path, press_photos: int, not_good: Mapping[str, str]) -> dict[str, list[Path]]:
    everyone = sorted((data / "portraits" / "original").glob("*.jpg"))
    return {
        GOOD: [path for path in everyone if path.stem not in not_good],
        "portraits, all": everyone,
        "portraits, others": [path for path in everyone if path.stem in not_good],
        "portraits, photoshopped": sorted((data / "portraits" / "photoshopped").glob("*.jpg")),
        "press photos": _spread(sorted((data / "lfw").glob("*/*.jpg")), press_photos),
        "without mask": sorted((data / "occlusion" / "without_mask").glob("*")),
        MASKED: sorted((data / "occlusion" / "with_mask").glob("*")),
        "webcam": _spread(sorted((data / "nuaa" / "live").glob("*.jpg")), 50),
    }


class _Bench:
    """Engine, networks and checker, and what they found in the portraits."""

    def __init__(self, engine: FaceEngine, person_mask: PersonMask, eye_state: EyeState) -> None:
        self.engine, self.person_mask = engine, person_mask
        self.checker = Checker(engine, person_finder=person_mask, eye_reader=eye_state)

    def check(self, path: Path) -> QualityReport | None:
        try:
            return self.checker.check(decode(path))
        except UnreadablePhotoError:
            return None

    def portrait(self, path: Path) -> Portrait | None:
        photo: Photo = decode(path)
        faces = self.engine.detect(photo.image)
        if not faces or faces[0].landmarks is None:
            return None
        return Portrait(photo.image, faces[0].landmarks, self.person_mask.probability(photo.image))


def _faults(bench: _Bench, paths: Sequence[Path]) -> dict[str, tuple[Fault, dict[str, float]]]:
    """Do every fault to every portrait; return the share that each of its rules caught, and that any rule did."""
    portraits = [portrait for portrait in map(bench.portrait, paths) if portrait is not None]
    if len(portraits) < 2:
        return {}
    faults = (*FAULTS, CHANGES_NOTHING)

    def check(job: tuple[Fault, int]) -> QualityReport:
        fault, number = job
        picture = fault.degrade(portraits[number], portraits[(number + 7) % len(portraits)])
        return bench.checker.check(decode(encode_jpeg(picture, quality=fault.file.get("quality", 92))))

    jobs = [(fault, number) for fault in faults for number in range(len(portraits))]
    reports = list(_parallel(check, jobs, "faults"))
    caught: dict[str, tuple[Fault, dict[str, float]]] = {}
    for index, fault in enumerate(faults):
        own = reports[index * len(portraits) : (index + 1) * len(portraits)]
        shares = {rule: float(np.mean([_fails(report, rule) for report in own])) for rule in fault.rules}
        shares["any required rule"] = 1 - _passing(own)
        shares["not accepted"] = 1 - _verdicts(own)[Verdict.ACCEPT]
        caught[fault.name] = (fault, shares)
    return caught


def _parallel(work: Callable[[Item], Result], items: Sequence[Item], what: str) -> Iterator[Result]:
    """Work on each item with one thread for each core, in order, with a progress bar."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from progress(pool.map(work, items), what, len(items))


def _fails(report: QualityReport, rule: str) -> bool:
    """Whether the rule fails; without any face there is nothing to measure, and the photo is refused for that."""
    failed = {result.rule for result in report.failed}
    return rule in failed or ("one_face" in failed and not any(result.rule == rule for result in report.results))


def _failure_shares(reports: Sequence[QualityReport]) -> dict[str, float]:
    rules = ["one_face", *(rule for rule in load_limits() if rule != "one_face")]
    return {rule: float(np.mean([_fails(report, rule) for report in reports])) for rule in rules}


def _passing(reports: Sequence[QualityReport]) -> float:
    required = [all(result.level is not Level.REQUIRED for result in report.failed) for report in reports]
    return float(np.mean(required))


def _verdicts(reports: Sequence[QualityReport]) -> dict[str, float]:
    return {verdict.value: float(np.mean([report.verdict is verdict for report in reports])) for verdict in Verdict}


def _budgets(figures: dict[str, Any], caught: dict[str, tuple[Fault, dict[str, float]]]) -> list[Budget]:
    good = figures["passing all required"][GOOD]
    budgets = [budget("good portraits that pass all required rules", good, "at least", GOOD_PASS)]
    limits = load_limits()
    for name, (fault, shares) in caught.items():
        wanted = [rule for rule in fault.rules if fault.strong and limits[rule].level is Level.REQUIRED]
        budgets += [budget(f"{name}: caught by {rule}", shares[rule], "at least", FAULTS_CAUGHT) for rule in wanted]
    masked = figures["failed on photos"].get(MASKED)
    if masked:
        got = masked["unobstructed"]
        budgets.append(budget("real masks: caught by unobstructed", got, "at least", FAULTS_CAUGHT))
    return budgets


def read_not_good() -> dict[str, str]:
    """Return the portraits that are not made by the rules, and what is wrong with each."""
    listed = tomllib.loads(Path(__file__).with_name("quality_portraits.toml").read_text("utf-8"))
    return {str(name): str(why) for name, why in listed["not_good"].items()}


def _distinct(lists: Iterable[list[Path]]) -> list[Path]:
    return list(dict.fromkeys(path for paths in lists for path in paths))


def _spread(paths: Sequence[Path], count: int) -> list[Path]:
    """Return `count` of `paths`, spread evenly over them."""
    if len(paths) <= count:
        return list(paths)
    return [paths[int(number * len(paths) / count)] for number in range(count)]


if __name__ == "__main__":
    sys.exit(main())
