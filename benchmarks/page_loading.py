"""How soon a page shows what it is about on a slow phone, how much it loads, and whether anything moves on it."""

from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Browser, Page

from benchmarks.page_visitors import open_context
from campusgate.demo.running import RunningDemonstration

CPU_SLOWDOWN = 4
_BITS_PER_S, _UPLOAD_BITS_PER_S, _LATENCY_MS = 1_600_000, 750_000, 150
"""What Lighthouse calls a slow phone's network."""
_PHONE = {"width": 360, "height": 780}
_LOADS_MS, _QUIET_MS, _POLL_MS = 60_000, 1_500, 100


@dataclass(frozen=True, slots=True)
class Loading:
    """A first visit with an empty cache: the largest contentful paint, ms, and what came over the network, bytes."""

    largest_paint_ms: float
    received: int


def measure(
    browser: Browser, told: RunningDemonstration, part: str, path: str, *, language: str, repeats: int
) -> Loading:
    """Visit a page for the first time, `repeats` times, and return the medians."""
    visits = []
    for _ in range(repeats):
        with open_context(browser, told, part, language, viewport=_PHONE, has_touch=True) as context:
            visits.append(_visit(context.new_page(), path))
    return Loading(median(one.largest_paint_ms for one in visits), round(median(one.received for one in visits)))


def _visit(page: Page, path: str) -> Loading:
    protocol = page.context.new_cdp_session(page)
    received = 0

    def count(event: dict[str, float]) -> None:
        nonlocal received
        received += round(event["encodedDataLength"])

    protocol.on("Network.loadingFinished", count)
    protocol.send("Network.enable")
    protocol.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": _LATENCY_MS,
            "downloadThroughput": _BITS_PER_S / 8,
            "uploadThroughput": _UPLOAD_BITS_PER_S / 8,
        },
    )
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    page.add_init_script(_OBSERVE)
    page.goto(path, wait_until="load", timeout=_LOADS_MS)
    _wait_until_painted(page)
    return Loading(page.evaluate("largestPaint"), received)


def _wait_until_painted(page: Page) -> None:
    """Return once nothing larger was painted for a while: streams stay open, so that a network is never idle."""
    before, since = -1.0, 0
    while since < _QUIET_MS:
        page.wait_for_timeout(_POLL_MS)
        painted = page.evaluate("largestPaint")
        since = since + _POLL_MS if painted == before else 0
        before = painted


def watch_shifts(page: Page) -> None:
    """Begin to add up how far things move that nobody moved; before the page is opened."""
    page.add_init_script(_OBSERVE)


def shifted(page: Page) -> float:
    """Return the cumulative layout shift since the page was opened, all of its session windows together."""
    total: float = page.evaluate("shifted")
    return total


def moved(page: Page) -> list[str]:
    """Return what moved."""
    found: list[str] = page.evaluate("movedThings")
    return found


_OBSERVE = """
Object.assign(window, { largestPaint: 0, shifted: 0, movedThings: [] });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.largestPaint = entry.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
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
