"""Payments a second by card, with the limits, the card and the person looked up for each, on both databases.

    python -m benchmarks.payments [--database sqlite] [--seconds S] [--json]

`http`: through the server of `campusgate serve` with all of its routes over real sockets, with device tokens, on the
same cores as its clients, which are wrk's. Spread over many merchants, and one that everybody pays. `server_ms` is the
server's processor time for one payment. `service`: threads call the function behind `POST /api/v1/payments`. The peer
is pgbench's TPC-B-like script on the same PostgreSQL in the same run. After each run the books are added up.
A campus of 30,000 needs about 40 payments/s at its peak.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from accounts import cards, devices, people
from accounts.cards.identity import Presented
from accounts.ledger import AccountKind, LedgerWriter, Transfer, open_named, record
from accounts.ledger.invariants import check_ledger
from accounts.payments import merchants, wallet
from accounts.payments.limits import Limits
from accounts.payments.services import MoneyServices
from accounts.payments.wallet import Payment, Terminal
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.vocabulary import DeviceRole, PersonKind
from benchmarks.report import Budget, Report, budget, present
from benchmarks.server_process import CREDENTIAL_KEY, TOKEN_SECRET, serving
from benchmarks.wrk import press
from campusgate.schema import metadata
from database import Database, new_id
from tests.postgresql import PostgresqlMissingError, cluster

HOLDERS, SHOPS = 200, 50
NEEDED_PER_S = 40
LEAST_OF_PGBENCH = 0.15
"""pgbench speaks to the database alone, in C; before payments were read in groups this was 0.03."""
SPREAD, HOT = "spread", "hot"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
_NO_LIMITS = Limits(meal=1_000_000, day=1_000_000)


@dataclass(frozen=True, slots=True)
class Shop:
    """A terminal with its device's token."""

    terminal: Terminal
    token: str


@dataclass(frozen=True, slots=True)
class Campus:
    """Rich holders by the UIDs of their cards, and shops."""

    database: Database
    uids: list[str]
    shops: list[Shop]

    def shops_of(self, shape: str) -> list[Shop]:
        """Return those that are paid at."""
        return self.shops[:1] if shape == HOT else self.shops


def main() -> int:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(prog="benchmarks.payments", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clients", type=int, default=32, help="terminals that wait for their answers")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each run")
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), help="one of them alone")
    parser.add_argument("--shape", choices=(SPREAD, HOT), help="one of them alone")
    parser.add_argument("--service", action="store_true", help="the function behind the route, too")
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    figures: dict[str, float] = {"clients": given.clients, "seconds": given.seconds}
    peers: dict[str, float | str] = {}
    shapes = (given.shape,) if given.shape else (SPREAD, HOT)
    if given.database in (None, SQLITE):
        with tempfile.TemporaryDirectory(prefix="campusgate-benchmark-") as folder:
            address = f"sqlite:///{Path(folder) / 'payments'}.db"
            figures |= measure(SQLITE, address, given.clients, given.seconds, shapes, service=given.service)
    if given.database in (None, POSTGRESQL):
        try:
            with cluster() as server:
                address = server.create("payments")
                figures |= measure(POSTGRESQL, address, given.clients, given.seconds, shapes, service=given.service)
                peers["pgbench_tpcb_per_s"] = server.pgbench(clients=16, seconds=given.seconds)
        except PostgresqlMissingError as error:
            peers[POSTGRESQL] = str(error)
    ratios = _ratios(figures, peers)
    report = Report("payments", figures, list(_budgets(figures, ratios)), peers, ratios)
    return present(report, as_json=given.json)


def measure(
    kind: str, address: str, clients: int, seconds: float, shapes: tuple[str, ...], *, service: bool
) -> dict[str, float]:
    """Return the figures of one database."""
    figures: dict[str, float] = {}
    with opened(address) as campus, tempfile.TemporaryDirectory(prefix="campusgate-benchmark-") as folder:
        for shape in shapes if service else ():
            figures[f"{kind}_service_{shape}_per_s"] = press_function(campus, shape, clients, seconds)
        with serving(Path(folder), address) as server:
            for number, shape in enumerate(shapes):
                load = _write_load(Path(folder), campus, shape)
                # The first second finds connections, prepared statements and plans to be made.
                for part, lasts in ((0, 1.0), (1, seconds)):
                    run = f"0{number}{part}00000-0000"
                    answered = press(
                        server,
                        "/api/v1/payments",
                        clients=clients,
                        seconds=lasts,
                        script="payments.lua",
                        arguments=(str(load), run),
                    )
                figures |= answered.figures(f"{kind}_http_{shape}")
        with campus.database.read() as session:
            if faults := check_ledger(session):
                raise RuntimeError(f"{kind}: the books are wrong after the run: {faults[:3]}")
    return figures


