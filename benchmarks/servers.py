"""Two servers behind HAProxy, one of which is killed or frozen while staff give orders and terminals are paid.

    python -m benchmarks.servers [--freeze] [--seconds S] [--json]

Two real servers over one PostgreSQL and one Mosquitto, HAProxy with `deploy/ha/haproxy-servers.cfg` before them, with
TLS, and real controllers. Nobody is kept at one server: each request has a connection of its own, so that tickets are
given by one server and taken by another. The server that leads is struck in the middle. Budgets: payments resume
within 25 s, none that was acknowledged is lost, none is recorded twice, every order is answered, none is carried out
twice. Needs Debian's `haproxy`, `mosquitto` and `postgresql`.
"""

import argparse
import contextlib
import itertools
import os
import signal
import ssl
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import select

from accounts import devices
from accounts.ledger import AccountKind, Transfer, open_named, record
from accounts.ledger.invariants import check_ledger
from accounts.ledger.tables import JournalTransfer
from accounts.payments import merchants
from accounts.vocabulary import DeviceRole
from benchmarks.fleet_campus import (
    CREDENTIAL_KEY,
    STAFF_NUMBER,
    BrokerProcess,
    Campus,
    ServerProcess,
    card_of,
    wait_until,
)
from benchmarks.fleet_gates import GatesPlan, GatesProcess
from benchmarks.report import Report, budget, present
from benchmarks.servers_balancer import Balancer
from campusgate.demo.api_client import RefusedError, checked
from database import Database, new_id
from operations.orders import OrderState
from operations.tables import GateEvent, StaffOrder
from tests.doubles.processes import quiet
from tests.postgresql import cluster

GATES, PEOPLE = 4, 20
_TERMINALS = 4
_RESUME_S = 25.0
_RETRY_S = 0.25
_ORDER_EVERY_S = 0.5
_SETTLE_S = 30.0
UNSURE = frozenset({OrderState.SENDING, OrderState.READY})
"""A server died in the midst: nobody knows what the gates did, and nothing is sent again."""


