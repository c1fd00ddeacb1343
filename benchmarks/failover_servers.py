"""Two servers behind HAProxy over three PostgreSQL nodes, each process of which is killed and frozen in turn.

Meanwhile terminals are paid, staff give orders, people pass gates, alarms are sent to a webhook and live pages are
open. Nobody is kept at one server. One process is struck at a time, as where one machine dies, and the next when all
is well again.
"""

import random
import secrets
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from benchmarks.day_clients import LivePage
from benchmarks.failover_nodes import Nodes
from benchmarks.failover_surroundings import Alarms, Victims, Webhook
from benchmarks.fleet import journal
from benchmarks.fleet_campus import BrokerProcess, Campus, ServerProcess, percentiles_ms, wait_until
from benchmarks.fleet_gates import GatesPlan, GatesProcess
from benchmarks.report import Report, budget
from benchmarks.servers import GATES, PEOPLE, UNSURE, Clients, Facts, add_terminal, opens, read_facts, sign_in
from benchmarks.servers_balancer import Balancer
from bus import BrokerAddress, Connection
from database import Database
from operations.orders import OrderState
from operations.tables import Alarm, GateEvent

RESUMES_WITHIN_S = 25.0
_QUIET_BEFORE_S = 5.0
_WELL_WITHIN_S = 300.0
"""On a machine that may be busy."""
_WATCHED_S = 45.0
"""How long after a strike payments are watched."""
_PASSAGES_PER_S = 2.0
_ALARMS = 200
_SETTLES_S = 120.0
_STORED = select(GateEvent.sequence, GateEvent.received_at)
_SECRET = "of-a-benchmark"  # noqa: S105 - nothing real is signed with it


@dataclass(frozen=True, slots=True)
class Struck:
    """One strike, and what came of it."""

    what: str
    pause_s: float
    """The longest time without a payment."""


@dataclass(slots=True)
class Outcome:
    """What came of all strikes."""

    struck: list[Struck] = field(default_factory=list)
    clients: Clients | None = None
    facts: Facts | None = None
    emitted: int = 0
    lost_events: int = 0
    twice_events: int = 0
    told: Counter[str] = field(default_factory=Counter)
    untold: int = 0
    not_well_after: str | None = None
    """What was struck when something did not come back for minutes; nothing was struck any more."""
    page_delays_s: list[float] = field(default_factory=list)


