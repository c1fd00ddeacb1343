"""A PostgreSQL cluster of three nodes from `deploy/ha`, whose primary is killed or frozen while payments go on.

    python -m benchmarks.failover [--freeze] [--seconds N] [--json]
    python -m benchmarks.failover --servers [--only WHAT] [--seed N] [--json]

The second way is that of a campus (`failover_servers`): two servers behind HAProxy, gates, orders, alarms and live
pages, and each process is killed and frozen in turn.

Needs on the path Debian's `etcd-server` and `haproxy`, and PyPI's `patroni[etcd3]`. Budgets: payments resume within
25 s, none that was acknowledged is lost, none is recorded twice, the books are right.
"""

import argparse
import itertools
import multiprocessing
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from accounts.ledger import AccountKind, LedgerWriter, Transfer, named_account, open_account, open_named, record
from accounts.ledger.invariants import check_ledger
from accounts.ledger.tables import JournalTransfer
from benchmarks.failover_nodes import Nodes
from benchmarks.report import Report, budget, present
from campusgate.schema import metadata
from database import Database, DatabaseBusyError, new_id
from tests.doubles.processes import quiet

_CLIENTS = 6
_BEFORE_S = 5.0
_RETRY_S = 0.25
_RESUME_S = 25.0
_CASH = named_account(AccountKind.CASH, "counter")


@dataclass
class Terminals:
    """Pay from six threads, each payment again under its id until it is acknowledged."""

    writer: LedgerWriter
    wallet: UUID
    acknowledged: list[tuple[float, UUID]] = field(default_factory=list)
    refused: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float, what: threading.Timer) -> None:
        """Pay for so long; `what` happens meanwhile."""
        threads = [threading.Thread(target=self._pay) for _ in range(_CLIENTS)]
        for one in (*threads, what):
            one.start()
        self.stopping.wait(seconds)
        self.stopping.set()
        for one in (*threads, what):
            one.join()

    @property
    def longest_pause_s(self) -> float:
        """The longest time in which none was acknowledged."""
        times = sorted(at for at, _ in self.acknowledged)
        return max(after - before for before, after in itertools.pairwise(times))

    def _pay(self) -> None:
        while not self.stopping.is_set():
            payment = Transfer(new_id(), "payment", self.wallet, _CASH, 1)
            while not self._is_acknowledged(payment) and not self.stopping.is_set():
                time.sleep(_RETRY_S)

    def _is_acknowledged(self, payment: Transfer) -> bool:
        try:
            self.writer.submit(payment).require()
        except (SQLAlchemyError, DatabaseBusyError):
            self.refused += 1
            return False
        self.acknowledged.append((time.monotonic(), payment.id))
        return True


def run(*, number: signal.Signals, seconds: float) -> Report:
    """Pay, strike the primary, and compare what was acknowledged with what the journal holds."""
    with tempfile.TemporaryDirectory(prefix="campusgate-failover-") as folder:
        nodes = Nodes(Path(folder))
        try:
            nodes.start()
            database = Database(nodes.url)
            wallet = _fill(database)
            struck = nodes.find("primary") or "one"
            with LedgerWriter(database) as writer:
                terminals = Terminals(writer, wallet)
                terminals.run(seconds, threading.Timer(_BEFORE_S, nodes.signal, (struck, number)))
            with database.read() as session:
                recorded = Counter(session.scalars(select(JournalTransfer.id)))
            with database.snapshot() as session:
                differences = check_ledger(session)
            leads = nodes.find("primary")
            database.close()
        finally:
            nodes.stop()
    lost = [one for _, one in terminals.acknowledged if one not in recorded]
    return Report(
        "failover",
        {
            "struck": number.name,
            "acknowledged": len(terminals.acknowledged),
            "told_to_ask_again": terminals.refused,
            "longest_pause_s": round(terminals.longest_pause_s, 1),
            "another_leads": leads != struck,
        },
        [
            budget("seconds without a payment", terminals.longest_pause_s, "at most", _RESUME_S),
            budget("acknowledged and lost", len(lost), "at most", 0),
            budget("recorded twice", sum(number > 1 for number in recorded.values()), "at most", 0),
            budget("differences in the books", len(differences), "at most", 0),
        ],
    )


def _fill(database: Database) -> UUID:
    metadata().create_all(database.engine)
    now, wallet = datetime.now(UTC), new_id()
    with database.begin() as session:
        cash = open_named(session, AccountKind.CASH, "counter", now)
        open_account(session, wallet, AccountKind.WALLET, now)
        record(session, [Transfer(new_id(), "top_up", cash, wallet, 100_000_000)], now)[0].require()
    return wallet


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="benchmarks.failover", description=__doc__.splitlines()[0])
    parser.add_argument("--freeze", action="store_true", help="freeze the primary instead of killing it")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--servers", action="store_true", help="two servers over the nodes, everything struck in turn")
    parser.add_argument(
        "--only", default="", help="with --servers: strikes whose name holds one of these, as `primary,broker killed`"
    )
    parser.add_argument("--seed", type=int, default=1, help="with --servers: of the order of strikes")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.servers:
        from benchmarks.failover_servers import run as run_servers

        quiet()
        # So that a server that was killed is back in a moment.
        multiprocessing.set_forkserver_preload(["campusgate.processes.server.assembly", "benchmarks.fleet_gates"])
        told = run_servers(only=given.only, seed=given.seed, report=lambda what: print(what, file=sys.stderr))
        return present(told, as_json=given.json)
    number = signal.SIGSTOP if given.freeze else signal.SIGKILL
    return present(run(number=number, seconds=given.seconds), as_json=given.json)


if __name__ == "__main__":
    raise SystemExit(main())
