"""What the server does beside its requests: connections to the broker, and threads that publish, watch and tidy."""

import threading
from collections.abc import Callable

from campusgate.processes.jobs.schedule import run_jobs
from campusgate.processes.jobs.server_jobs import make_server_jobs
from campusgate.processes.server.assembly import Server


class Background:
    """Runs from `start` to `stop`, which also closes the server's database."""

    def __init__(self, server: Server) -> None:
        """Make the threads; none runs yet."""
        self._server = server
        self._stop, self._wake = threading.Event(), threading.Event()
        self._threads = [
            _thread("publisher", server.publisher.run, self._stop, self._wake),
            _thread("look-alikes", server.look_alikes.run, self._stop),
            _thread("alarms", server.alarms.run, self._stop),
        ]
        for name, jobs in make_server_jobs(
            server.database, server.money, server.metering.supply, server.settings, server.metering.sessions.order
        ).items():
            self._threads.append(_thread(name, run_jobs, jobs, self._stop, server.clock))

    def start(self) -> None:
        """Connect, and start every thread."""
        self._server.ingest.start()
        if self._server.showers is not None:
            self._server.showers.start()
        self._server.connections.events.start()
        self._server.connections.orders.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End in order: who gives work first, the writer of the ledger and the database last."""
        self._stop.set()
        self._wake.set()
        self._server.connections.orders.stop()
        self._server.connections.events.stop()
        self._server.ingest.stop()
        if self._server.showers is not None:
            self._server.showers.stop()
        for thread in self._threads:
            thread.join()
        self._server.money.writer.close()
        self._server.database.close()


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    return threading.Thread(target=target, args=arguments, name=name, daemon=True)
