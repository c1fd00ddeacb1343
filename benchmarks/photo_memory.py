"""What a server keeps of its memory after many photos: `python -m benchmarks.photo_memory [--photos N] [--json]`.

Photographs of 600 × 600 and of twelve megapixels are handed in by turns, sixteen at a time, and assessed as the API
does it, on the threads that the server has for them, while sixteen other requests at a time take threads of the common
pool. Counted is the memory of the process, before and after.
"""

import argparse
import asyncio
import inspect
import os
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from anyio import to_thread

from benchmarks.process_usage import peak_mb, resident_kb
from benchmarks.report import Report, budget, present
from campusgate.settings import Settings
from campusgate.wiring.enrollment import make_enrollment
from campusgate.wiring.photo_checker import load_checker
from database import Database, Sealer
from enrollment.assessment import assess
from enrollment.photo import decode, encode_jpeg
from enrollment.retention import RetentionPolicy
from enrollment.services import EnrollmentServices

_AT_ONCE = 16
_SIDES = ((600, 600), (4000, 3000))


def make_services(settings: Settings) -> EnrollmentServices:
    """Return enrolment as the server has it, with models loaded and no database asked."""
    engine, checker = load_checker(settings)
    engine.warm_up()
    values = {"further_engines": (), "uses_model": lambda _model: True, "retention": RetentionPolicy()}
    # An earlier build, in `benchmarks.against`, asks for fewer of them.
    asked = {name: value for name, value in values.items() if name in inspect.signature(make_enrollment).parameters}
    make: Any = make_enrollment
    services: EnrollmentServices = make(
        settings.enrollment, Database("sqlite://"), Sealer(bytes(32)), engine, checker, **asked
    )
    return services


def make_photos(images: Path) -> list[bytes]:
    """Return a few portraits in both sizes, as JPEG."""
    found = []
    for path in sorted(images.rglob("*.jpg"))[:4]:
        image = decode(path).image
        for width, height in _SIDES:
            grown = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
            found.append(encode_jpeg(np.asarray(grown, np.uint8), quality=90))
    return found


async def hand_in(services: EnrollmentServices, photos: list[bytes], count: int) -> None:
    """Hand in `count` photos, sixteen waiting at a time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with free:
            content = photos[number % len(photos)]
            await services.run_assessment(assess, content, services.engine, services.checker)

    async def ask() -> None:
        while True:
            await to_thread.run_sync(time.sleep, 0.005)

    others = [asyncio.create_task(ask()) for _ in range(_AT_ONCE)]
    await asyncio.gather(*(one(number) for number in range(count)))
    for other in others:
        other.cancel()


def measure(images: Path, count: int) -> Report:
    """Assess `count` photos."""
    services, photos = make_services(Settings()), make_photos(images)
    if not photos:
        sys.exit(f"{images} holds no portraits: give a folder with --images")
    pid = os.getpid()
    before, used = resident_kb(pid) / 1024, time.process_time()
    asyncio.run(hand_in(services, photos, count))
    used = time.process_time() - used
    time.sleep(0.5)
    after = resident_kb(pid) / 1024
    return Report(
        "photo_memory",
        {
            "photos": count,
            "loaded_mb": before,
            "after_mb": after,
            "peak_mb": peak_mb(pid),
            "photo_processor_ms": 1000 * used / count,
        },
        [budget("memory after the photos, MB,", after, "at most", 400)],
    )


def main() -> int:
    """Read the arguments, run, print."""
    data = Path(os.environ.get("CAMPUSGATE_DATA", "data"))
    parser = argparse.ArgumentParser(prog="benchmarks.photo_memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, default=data / "portraits" / "original")
    parser.add_argument("--photos", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return present(measure(arguments.images, arguments.photos), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