@dataclass
class Clients:
    """Pay and order through the balancer, each thing again under its id until it is answered."""

    url: str
    trust: ssl.SSLContext
    sign_in: Callable[[], dict[str, str]]
    """Return the headers of a member of staff."""
    terminal_token: str
    staff: dict[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    paid: list[tuple[float, str]] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    """The state of each order's last answer, by its key."""
    asked_again: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    """What was refused for good, though nothing was wrong with it."""
    patience_s: float = _SETTLE_S
    """How long each thing is asked for."""

    def run(self, seconds: float, strike: Callable[[], None]) -> None:
        """Do all of it for so long; `strike` in the middle."""
        with self.at_work():
            self.stopping.wait(seconds / 3)
            strike()
            self.stopping.wait(seconds * 2 / 3)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Do all of it until the end of the block; what was begun is seen to its end."""
        work = [*[self._pay] * _TERMINALS, self._order]
        threads = [threading.Thread(target=one, args=(number,)) for number, one in enumerate(work)]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            self.stopping.set()
            for one in threads:
                one.join()

    def pause_s(self, since_s: float, until_s: float) -> float:
        """Return the longest time between two moments (monotonic seconds) in which no payment was acknowledged."""
        times = sorted(at_s for at_s, _ in self.paid if since_s <= at_s <= until_s)
        return max(after - before for before, after in itertools.pairwise([since_s, *times, until_s]))

    @property
    def longest_pause_s(self) -> float:
        """The longest time in which no payment was acknowledged."""
        return max(after - before for (before, _), (after, _) in itertools.pairwise(sorted(self.paid)))

    def _pay(self, number: int) -> None:
        for turn in itertools.count():
            if self.stopping.is_set():
                return
            payment, card = str(new_id()), card_of((number + turn) % (PEOPLE - 1))
            if self._until_answered("payment", partial(self._take, payment, card)) is not None:
                self.paid.append((time.monotonic(), payment))

    def _order(self, _number: int) -> None:
        gates = itertools.cycle(f"gate-{number}" for number in range(GATES))
        while not self.stopping.wait(_ORDER_EVERY_S):
            key, order = str(uuid4()), {"action": "open", "gates": [next(gates)]}
            answer = self._until_answered("order", partial(self.give, key, order))
            if answer is not None:
                self.orders[key] = answer["state"]

    def _take(self, payment: str, card: str) -> Any:
        body = {"id": payment, "amount": 1, "card": {"uid": card}}
        return self._send("/api/v1/payments", body, {"Authorization": f"Bearer {self.terminal_token}"})

    def give(self, key: str, order: dict[str, Any]) -> Any:
        """Give an order with a ticket of its own; the answer of whichever server takes it."""
        self.staff = self.staff or self.sign_in()
        ticket = self._send("/api/v1/operations/tickets", {"action": "open"}, self.staff)["ticket"]
        return self._send(
            "/api/v1/operations/orders", order, self.staff | {"Idempotency-Key": key, "Door-Ticket": ticket}
        )

    def _send(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
        # A connection of its own: the next request may go to the other server.
        answer = httpx.post(self.url + path, json=body, headers=headers, verify=self.trust, timeout=10)
        is_over = answer.status_code == httpx.codes.UNAUTHORIZED
        if is_over and headers.get("Authorization") == self.staff.get("Authorization"):
            # An access token lives for minutes, and a run may take longer.
            self.staff = self.sign_in()
            raise httpx.ReadError("the sign-in was over")
        if answer.status_code in {409, 502, 503, 504}:
            # 409: the ticket was over, as where the server hung; nothing was done.
            raise httpx.ReadError(answer.text[:200])
        return checked(answer)

    def _until_answered(self, what: str, ask: Callable[[], Any]) -> Any:
        """Return the answer, asked for again and again; None when the time is over."""
        end = time.monotonic() + self.patience_s
        while time.monotonic() < end:
            try:
                return ask()
            except httpx.TransportError:
                pass
            except RefusedError as error:
                self.refused.append(f"{what}: {error}")
                return None
            self.asked_again[what] += 1
            time.sleep(_RETRY_S)
        self.unanswered[what] += 1
        return None


def run(*, number: signal.Signals, seconds: float) -> Report:
    """Strike the server that leads, and compare what was answered with what the database holds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-servers-")))
        (folder / "broker").mkdir()
        url = stack.enter_context(cluster()).create("servers")
        gates = tuple(f"gate-{one}" for one in range(GATES))
        campus = Campus(folder, url, gates, settings={"trusted_proxies": ["127.0.0.1"]})
        campus.populate(PEOPLE)
        terminal = add_terminal(campus)
        stack.enter_context(BrokerProcess(folder / "broker", campus.mqtt_port))
        first = ServerProcess(campus)
        second = first.twin(folder / "second")
        both = [stack.enter_context(one) for one in (first, second)]
        for one in both:
            one.wait()
        balancer = stack.enter_context(Balancer(folder, [one.port for one in both]))
        processes = [GatesProcess(GatesPlan.of(campus, gates))]
        for process in processes:
            stack.enter_context(process)
            process.wait_ready()
        clients = Clients(balancer.url, balancer.trust, lambda: sign_in(balancer, campus), terminal)
        wait_until(lambda: opens(clients), "the gates obey")
        clients.run(seconds, lambda: os.kill(first.pid, number))
        if number is signal.SIGSTOP:
            os.kill(first.pid, signal.SIGCONT)
        facts = read_facts(url)
    lost = [payment for _, payment in clients.paid if payment not in facts.recorded]
    done = [state for state in clients.orders.values() if state == OrderState.DONE]
    unsure = [state for state in clients.orders.values() if state in UNSURE]
    return Report(
        "servers",
        {
            "struck": number.name,
            "payments": len(clients.paid),
            "orders": len(clients.orders),
            "orders_done": len(done),
            "orders_nobody_knows_of": len(unsure),
            "asked_again": dict(clients.asked_again),
            "refused": clients.refused[:10],
            "longest_pause_s": round(clients.longest_pause_s, 1),
        },
        [
            budget("seconds without a payment", clients.longest_pause_s, "at most", _RESUME_S),
            budget("payments acknowledged and lost", len(lost), "at most", 0),
            budget("payments recorded twice", sum(times > 1 for times in facts.recorded.values()), "at most", 0),
            budget("differences in the books", facts.differences, "at most", 0),
            budget("refused for good", len(clients.refused), "at most", 0),
            budget("orders done", len(done), "at least", 1),
            budget("orders that nobody knows of", len(unsure), "at most", 1),
            budget("orders carried out twice", facts.carried_out_twice, "at most", 0),
        ],
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database says at the end."""

    recorded: Counter[str]
    differences: int
    carried_out_twice: int


def read_facts(url: str) -> Facts:
    """Read them."""
    database = Database(url)
    try:
        with database.read() as session:
            recorded = Counter(map(str, session.scalars(select(JournalTransfer.id))))
            orders = session.scalars(select(StaffOrder)).all()
            meant = [one["command"] for order in orders for one in order.results if one["command"] is not None]
            opened = Counter(
                str(event.command_id)
                for event in session.scalars(select(GateEvent).where(GateEvent.kind == "access_granted"))
            )
        with database.snapshot() as session:
            differences = len(check_ledger(session))
    finally:
        database.close()
    twice = sum(times > 1 for times in Counter(meant).values()) + sum(opened[one] > 1 for one in meant)
    return Facts(recorded, differences, twice)


def add_terminal(campus: Campus) -> str:
    """Give everybody money and let a shop take it; return its terminal's token."""
    database, now = Database(campus.database_url, credential_key=CREDENTIAL_KEY), datetime.now(UTC)
    try:
        with database.begin() as session:
            cash = open_named(session, AccountKind.CASH, "benchmark", now)
            for person in campus.people:
                record(session, [Transfer(new_id(), "top_up", cash, person, 100_000)], now)[0].require()
            merchants.set_campuses(session, "canteen", ["north"], by="system", now=now)
            shop = merchants.add(session, name="shop", campus="north", service="canteen", by="system", now=now)
            _, token = devices.add(
                session, name="till", role=DeviceRole.TERMINAL, merchant_id=shop.id, by="system", now=now
            )
            return token
    finally:
        database.close()


def sign_in(balancer: Balancer, campus: Campus) -> dict[str, str]:
    """Return the headers of a member of staff."""
    form = {"grant_type": "password", "username": STAFF_NUMBER, "password": campus.staff_password}
    answer = httpx.post(f"{balancer.url}/api/v1/tokens", data=form, verify=balancer.trust, timeout=30)
    if answer.is_server_error:
        raise httpx.ReadError(answer.text[:200])
    return {"Authorization": f"Bearer {checked(answer)['access_token']}"}


def opens(clients: Clients) -> bool:
    """Whether an order to open is carried out at every gate."""
    with contextlib.suppress(httpx.TransportError, RefusedError):
        answer = clients.give(str(uuid4()), {"action": "open", "everywhere": True})
        return {one["effect"] for one in answer["results"]} == {"done"}
    return False


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="benchmarks.servers", description=__doc__.splitlines()[0])
    parser.add_argument("--freeze", action="store_true", help="freeze the server instead of killing it")
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    quiet()
    number = signal.SIGSTOP if given.freeze else signal.SIGKILL
    return present(run(number=number, seconds=given.seconds), as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
