"""Payments a second by card, with the limits, the card and the person looked up for each, on both databases.

    python -m benchmarks.payments --json

`service`: threads call the function behind `POST /api/v1/payments`. `http`: the same through one server process over
real sockets, with device tokens, on the same cores as its clients. Spread over many merchants, and one that everybody
pays. The peer is pgbench's TPC-B-like script on the same PostgreSQL in the same run.
A campus of 30,000 needs about 40 payments/s at its peak.
"""

import argparse
import multiprocessing
import random
import socket
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

import httpx
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
from database import Base, Database, new_id
from tests.postgresql import PostgresqlMissingError, cluster
from web.routes import add_routes

HOLDERS, SHOPS = 300, 50
NEEDED_PER_S = 40
SPREAD, HOT = "spread", "hot"
_SECRET = b"of a benchmark, which keeps nothing"
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


def main() -> int:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clients", type=int, default=32, help="terminals that wait for their answers")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each run")
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    figures: dict[str, float] = {"clients": arguments.clients, "seconds": arguments.seconds}
    peers: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory(prefix="campusgate-benchmark-") as folder:
        address = f"sqlite:///{Path(folder) / 'payments'}.db"
        figures |= measure("sqlite", address, arguments.clients, arguments.seconds)
    try:
        with cluster() as server:
            figures |= measure("postgresql", server.create("payments"), arguments.clients, arguments.seconds)
            peers["pgbench_tpcb_per_s"] = server.pgbench(clients=16, seconds=arguments.seconds)
    except PostgresqlMissingError as error:
        peers["postgresql"] = str(error)
    report = Report("payments", figures, list(_budgets(figures)), peers, _ratios(figures, peers))
    return present(report, as_json=arguments.json)


def measure(kind: str, address: str, clients: int, seconds: float) -> dict[str, float]:
    """Return the figures of one database."""
    figures: dict[str, float] = {}
    with opened(address) as campus:
        for shape in (SPREAD, HOT):
            figures[f"{kind}_service_{shape}_per_s"] = press(campus, shape, clients, seconds, _by_function(campus))
            with _served(address, campus) as pay:
                figures[f"{kind}_http_{shape}_per_s"] = press(campus, shape, clients, seconds, pay)
        with campus.database.read() as session:
            if faults := check_ledger(session):
                raise RuntimeError(f"{kind}: the books are wrong after the run: {faults[:3]}")
    return figures


@contextmanager
def opened(address: str) -> Iterator[Campus]:
    """A new campus whose holders can pay for as long as it takes."""
    database = Database(address, pool_size=40, credential_key=bytes(range(32)))
    Base.metadata.create_all(database.engine)
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


def press(campus: Campus, shape: str, clients: int, seconds: float, pay: Callable[[Shop, UUID, str], None]) -> float:
    """Return the payments a second of `clients` that each wait for their answers."""
    stop, counts, failures = threading.Event(), [0] * clients, list[Exception]()

    def client(number: int) -> None:
        dice = random.Random(number)  # noqa: S311 - a load, not a secret
        try:
            while not stop.is_set():
                pay(campus.shops[0] if shape == HOT else dice.choice(campus.shops), new_id(), dice.choice(campus.uids))
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


def _money(database: Database) -> MoneyServices:
    accounts = AccountsServices(database=database, secret=_SECRET)
    return MoneyServices(accounts=accounts, writer=LedgerWriter(database), default_limits=_NO_LIMITS)


def _by_function(campus: Campus) -> Callable[[Shop, UUID, str], None]:
    services = _money(campus.database)

    def pay(shop: Shop, payment_id: UUID, uid: str) -> None:
        # A fen each: no run reaches a limit, and each payment is counted against both of them.
        wallet.pay(services, shop.terminal, Payment(payment_id, 1, Presented(uid=uid)), datetime.now(UTC))

    return pay


@contextmanager
def _served(address: str, campus: Campus) -> Iterator[Callable[[Shop, UUID, str], None]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(address, port), daemon=True)
    server.start()
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", limits=httpx.Limits(max_connections=None), timeout=30, trust_env=False
    )

    def pay(shop: Shop, payment_id: UUID, uid: str) -> None:
        body = {"id": str(payment_id), "amount": 1, "card": {"uid": uid}}
        client.post("/api/v1/payments", json=body, headers={"Authorization": f"Bearer {shop.token}"}).raise_for_status()

    try:
        _wait_for(client, campus, pay)
        yield pay
    finally:
        client.close()
        server.terminate()
        server.join()


def _wait_for(client: httpx.Client, campus: Campus, pay: Callable[[Shop, UUID, str], None]) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            client.get("/openapi.json").raise_for_status()
            pay(campus.shops[0], new_id(), campus.uids[0])
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _serve(address: str, port: int) -> None:
    """The server's process."""
    import uvicorn
    from fastapi import FastAPI

    from accounts.api.router import router
    from web import problems

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    app = FastAPI()
    money = _money(Database(address, pool_size=40, credential_key=bytes(range(32))))
    app.state.accounts, app.state.money = money.accounts, money
    add_routes(app, router)
    problems.install(app)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def _ratios(figures: dict[str, float], peers: dict[str, float | str]) -> dict[str, float]:
    ratios = {
        f"{name.removesuffix('_hot_per_s')}_hot_to_spread": value / figures[name.replace(HOT, SPREAD)]
        for name, value in figures.items()
        if name.endswith("_hot_per_s")
    }
    theirs = peers.get("pgbench_tpcb_per_s")
    if isinstance(theirs, float):
        ratios |= {
            f"postgresql_{way}_{shape}_to_pgbench": figures[f"postgresql_{way}_{shape}_per_s"] / theirs
            for way in ("service", "http")
            for shape in (SPREAD, HOT)
        }
    return ratios


def _budgets(figures: dict[str, float]) -> Iterator[Budget]:
    for name, got in figures.items():
        if "_http_" in name:
            what = name.removesuffix("_per_s").replace("_", " ")
            yield budget(f"{what} payments/s (a campus of 30,000 at its peak)", got, "at least", NEEDED_PER_S)


if __name__ == "__main__":
    sys.exit(main())
