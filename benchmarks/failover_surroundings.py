"""What surrounds two servers over three nodes: what is struck, the gates that are forced, and who is told of it."""

import contextlib
import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.failover_nodes import Nodes
from benchmarks.fleet_campus import SITE, BrokerProcess, ServerProcess, wait_until
from benchmarks.servers_balancer import Balancer
from bus import Connection, NotConnectedError, NotDeliveredError
from database import new_id
from messages import Event, EventKind, GateTopics

_AWAY_S = 2.0
_FROZEN_S = 30.0
"""Longer than a primary's lease."""
_FROZEN_ALONE_S = 10.0
"""What there is but one of: everything waits for it."""
_ALONE = frozenset({"broker", "balancer", "database-balancer"})
_ALARM_EVERY_S = 4.0


class Webhook:
    """Receives alarms on a port of its own, and counts each."""

    def __init__(self) -> None:
        """Listen."""
        self.received: Counter[str] = Counter()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                # The trail's head is posted here too.
                if "alarm_id" in told and not told["escalated"]:
                    hook.received[told["alarm_id"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/alarms"

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take what is posted until the end of the block."""
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()


@dataclass(slots=True)
class Victims:
    """What can be struck, by name: how it is killed, started, and told to stand still."""

    nodes: Nodes
    broker: BrokerProcess
    balancer: Balancer
    servers: Sequence[ServerProcess]

    @staticmethod
    def names() -> list[str]:
        """Return everything that can be struck, in both ways."""
        things = ("leader", "other-server", "primary", "sync", "etcd-one", "broker", "balancer", "database-balancer")
        return [f"{thing} {way}" for thing in things for way in ("killed", "frozen")]

    def strike(self, name: str) -> None:
        """Kill and start, or freeze for a while; it is on its way back when this returns."""
        thing, way = name.split(" ")
        if thing in {"primary", "sync"}:
            self._strike_node(self.nodes.find(thing) or "one", way)
            return
        kill, start, send = self._ways(thing)
        if way == "killed":
            kill()
            time.sleep(_AWAY_S)
            start()
        else:
            send(signal.SIGSTOP)
            time.sleep(_FROZEN_ALONE_S if thing in _ALONE else _FROZEN_S)
            send(signal.SIGCONT)

    def _find_server(self, *, leads: bool) -> ServerProcess:
        """Return the server that leads, or one that does not; who does changes with each strike."""
        found: list[ServerProcess] = []

        def is_known() -> bool:
            by_word = [(server.leads(), server) for server in self.servers]
            found[:] = [server for does, server in by_word if does is leads]
            return sum(does for does, _ in by_word) == 1

        wait_until(is_known, "one server leads")
        return found[0]

    def _strike_node(self, node: str, way: str) -> None:
        if way == "killed":
            self.nodes.kill_node(node)
            # Its machine comes back when another leads.
            time.sleep(_FROZEN_S)
            self.nodes.start_node(node)
        else:
            self.nodes.signal(node, signal.SIGSTOP)
            time.sleep(_FROZEN_S)
            self.nodes.signal(node, signal.SIGCONT)

    def _ways(self, thing: str) -> tuple[Callable[[], Any], Callable[[], Any], Callable[[signal.Signals], Any]]:
        if thing in {"leader", "other-server"}:
            server = self._find_server(leads=thing == "leader")
            return server.kill, server.start, server.send
        if thing == "broker":
            return self.broker.kill, self.broker.start, self.broker.send
        if thing == "balancer":
            return self.balancer.kill, self.balancer.start, self.balancer.send
        process = "haproxy" if thing == "database-balancer" else thing

        def running() -> "subprocess.Popen[bytes]":
            return self.nodes.process(process)

        def kill() -> None:
            running().kill()
            running().wait()

        start = self.nodes.start_balancer if process == "haproxy" else lambda: self.nodes.start_etcd("one")
        return kill, start, lambda number: running().send_signal(number)


@dataclass(slots=True)
class Alarms:
    """Gates that are forced, one after the other: each is an alarm of its own."""

    bus: Connection
    gates: Sequence[str]
    raised: int = 0

    def run(self, stop: threading.Event) -> None:
        """Force one after the other until `stop`."""
        for gate in self.gates:
            if stop.wait(_ALARM_EVERY_S):
                return
            event = Event(id=new_id(), gate=gate, at=datetime.now(UTC), kind=EventKind.DOOR_FORCED, details={})
            while not stop.is_set():
                try:
                    self.bus.publish(GateTopics(SITE, gate).events, event.encode(), wait_s=2)
                except (NotConnectedError, NotDeliveredError):
                    stop.wait(0.5)
                else:
                    break
