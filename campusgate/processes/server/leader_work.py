"""What one server of a campus does for all: threads that publish, watch and tidy, for as long as it leads."""

import threading
from collections.abc import Callable

from campusgate.processes.jobs.schedule import run_jobs
from campusgate.processes.jobs.server_jobs import make_server_jobs
from campusgate.processes.server.assembly import Server
from campusgate.wiring.network_access import make_network_keeper

_PATIENCE_S = 10.0
"""A job that goes on when the lead is lost holds up nothing: each may be done twice, and ends with its statement."""


class LeaderWork:
    """Begins and ends with the lead, again and again. One thread calls `begin` and `end`."""

    def __init__(self, server: Server) -> None:
        """Take the server; nothing runs yet."""
        self._server = server
        self._jobs = make_server_jobs(
            server.database,
            server.money,
            server.metering.supply,
            server.settings,
            network=make_network_keeper(server.settings, server.network),
            heartbeats=server.metering.sessions.order,
            fines=server.fines,
        )
        self._stop, self._wake = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Start every thread."""
        self._stop, self._wake = threading.Event(), threading.Event()
        self._threads = [
            _thread("publisher", self._server.publisher.run, self._stop, self._wake),
            _thread("look-alikes", self._server.look_alikes.run, self._stop),
            _thread("alarms", self._server.alarms.run, self._stop),
        ]
        if self._server.zone_heartbeats is not None:
            self._threads.append(_thread("zone-heartbeats", self._server.zone_heartbeats.run, self._stop))
        for name, jobs in self._jobs.items():
            self._threads.append(_thread(name, run_jobs, jobs, self._stop, self._server.clock))
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Let the publisher look at once: people changed, at another server."""
        self._wake.set()

    def end(self) -> None:
        """Tell every thread to end, and wait a while for those that are busy."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def wait_ended(self) -> None:
        """Wait until every thread has ended, however long it takes."""
        for thread in self._threads:
            thread.join()


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    return threading.Thread(target=target, args=arguments, name=name, daemon=True)
