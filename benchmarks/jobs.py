"""What people of a campus come for, from one end to the other, on a demonstration that runs.

    python -m benchmarks.jobs [--languages zh,en] [--only TEXT] [--json]

`campusgate demo` must run with the same data directory, and its day be over. Each job is done in a browser in each
language by whoever does it on a campus, and what it is for is looked at where it counts: at the gates' readers, at a
till, under the shower. The newcomer uses nothing but a keyboard. A loss that was reported is moved back by a day in the
demonstration's database, since its clock is also that of its devices; everything else is as anybody would do it.
"""

import argparse
import os
import sys
import time
from typing import Any

from playwright.sync_api import Error

from benchmarks.job_campus import Campus, JobError
from benchmarks.job_scenes import JOBS
from benchmarks.page_visitors import LANGUAGES, find_demonstration
from benchmarks.report import Report, budget, present, progress
from campusgate.demo.running import RunningDemonstration
from tools.browser import open_browser


def run(told: RunningDemonstration, languages: list[str], only: str) -> Report:
    """Do the jobs, one after the other."""
    done: dict[str, float] = {}
    failed: dict[str, str] = {}
    wanted = [(job, language) for language in languages for job in JOBS if only in job.__name__]
    with open_browser() as browser:
        for job, language in progress(wanted, "jobs"):
            name, began = f"{job.__name__} {language}", time.monotonic()
            try:
                job(Campus(told, browser, language))
            except (JobError, Error, AssertionError, OSError) as error:
                failed[name] = str(error).strip()[:500]
            done[name] = time.monotonic() - began
    figures: dict[str, Any] = {"seconds": done, "failed": failed, "load average": os.getloadavg()[0]}
    return Report("jobs", figures, [budget("jobs that failed", len(failed), "at most", 0)])


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=lambda text: text.split(","), default=list(LANGUAGES))
    parser.add_argument("--only", default="", help="jobs whose name holds this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sys.exit(present(run(find_demonstration(), options.languages, options.only), as_json=options.json))


if __name__ == "__main__":
    main()