def run(*, only: str, seed: int, report: Callable[[str], None]) -> Report:
    """Strike all whose name holds one of `only` (commas between them), in an order that follows from the seed."""
    outcome = Outcome()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-failover-")))
        for name in ("nodes", "broker", "campus"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        nodes = Nodes(folder / "nodes")
        stack.callback(nodes.stop)
        report("starting three nodes")
        nodes.start()
        hook = Webhook()
        stack.enter_context(hook.listening())
        gates = tuple(f"gate-{one}" for one in range(GATES))
        alarms = {"webhook_url": hook.url, "webhook_secret": _SECRET, "webhook_after": 0}
        settings = {"trusted_proxies": ["127.0.0.1"], "alarms": alarms, "metrics_token": secrets.token_urlsafe(24)}
        campus = Campus(folder / "campus", nodes.url, gates, settings=settings)
        campus.populate(PEOPLE)
        terminal = add_terminal(campus)
        broker = stack.enter_context(BrokerProcess(folder / "broker", campus.mqtt_port))
        first = ServerProcess(campus)
        servers = [first, first.twin(folder / "second")]
        report("starting two servers")
        for server in servers:
            stack.enter_context(server)
            server.wait()
        balancer = stack.enter_context(Balancer(folder, [server.port for server in servers]))
        process = stack.enter_context(GatesProcess(GatesPlan.of(campus, gates)))
        process.wait_ready()
        clients = Clients(
            balancer.url, balancer.trust, lambda: sign_in(balancer, campus), terminal, patience_s=_WELL_WITHIN_S
        )
        wait_until(lambda: opens(clients), "the gates obey")
        bus = Connection(BrokerAddress(port=campus.mqtt_port), "quiet-gates")
        bus.start()
        stack.callback(bus.stop)
        bus.wait_connected(10)
        stop = threading.Event()
        pages = [LivePage(balancer.url, campus.staff_password, trust=balancer.trust) for _ in range(2)]
        forced = Alarms(bus, [f"quiet-{number:03}" for number in range(_ALARMS)])
        for work in (*(page.look for page in pages), forced.run):
            threading.Thread(target=work, args=(stop,), daemon=True).start()
        victims = Victims(nodes, broker, balancer, servers)
        names = [name for name in victims.names() if any(one in name for one in only.split(","))]
        random.Random(seed).shuffle(names)  # noqa: S311 - a fate that can be repeated
        process.work(_PASSAGES_PER_S)

        def is_well() -> bool:
            return all(server.answers() for server in servers) and nodes.find("sync") is not None and opens(clients)

        with clients.at_work():
            for name in names:
                time.sleep(_QUIET_BEFORE_S)
                report(name)
                since_s = time.monotonic()
                victims.strike(name)
                time.sleep(max(0.0, since_s + _WATCHED_S - time.monotonic()))
                outcome.struck.append(Struck(name, clients.pause_s(since_s, time.monotonic())))
                report(f"{name}: {outcome.struck[-1].pause_s:.1f} s without a payment")
                if not _becomes(is_well):
                    outcome.not_well_after = name
                    break
            process.work(0)
        stop.set()
        report("settling")
        wait_until(lambda: process.waiting() == 0, "receipts for all events", _SETTLES_S)
        stored, twice = journal(nodes.url)
        emitted = process.emitted()
        outcome.emitted, outcome.lost_events = len(emitted), len(emitted - stored.keys())
        outcome.twice_events = sum(count - 1 for count in stored.values()) + twice
        outcome.clients, outcome.facts = clients, read_facts(nodes.url)
        _read_pages_and_alarms(nodes.url, pages, hook, outcome)
    return _report(outcome, seed)


def _becomes(ready: Callable[[], bool]) -> bool:
    """Wait until something holds, and return whether it did within minutes."""
    try:
        wait_until(ready, "all is well", _WELL_WITHIN_S)
    except RuntimeError:
        return False
    return True


def _read_pages_and_alarms(url: str, pages: Sequence[LivePage], hook: Webhook, outcome: Outcome) -> None:
    """Note how late pages were told of what was stored, and which alarms were told how often."""
    database = Database(url)
    try:
        with database.read() as session:
            stored = {row.sequence: row.received_at for row in session.execute(_STORED)}
            raised = {str(one) for one in session.scalars(select(Alarm.id).where(Alarm.kind == "forced"))}
    finally:
        database.close()
    wall_s = time.time() - time.monotonic()
    for page in pages:
        for number, (read_s, _) in page.seen.items():
            if page.is_open_since(stored[number].timestamp() - wall_s, read_s):
                outcome.page_delays_s.append(read_s + wall_s - stored[number].timestamp())
    outcome.told = Counter({one: times for one, times in hook.received.items() if one in raised})
    outcome.untold = len(raised - hook.received.keys())


def _report(outcome: Outcome, seed: int) -> Report:
    clients, facts = outcome.clients, outcome.facts
    if clients is None or facts is None:
        raise RuntimeError("nothing was struck")
    lost = [payment for _, payment in clients.paid if payment not in facts.recorded]
    unsure = [state for state in clients.orders.values() if state in UNSURE]
    longest = max(outcome.struck, key=lambda one: one.pause_s)
    late = percentiles_ms(outcome.page_delays_s)
    figures = {
        "seed": seed,
        "pause_s_by_strike": {one.what: round(one.pause_s, 1) for one in outcome.struck},
        "not_well_after": outcome.not_well_after,
        "payments": len(clients.paid),
        "orders": len(clients.orders),
        "orders_done": sum(state == OrderState.DONE for state in clients.orders.values()),
        "orders_nobody_knows_of": len(unsure),
        "asked_again": dict(clients.asked_again),
        "refused": clients.refused[:10],
        "events": outcome.emitted,
        "alarms": len(outcome.told) + outcome.untold,
        "alarms_not_told": outcome.untold,
        "stored_to_live_page_ms": late,
    }
    budgets = [
        budget(f"seconds without a payment ({longest.what})", longest.pause_s, "at most", RESUMES_WITHIN_S),
        budget("strikes after which something did not come back", outcome.not_well_after is not None, "at most", 0),
        budget("payments acknowledged and lost", len(lost), "at most", 0),
        budget("payments recorded twice", sum(times > 1 for times in facts.recorded.values()), "at most", 0),
        budget("differences in the books", facts.differences, "at most", 0),
        budget("refused for good", len(clients.refused), "at most", 0),
        budget("orders not answered", clients.unanswered["order"], "at most", 0),
        budget("orders carried out twice", facts.carried_out_twice, "at most", 0),
        budget("orders that nobody knows of, of each strike", len(unsure) / len(outcome.struck), "at most", 1),
        budget("events lost", outcome.lost_events, "at most", 0),
        budget("events stored twice", outcome.twice_events, "at most", 0),
        budget("alarms told twice", sum(times > 1 for times in outcome.told.values()), "at most", 0),
        budget("stored to open live page p99, ms", late["p99"], "at most", 1000),
    ]
    return Report("failover", figures, budgets)
