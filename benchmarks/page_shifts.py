"""Whether anything moves on a live page while alarms come and go."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from playwright.sync_api import Page

from benchmarks.page_alarms import Alarms
from benchmarks.page_survey import Opened, Survey, note_stream
from benchmarks.page_visitors import open_context
from benchmarks.report import progress

MOST_SHIFT = 0.1
WIDTHS = (1280, 360)
_WATCHED_MS = 20_000
_TOGETHER = 4
"""Pages that one sign-in has open at once: each holds a connection for its stream, and a browser opens six."""
_NAMED = 8


def watch_all(survey: Survey, pages: Sequence[Opened]) -> None:
    """Note of each page with a stream how far things move on it, and what moved."""
    looks = survey.records.of("looks")
    silent = {name for (name, _), answer in looks.items() if answer.get("streams") is False}
    batches = list(_batches([one for one in pages if one.name not in silent]))
    with Alarms(survey.told) as alarms:
        for part, some in progress(batches, "watching what moves"):
            for width in WIDTHS:
                key = ("shifts", " ".join(one.name for one in some), str(width))
                survey.note(key, partial(_watch, survey, alarms, part, some, width))


def _batches(pages: Sequence[Opened]) -> Iterator[tuple[str, list[Opened]]]:
    by_part: defaultdict[str, list[Opened]] = defaultdict(list)
    for one in pages:
        by_part[one.part].append(one)
    for part, of_part in by_part.items():
        for start in range(0, len(of_part), _TOGETHER):
            yield part, of_part[start : start + _TOGETHER]


def _watch(survey: Survey, alarms: Alarms, part: str, some: Sequence[Opened], width: int) -> dict[str, Any]:
    """Return, by name, how far things moved since each page was opened, all session windows together, and what."""
    viewport = {"width": width, "height": 800}
    with ExitStack() as stack:
        context = stack.enter_context(open_context(survey.browser(), survey.told, part, "zh", viewport=viewport))
        watched: dict[str, Page] = {}
        for one in some:
            page, streams = context.new_page(), list[str]()
            page.on("request", partial(note_stream, streams))
            page.add_init_script(_OBSERVE)
            one.open(page, survey.told)
            if streams:
                watched[one.name] = page
            else:
                page.close()
        if watched:
            alarms.come_and_go(next(iter(watched.values())).wait_for_timeout, _WATCHED_MS)
        return {name: {"shift": page.evaluate("shifted"), "moved": _moved(page)} for name, page in watched.items()}


def _moved(page: Page) -> list[str]:
    things: list[str] = page.evaluate("movedThings")
    return things[:_NAMED]


_OBSERVE = """
Object.assign(window, { shifted: 0, movedThings: [] });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.shifted += entry.value;
    for (const { node } of entry.sources ?? []) {
      if (!node) continue;
      const name = `${node.nodeName.toLowerCase()}${node.id ? "#" + node.id : ""}.${node.className ?? ""}`;
      window.movedThings.push(`${entry.value.toFixed(4)} ${name}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""
