"""How fast photos are taken in: `python -m benchmarks.enrollment --images DIR [--count N] [--json]`.

The command `campusgate people import` in all but name: opened, checked against every rule, embedded and compared with
everyone unless the rules reject it, sealed and stored, a few people in a transaction (SQLite, full synchronisation).

The peer is the shortest program that enrols with `face_recognition`: load the file, find the face, encode it. It checks
nothing and stores nothing. Compared is processor time a photo.
"""

import argparse
import csv
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from accounts.passwords import Hasher
from accounts.passwords.first import FirstPasswords
from accounts.people_import.importer import Importer
from benchmarks.engine import face_recognition
from benchmarks.report import Report, budget, present, progress
from campusgate.settings import Settings
from campusgate.wiring.photo_checker import load_checker
from database import Database, Sealer
from database.migrate import upgrade
from enrollment.intake import import_folder
from enrollment.intake_measure import Terms
from enrollment.intake_results import IntakeOutcome
from enrollment.quality import Verdict
from models.store import ModelError

PHOTOS_A_SECOND = 15.0
_PEER_PHOTOS = 20


def main() -> int:
    """Run the benchmark; 1 when it is too slow, 2 without images or models."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.enrollment", description=__doc__.splitlines()[0])
    data = Path(os.environ.get("CAMPUSGATE_DATA", "data"))
    parser.add_argument("--images", type=Path, default=data / "portraits" / "original")
    parser.add_argument("--count", type=int, default=200, help="people to enrol; images are used again when too few")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    images = sorted(path for path in arguments.images.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not images:
        sys.stderr.write(f"{arguments.images} holds no images: give a folder with --images\n")
        return 2
    try:
        report = measure(images, arguments.count)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return present(report, as_json=arguments.json)


def measure(images: list[Path], count: int) -> Report:
    """Import `count` people into a fresh database."""
    settings = Settings()
    # Two photos are worked on at once, each by one thread: that fills two cores better than one photo by two.
    engine, checker = load_checker(settings, threads=1)
    engine.warm_up()
    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "intake"
        _prepare(folder, images, count)
        database = Database(f"sqlite:///{scratch}/campusgate.db")
        upgrade(database)
        started, worked = time.perf_counter(), time.process_time()
        report = import_folder(
            folder,
            database,
            engine,
            Sealer(os.urandom(32)),
            terms=Terms("1", "the benchmark's people", approve=Verdict.REVIEW),
            importer=Importer(database, Hasher(), FirstPasswords(""), "benchmark"),
            zone=settings.time_zone,
            checker=checker,
            workers=workers,
        )
        seconds, worked = time.perf_counter() - started, time.process_time() - worked
        database.close()
    rate = count / seconds
    figures: dict[str, Any] = {
        "photos": count,
        "seconds": seconds,
        "photos_a_second": rate,
        "processor_ms_a_photo": 1000 * worked / count,
        "workers": workers,
        "outcomes": {outcome.value: report.count(outcome) for outcome in IntakeOutcome if report.count(outcome)},
        "model": engine.model_id,
    }
    wanted = budget("photos validated and embedded a second", rate, "at least", PHOTOS_A_SECOND)
    peer_ms = peer(images[:_PEER_PHOTOS])
    return Report(
        "enrollment",
        figures,
        [wanted],
        peers={"face_recognition": {"processor_ms_a_photo": peer_ms}},
        ratios={"face_recognition": peer_ms / figures["processor_ms_a_photo"]},
    )


def peer(images: Sequence[Path]) -> float:
    """Return the milliseconds of processor time that `face_recognition` takes for a photo."""
    package = face_recognition()
    package.face_encodings(package.load_image_file(images[0]))
    started = time.process_time()
    for path in progress(images, "peer"):
        package.face_encodings(package.load_image_file(path))
    return 1000 * (time.process_time() - started) / len(images)


def _prepare(folder: Path, images: list[Path], count: int) -> None:
    folder.mkdir()
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "name", "groups"])
        for number in range(count):
            source = images[number % len(images)]
            writer.writerow([f"{number:06}", f"Person {number}", "students"])
            shutil.copy(source, folder / f"{number:06}{source.suffix.lower()}")


if __name__ == "__main__":
    sys.exit(main())