@contextmanager
def opened(address: str) -> Iterator[Campus]:
    """A new campus whose holders can pay for as long as it takes."""
    database = Database(address, pool_size=40, credential_key=CREDENTIAL_KEY)
    metadata().create_all(database.engine)
    now = datetime.now(UTC)
    uids = [f"04{number:012X}" for number in range(HOLDERS)]
    with database.begin() as session:
        cash = open_named(session, AccountKind.CASH, "benchmark", now)
        merchants.set_campuses(session, "canteen", ["north"], by="system", now=now)
        for number, uid in enumerate(uids):
            particulars = Particulars(
                number=f"2026{number:05}", name="王小明", kind=PersonKind.STUDENT, valid_from=now - timedelta(days=1)
            )
            person = people.create(session, particulars, by="system", now=now)
            cards.issue(session, person, uid, key_number=None, by="system", now=now)
            record(session, [Transfer(new_id(), "top_up", cash, person.id, 10**10)], now)[0].require()
        shops = [_shop(session, number, now) for number in range(SHOPS)]
    try:
        yield Campus(database, uids, shops)
    finally:
        database.close()


def press_function(campus: Campus, shape: str, clients: int, seconds: float) -> float:
    """Return the payments a second of `clients` threads that each wait for their answers."""
    stop, counts, failures = threading.Event(), [0] * clients, list[Exception]()
    pay, shops = _by_function(campus), campus.shops_of(shape)

    def client(number: int) -> None:
        dice = random.Random(number)  # noqa: S311 - a load, not a secret
        try:
            while not stop.is_set():
                pay(dice.choice(shops), new_id(), dice.choice(campus.uids))
                counts[number] += 1
        except Exception as error:  # noqa: BLE001 - raised below, in the thread that reports
            failures.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    begun = time.perf_counter()
    for one in threads:
        one.start()
    time.sleep(seconds)
    stop.set()
    for one in threads:
        one.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - begun)


def _shop(session: Any, number: int, now: datetime) -> Shop:
    made = merchants.add(session, name=f"shop {number}", campus="north", service="canteen", by="system", now=now)
    device, token = devices.add(
        session,
        name=f"terminal {number}",
        role=DeviceRole.TERMINAL,
        campus="north",
        merchant_id=made.id,
        by="system",
        now=now,
    )
    return Shop(Terminal(device.id, made.id, "north"), token)


def _by_function(campus: Campus) -> Callable[[Shop, UUID, str], None]:
    accounts = AccountsServices(database=campus.database, secret=TOKEN_SECRET)
    services = MoneyServices(accounts=accounts, writer=LedgerWriter(campus.database), default_limits=_NO_LIMITS)

    def pay(shop: Shop, payment_id: UUID, uid: str) -> None:
        # A fen each: no run reaches a limit, and each payment is counted against both of them.
        wallet.pay(services, shop.terminal, Payment(payment_id, 1, Presented(uid=uid)), datetime.now(UTC))

    return pay


def _write_load(folder: Path, campus: Campus, shape: str) -> Path:
    """Write what `payments.lua` reads."""
    (folder / "tokens").write_text("\n".join(shop.token for shop in campus.shops_of(shape)), encoding="utf-8")
    (folder / "uids").write_text("\n".join(campus.uids), encoding="utf-8")
    return folder


def _ratios(figures: dict[str, float], peers: dict[str, float | str]) -> dict[str, float]:
    ratios = {
        f"{name.removesuffix('_hot_per_s')}_hot_to_spread": value / spread
        for name, value in figures.items()
        if name.endswith("_hot_per_s") and (spread := figures.get(name.replace(HOT, SPREAD)))
    }
    theirs = peers.get("pgbench_tpcb_per_s")
    if isinstance(theirs, float):
        ratios |= {
            f"{name.removesuffix('_per_s')}_to_pgbench": value / theirs
            for name, value in figures.items()
            if name.startswith(POSTGRESQL) and name.endswith("_per_s")
        }
    return ratios


def _budgets(figures: dict[str, float], ratios: dict[str, float]) -> Iterator[Budget]:
    for name, got in figures.items():
        if "_http_" in name and name.endswith("_per_s"):
            what = name.removesuffix("_per_s").replace("_", " ")
            yield budget(f"{what} payments/s (a campus of 30,000 at its peak)", got, "at least", NEEDED_PER_S)
    if (share := ratios.get("postgresql_http_spread_to_pgbench")) is not None:
        yield budget("postgresql http spread, share of pgbench's transactions", share, "at least", LEAST_OF_PGBENCH)


if __name__ == "__main__":
    sys.exit(main())
