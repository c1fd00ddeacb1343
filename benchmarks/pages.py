"""Every page of the application, on a demonstration that runs: opened, looked at, loaded as on a slow phone.

    python -m benchmarks.pages [--only TEXT] [--languages zh,en] [--sizes phone,desk,…] [--schemes light,dark]
                               [--repeats N] [--without looks,loading,shifts] [--pictures FOLDER]
                               [--results FILE [--resume]] [--json]

`campusgate demo` must run with the same data directory, and its day be over. What no link leads to is brought about by
forms; the other addresses are found by following links as whoever may, starting from where each of them lands. A page
of the application that was not opened is a fault of this command, and counts as missed.

Looks: axe's rules for WCAG 2.2 AA and best practices, no scrolling sideways and no error of a script, in each language
at each size in light and dark, with folded parts and dialogs open. A page is loaded once in a language; what a size or
a scheme cannot change on it is not looked at again (`benchmarks.page_looks` tells which rules). Loading: the largest
contentful paint (LCP) of a first visit with an empty cache at a quarter of this processor's speed and 1.6 Mbit/s with
150 ms, and the bytes that came. What else a machine does makes a visit longer and never shorter: a page above a limit
is visited again, `--repeats` times at most, the soonest visit counts, and the machine's load is told. Shifts: the
cumulative layout shift of every page with a stream while alarms come and are acknowledged.

What goes wrong with one page is a finding, and the others are opened all the same. With `--results` every answer is
written as soon as it is there; `--resume` goes on after them. Ctrl-C ends with a report of what is known.
"""

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.page_loading import MOST_BYTES, MOST_LCP_MS, measure
from benchmarks.page_looks import SCHEMES, SIZES
from benchmarks.page_records import Records
from benchmarks.page_shifts import MOST_SHIFT, watch_all
from benchmarks.page_survey import FOUND, Opened, Survey
from benchmarks.page_visitors import LANGUAGES, find_demonstration
from benchmarks.report import Budget, Report, budget, present, progress
from campusgate.demo.running import RunningDemonstration
from tools.browser import open_browsers


def run(told: RunningDemonstration, options: argparse.Namespace) -> Report:
    """Do what was asked for, and report it; when interrupted, what is known."""
    records = Records.open(options.results, resume=options.resume)
    figures: dict[str, Any] = {"load average": os.getloadavg()[0], "finished": False}
    began = time.monotonic()
    with open_browsers() as browser:
        try:
            _survey(Survey(told, browser, options, records))
            figures["finished"] = True
        except KeyboardInterrupt:
            print("interrupted: this is what is known", file=sys.stderr)
    figures["seconds"] = time.monotonic() - began
    figures["load average at the end"] = os.getloadavg()[0]
    more, budgets = summarise(records)
    return Report("pages", figures | more, [budget("finished", figures["finished"], "at least", True), *budgets])


def _survey(survey: Survey) -> None:
    pages = survey.look_at_all()
    if survey.is_asked("loading"):
        _load_all(survey, [one for one in pages if one.path is not None])
    if survey.is_asked("shifts"):
        watch_all(survey, pages)


def _load_all(survey: Survey, pages: list[Opened]) -> None:
    for one in progress(pages, "loading as on a slow phone"):
        survey.note(("loading", one.name), partial(_load, survey, one))


def _load(survey: Survey, one: Opened) -> dict[str, Any]:
    loaded = measure(
        survey.browser(), survey.told, one.part, one.path or "", language="zh", repeats=survey.options.repeats
    )
    return {"lcp_ms": loaded.largest_paint_ms, "bytes": loaded.received}


def summarise(records: Records) -> tuple[dict[str, Any], list[Budget]]:
    """Return the figures of what is known, and how they stand against the limits."""
    found = records.known.get(FOUND, {"pages": 0, "missed": ["nothing was found"]})
    looks, loading, shifts = records.of("looks"), records.of("loading"), records.of("shifts")
    findings = [finding for answer in looks.values() for finding in answer.get("findings", ())]
    failed = {" ".join(key): answer["failed"] for key, answer in records.known.items() if "failed" in answer}
    loaded = {name: answer for (name,), answer in loading.items() if "failed" not in answer}
    watched = {
        f"{name} {width}": one
        for (_, width), answer in shifts.items()
        if "failed" not in answer
        for name, one in answer.items()
    }
    figures = {
        "pages opened": found["pages"],
        "pages not opened": found["missed"],
        "looks": len(looks),
        "findings": findings,
        "failed": failed,
        "loading": loaded,
        "shifts": {name: one["shift"] for name, one in watched.items()},
        "moved": {name: one["moved"] for name, one in watched.items() if one["shift"] >= MOST_SHIFT},
    }
    budgets = [
        budget("pages not opened", len(found["missed"]), "at most", 0),
        budget("findings", len(findings), "at most", 0),
        budget("failed", len(failed), "at most", 0),
    ]
    if loaded:
        budgets.append(budget("LCP ms", max(one["lcp_ms"] for one in loaded.values()), "at most", MOST_LCP_MS))
        most = max(one["bytes"] for one in loaded.values())
        budgets.append(budget("bytes of a first visit", most, "at most", MOST_BYTES))
    if watched:
        budgets.append(budget("layout shift", max(one["shift"] for one in watched.values()), "at most", MOST_SHIFT))
    return figures, budgets


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [size.name for size in SIZES]
    parser.add_argument("--only", default="", help="pages and states whose name holds this")
    parser.add_argument("--languages", type=lambda text: text.split(","), default=list(LANGUAGES))
    parser.add_argument("--sizes", type=lambda text: text.split(","), default=names, help=", ".join(names))
    parser.add_argument("--schemes", type=lambda text: text.split(","), default=list(SCHEMES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--without", type=lambda text: text.split(","), default=[])
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of each look")
    parser.add_argument("--results", type=Path, help="a file for every answer, as soon as it is there")
    parser.add_argument("--resume", action="store_true", help="go on after what the file holds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.resume and options.results is None:
        parser.error("--resume needs --results")
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    sys.exit(present(run(find_demonstration(), options), as_json=options.json))


if __name__ == "__main__":
    main()
