"""What an open live page costs the server each second: the first, and each of those beside it.

    python -m benchmarks.live_pages [--pages N] [--gates N] [--rate N] [--seconds S] [--json]

The real server on SQLite, Mosquitto where installed, gates whose two devices each tell their figures every ten seconds
and hold the newest directory, and a zone with a thousand passages. The server's processor time is taken without a page,
with one board, and with so many; at rest, and while the gates send events. `..._first_ms` is what the first page adds
to each second, `..._further_ms` what each of the others adds.
"""

import argparse
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert

from benchmarks.board import Gates, sign_in
from benchmarks.board_clients import ClientsProcess, Opened
from benchmarks.fleet_campus import CREDENTIAL_KEY, SITE, BrokerProcess, Campus, ServerProcess, wait_until
from benchmarks.process_usage import processor_s
from benchmarks.report import Report, budget, present
from bus import BrokerAddress, Connection
from database import Database, new_id
from messages import GateTopics, Health
from tests.doubles.processes import quiet

_PASSAGES = 1_000
_ZONE = "campus"
_HEALTH_EVERY_S = 10.0
_SETTLE_S = 2.0


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.live_pages", description=__doc__)
    parser.add_argument("--pages", type=int, default=21)
    parser.add_argument("--gates", type=int, default=50)
    parser.add_argument("--rate", type=float, default=10.0, help="events a second, of all gates together")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each of the six spans")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.pages < 2 or given.gates < 1 or min(given.rate, given.seconds) <= 0:
        parser.error("pages must be two or more, the rest positive")
    quiet()
    return present(measure(given.pages, given.gates, given.rate, given.seconds), as_json=given.json)


def measure(pages: int, gate_count: int, rate: float, seconds: float) -> Report:
    """Return what the first page and each further one costs, at rest and while gates send events."""
    names = tuple(f"gate-{number:03}" for number in range(1, gate_count + 1))
    figures: dict[str, float] = {"pages": pages, "gates": gate_count, "events_a_second": rate}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-live-pages-")))
        (folder / "server").mkdir()
        url = f"sqlite:///{folder / 'server' / 'campusgate.db'}"
        campus = Campus(folder, url, names, settings={"web": {"requests_per_address": pages + 100}})
        campus.populate(1)
        stack.enter_context(BrokerProcess(folder, campus.mqtt_port))
        server = stack.enter_context(ServerProcess(campus))
        server.wait()
        _be_in_step(url, names)
        bus = Connection(BrokerAddress(port=campus.mqtt_port), "gates")
        bus.start()
        stack.callback(bus.stop)
        bus.wait_connected(10)
        gates = Gates(bus, names)
        gates.appear()
        stack.enter_context(_telling_figures(bus, names))
        cookies = sign_in(campus)
        taken = []
        for more in (0, 1, pages - 1):
            if more:
                opened = ClientsProcess(campus.server_url, [Opened("/console/stream", cookies)] * more)
                stack.enter_context(opened).wait_live()
            time.sleep(_SETTLE_S)
            taken.append((_at_rest(server.pid, seconds), _at_work(server.pid, gates, rate, seconds)))
        for kind, (alone, first, all_of_them) in zip(("rest", "busy"), zip(*taken, strict=True), strict=True):
            figures[f"{kind}_server_ms"] = alone
            figures[f"{kind}_first_ms"] = first - alone
            figures[f"{kind}_further_ms"] = (all_of_them - first) / (pages - 1)
    budgets = [
        budget(f"{what}, ms of a core a second", figures[name], "at most", limit)
        for what, name, limit in (
            ("first page at rest", "rest_first_ms", 8),
            ("first page while gates work", "busy_first_ms", 25),
            ("each further page while gates work", "busy_further_ms", 3),
        )
    ]
    return Report("live_pages", figures, budgets)


def _be_in_step(url: str, names: tuple[str, ...]) -> None:
    """Wait for the directory, and let two devices of each gate hold it; some have passed."""
    from directory.tables import GateApplied, GateRecord, ZonePassage

    now = datetime.now(UTC)
    database = Database(url, credential_key=CREDENTIAL_KEY)
    try:

        def is_published() -> bool:
            with database.read() as session:
                return all(session.get_one(GateRecord, name).published_at is not None for name in names)

        wait_until(is_published, "the directory is published")
        with database.begin() as session:
            for name in names:
                held = {"gate": name, "revision": session.get_one(GateRecord, name).revision, "digest": None}
                times = {"applied_at": now, "seen_at": now}
                for view in ("full", "cards"):
                    session.add(GateApplied(view=view, device_id=new_id(), **held, **times))
            passed = {"zone": _ZONE, "gate": names[0], "direction": "entry", "at": now}
            rows = [{"person_id": new_id(), "revision": number, **passed} for number in range(1, _PASSAGES + 1)]
            session.execute(insert(ZonePassage), rows)
    finally:
        database.close()


@contextmanager
def _telling_figures(bus: Connection, names: tuple[str, ...]) -> Iterator[None]:
    """Let both processes of every gate tell their figures every ten seconds, one after the other."""
    stop = threading.Event()
    boots: dict[tuple[str, str], UUID] = {}

    def tell() -> None:
        everybody = [(name, source) for name in names for source in ("controller", "edge")]
        for number, (name, source) in enumerate(itertools.cycle(everybody)):
            if stop.wait(_HEALTH_EVERY_S / len(everybody)):
                return
            boots.setdefault((name, source), new_id())
            figures = {"uptime_s": number, "latency_ms": number % 17}
            told = Health(gate=name, source=source, at=datetime.now(UTC), figures=figures)
            bus.publish(GateTopics(SITE, name).health, told.encode())

    thread = threading.Thread(target=tell, name="figures", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _at_rest(pid: int, seconds: float) -> float:
    """Return the server's processor time in a second, in milliseconds, while nothing but figures comes."""
    before, begun = processor_s(pid), time.monotonic()
    time.sleep(seconds)
    return (processor_s(pid) - before) / (time.monotonic() - begun) * 1000


def _at_work(pid: int, gates: Gates, rate: float, seconds: float) -> float:
    """Return the server's processor time in a second, in milliseconds, while gates send events."""
    before, begun = processor_s(pid), time.monotonic()
    gates.work(rate, seconds)
    return (processor_s(pid) - before) / (time.monotonic() - begun) * 1000


if __name__ == "__main__":
    sys.exit(main())
