"""Transfers a second: wallets to many merchants, and wallets to one that everybody pays, on both databases.

    python -m benchmarks.ledger --json

Many clients wait for their own answers; one writer commits for all of them (`accounts.ledger.writer`). SQLite runs with
synchronous=FULL, PostgreSQL with fsync on, and every answer comes after its commit. The peer is pgbench's TPC-B-like
script on the same PostgreSQL in the same run: five statements and one commit a transaction, prepared. After each run
the books are added up from the journal; a run whose books are wrong is no figure.
"""

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog

from accounts.ledger import AccountKind, LedgerWriter, Transfer, open_account, open_named, record, seal_chain
from accounts.ledger.invariants import check_ledger
from benchmarks.report import Budget, Report, budget, present
from database import Base, Database, new_id
from tests.postgresql import Cluster, PostgresqlMissingError, cluster

WALLETS, MERCHANTS = 2_000, 200
SPREAD, HOT = "spread", "hot"
BUDGETS = {"postgresql": 2_500, "sqlite": 1_500}


@dataclass(frozen=True, slots=True)
class Load:
    """How hard to press."""

    clients: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Books:
    """An open ledger with rich wallets."""

    database: Database
    wallets: list[UUID]
    merchants: list[UUID]


def main() -> int:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clients", type=int, default=64, help="clients that wait for their answers")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each run")
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    load = Load(arguments.clients, arguments.seconds)
    figures: dict[str, float] = {"clients": load.clients, "seconds": load.seconds}
    peers: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory(prefix="campusgate-benchmark-") as folder:
        figures |= measure("sqlite", lambda name: f"sqlite:///{Path(folder) / name}.db", load)
    try:
        with cluster() as server:
            figures |= measure("postgresql", server.create, load)
            peers |= _peers(server, load)
    except PostgresqlMissingError as error:
        peers["postgresql"] = str(error)
    report = Report("ledger", figures, list(_budgets(figures)), peers, _ratios(figures, peers))
    return present(report, as_json=arguments.json)


def measure(kind: str, address: Callable[[str], str], load: Load) -> dict[str, float]:
    """Return the figures of one database."""
    figures: dict[str, float] = {}
    for shape in (SPREAD, HOT):
        with opened(address(f"ledger_{shape}")) as books:
            rate, latency = press(books, shape, load)
            figures[f"{kind}_{shape}_per_s"] = rate
            figures[f"{kind}_{shape}_p99_ms"] = latency
            if shape == SPREAD:
                figures[f"{kind}_alone_p50_ms"] = alone(books, load.seconds / 4)
                figures[f"{kind}_sealed_per_s"] = sealed(books)
            with books.database.read() as session:
                faults = check_ledger(session)
                whole = seal_chain.verify(session).whole
            if faults or not whole:
                raise RuntimeError(f"{kind}: the books are wrong after the run: {faults[:3]}")
    return figures


@contextmanager
def opened(address: str) -> Iterator[Books]:
    """A new ledger whose wallets can pay for as long as it takes."""
    database = Database(address)
    Base.metadata.create_all(database.engine)
    now = datetime.now(UTC)
    wallets = [new_id() for _ in range(WALLETS)]
    merchants = [new_id() for _ in range(MERCHANTS)]
    with database.begin() as session:
        cash = open_named(session, AccountKind.CASH, "benchmark", now)
        for wallet in wallets:
            open_account(session, wallet, AccountKind.WALLET, now)
        for merchant in merchants:
            open_account(session, merchant, AccountKind.MERCHANT, now)
        record(session, [Transfer(new_id(), "top_up", cash, wallet, 10**9) for wallet in wallets], now)
    try:
        yield Books(database, wallets, merchants)
    finally:
        database.close()


def press(books: Books, shape: str, load: Load) -> tuple[float, float]:
    """Return transfers a second, and the 99th percentile of the clients' waiting in milliseconds."""
    stop, waits = threading.Event(), [list[float]() for _ in range(load.clients)]

    def client(number: int) -> None:
        dice = random.Random(number)  # noqa: S311 - a load, not a secret
        while not stop.is_set():
            merchant = books.merchants[0] if shape == HOT else dice.choice(books.merchants)
            begun = time.perf_counter()
            writer.submit(Transfer(new_id(), "payment", dice.choice(books.wallets), merchant, 1_200)).require()
            waits[number].append(time.perf_counter() - begun)

    with LedgerWriter(books.database) as writer:
        clients = [threading.Thread(target=client, args=(number,)) for number in range(load.clients)]
        begun = time.perf_counter()
        for one in clients:
            one.start()
        time.sleep(load.seconds)
        stop.set()
        for one in clients:
            one.join()
        took = time.perf_counter() - begun
    every = [wait for mine in waits for wait in mine]
    return len(every) / took, statistics.quantiles(every, n=100)[98] * 1_000


def alone(books: Books, seconds: float) -> float:
    """Return the median milliseconds of a transfer that shares its commit with nobody."""
    waits: list[float] = []
    until = time.perf_counter() + seconds
    with LedgerWriter(books.database) as writer:
        while (begun := time.perf_counter()) < until:
            writer.submit(Transfer(new_id(), "payment", books.wallets[0], books.merchants[0], 1)).require()
            waits.append(time.perf_counter() - begun)
    return statistics.median(waits) * 1_000


def sealed(books: Books) -> float:
    """Return the lines a second that the hash chain takes in behind the transfers."""
    begun = time.perf_counter()
    return seal_chain.seal(books.database, datetime.now(UTC)) / (time.perf_counter() - begun)


def _peers(server: Cluster, load: Load) -> dict[str, float]:
    # As many connections as do best on few cores; the clients of our run are threads of one process.
    return {"pgbench_tpcb_per_s": server.pgbench(clients=16, seconds=load.seconds)}


def _ratios(figures: dict[str, float], peers: dict[str, float | str]) -> dict[str, float]:
    ratios = {
        f"{kind}_hot_to_spread": figures[f"{kind}_{HOT}_per_s"] / figures[f"{kind}_{SPREAD}_per_s"]
        for kind in BUDGETS
        if f"{kind}_{HOT}_per_s" in figures
    }
    theirs = peers.get("pgbench_tpcb_per_s")
    if isinstance(theirs, float):
        ratios |= {
            f"postgresql_{shape}_to_pgbench": figures[f"postgresql_{shape}_per_s"] / theirs for shape in (SPREAD, HOT)
        }
    return ratios


def _budgets(figures: dict[str, float]) -> Iterator[Budget]:
    for kind, least in BUDGETS.items():
        for shape, wanted in ((SPREAD, least), (HOT, least / 2)):
            got = figures.get(f"{kind}_{shape}_per_s")
            if got is not None:
                yield budget(f"{kind} {shape} transfers/s", got, "at least", wanted)


if __name__ == "__main__":
    sys.exit(main())
